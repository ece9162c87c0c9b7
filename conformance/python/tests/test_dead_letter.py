"""Dead-letter queues: when a message moves there, as what, and who may name which queue."""

import json

import pytest

from support.clients import (
    Refusal, arn, attributes, bodies, counts, invalid, invalid_value, receive, receive_all, receive_one,
    refused, refused_as_one_of, unique,
)
from support.process import eventually

USER_ATTRIBUTES = {"name": {"DataType": "Number.int", "StringValue": "7"}}


def policy(target_arn, count=1):
    return json.dumps({"deadLetterTargetArn": target_arn, "maxReceiveCount": count})


@pytest.fixture
def pair(sqs, make_queue):
    """A source whose messages are dead after one receive, and its dead-letter queue."""

    def make(count=1, fifo=False, **attributes):
        more = {"ContentBasedDeduplication": "true"} if fifo else {}
        dead = make_queue(fifo=fifo, **more)
        source = make_queue(
            fifo=fifo, RedrivePolicy=policy(arn(sqs, dead), count), VisibilityTimeout="0", **more, **attributes
        )
        return source, dead

    return make


def test_a_message_moves_when_its_count_would_exceed_the_limit(sqs, pair):
    source, dead = pair(count=3)
    sent = sqs.send_message(QueueUrl=source, MessageBody="m", MessageAttributes=USER_ATTRIBUTES)
    received = [receive_one(sqs, source, AttributeNames=["All"]) for _ in range(3)]
    assert [m["Attributes"]["ApproximateReceiveCount"] for m in received] == ["1", "2", "3"]
    assert counts(sqs, dead) == (0, 0, 0)
    assert receive(sqs, source) == []
    (message,) = receive(sqs, dead, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "m"
    assert message["MessageAttributes"] == USER_ATTRIBUTES
    system = message["Attributes"]
    assert system["DeadLetterQueueSourceArn"] == arn(sqs, source)
    assert system["ApproximateReceiveCount"] == "4", "the count goes on"
    assert system["SentTimestamp"] == received[0]["Attributes"]["SentTimestamp"]


def test_the_moved_message_is_its_queues_own(sqs, pair):
    source, dead = pair()
    sqs.send_message(QueueUrl=source, MessageBody="m")
    receive_one(sqs, source)
    eventually(lambda: receive(sqs, source) == [] and counts(sqs, dead) == (1, 0, 0))
    message = receive_one(sqs, dead)
    assert counts(sqs, dead) == (0, 1, 0), "hidden for the dead-letter queue's own timeout"
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, dead) == (0, 0, 0)


def test_what_can_still_be_received_is_in_the_same_answer(sqs, pair):
    source, dead = pair()
    sqs.send_message(QueueUrl=source, MessageBody="old")
    receive_one(sqs, source)
    sqs.send_message(QueueUrl=source, MessageBody="new")
    assert bodies(receive(sqs, source, wait=2)) == ["new"]
    assert bodies(receive(sqs, dead)) == ["old"]


def test_fifo_moves_keep_group_and_order(sqs, pair):
    source, dead = pair(fifo=True)
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=source, MessageBody=body, MessageGroupId="g")
    assert bodies(receive(sqs, source, 2)) == ["one", "two"]
    eventually(lambda: receive(sqs, source) == [] and counts(sqs, dead)[0] == 2)
    messages = receive_all(sqs, dead, 2, AttributeNames=["All"])
    assert bodies(messages) == ["one", "two"]
    for message in messages:
        assert message["Attributes"]["MessageGroupId"] == "g"
        assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, source)


def test_a_dead_message_opens_its_group(sqs, pair):
    source, dead = pair(fifo=True)
    sqs.send_message(QueueUrl=source, MessageBody="poison", MessageGroupId="g")
    assert bodies(receive(sqs, source, 1)) == ["poison"]
    sqs.send_message(QueueUrl=source, MessageBody="next", MessageGroupId="g")
    assert receive_one(sqs, source)["Body"] == "next"
    assert counts(sqs, dead)[0] == 1


def test_the_limit_is_ten_when_it_is_left_out(sqs, make_queue):
    dead = make_queue()
    source = make_queue(VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dead)}))
    sqs.send_message(QueueUrl=source, MessageBody="m")
    for _ in range(10):
        receive_one(sqs, source)
    assert receive(sqs, source) == []
    assert counts(sqs, dead)[0] == 1


def test_the_policy_can_change_and_go(sqs, pair):
    source, dead = pair()
    sqs.send_message(QueueUrl=source, MessageBody="m")
    receive_one(sqs, source)
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes(sqs, source)
    for _ in range(3):
        assert receive_one(sqs, source)["Body"] == "m"
    assert counts(sqs, dead) == (0, 0, 0)


def test_the_count_may_be_text(sqs, make_queue):
    dead = make_queue()
    text = json.dumps({"maxReceiveCount": "5", "deadLetterTargetArn": arn(sqs, dead)})
    source = make_queue(RedrivePolicy=text)
    found = json.loads(attributes(sqs, source)["RedrivePolicy"])
    assert found == {"maxReceiveCount": 5, "deadLetterTargetArn": arn(sqs, dead)}, "and reads as a number"


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_a_policy_comes_back_to_the_byte(sqs, make_queue, separators):
    """Terraform and others compare."""
    text = json.dumps({"deadLetterTargetArn": arn(sqs, make_queue()), "maxReceiveCount": 5}, separators=separators)
    assert attributes(sqs, make_queue(RedrivePolicy=text))["RedrivePolicy"] == text


@pytest.mark.parametrize("count", [0, -1, 1001, "many", 1.5])
def test_bad_counts(sqs, make_queue, count):
    text = policy(arn(sqs, make_queue()), count)
    refused(invalid(), sqs.create_queue, QueueName=unique(), Attributes={"RedrivePolicy": text})


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"maxReceiveCount": 3}', '"text"'])
def test_bad_policies(sqs, queue, text):
    refused(invalid(), sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": text})


def test_a_malformed_arn_is_refused_before_it_is_looked_up(sqs, queue):
    text = json.dumps({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42})
    refusal = invalid_value("RedrivePolicy", text, "Invalid value for deadLetterTargetArn.")
    refused(refusal, sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": text})


def test_the_target_must_exist_and_be_of_the_same_type(sqs, make_queue):
    standard, fifo = make_queue(), make_queue(fifo=True)
    for queue, target in (
        (standard, arn(sqs, standard) + "-absent"),
        (standard, arn(sqs, fifo)),
        (fifo, arn(sqs, standard)),
    ):
        refused(invalid(), sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": policy(target)})


def test_sources_are_listed(sqs, pair, make_queue):
    source, dead = pair()
    second = make_queue(RedrivePolicy=policy(arn(sqs, dead)))
    listed = sqs.list_dead_letter_source_queues(QueueUrl=dead)
    assert sorted(listed["queueUrls"]) == sorted([source, second])
    assert "NextToken" not in listed
    assert sqs.list_dead_letter_source_queues(QueueUrl=source).get("queueUrls", []) == []
    first_page = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=1)
    rest = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=1, NextToken=first_page["NextToken"])
    assert sorted(first_page["queueUrls"] + rest["queueUrls"]) == sorted([source, second])


class TestAllowPolicy:
    def set(self, sqs, queue, **value):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": json.dumps(value)})

    def test_deny_all(self, sqs, make_queue):
        dead, source = make_queue(), make_queue()
        self.set(sqs, dead, redrivePermission="denyAll")
        text = policy(arn(sqs, dead))
        refused(invalid(), sqs.set_queue_attributes, QueueUrl=source, Attributes={"RedrivePolicy": text})
        self.set(sqs, dead, redrivePermission="allowAll")
        sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": text})

    def test_by_queue(self, sqs, make_queue):
        dead, friend, stranger = make_queue(), make_queue(), make_queue()
        self.set(sqs, dead, redrivePermission="byQueue", sourceQueueArns=[arn(sqs, friend)])
        text = policy(arn(sqs, dead))
        sqs.set_queue_attributes(QueueUrl=friend, Attributes={"RedrivePolicy": text})
        refused(invalid(), sqs.set_queue_attributes, QueueUrl=stranger, Attributes={"RedrivePolicy": text})

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"redrivePermission": "sometimes"},
            {"redrivePermission": "byQueue"},
            {"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:000000000000:q"] * 11},
            {"redrivePermission": "byQueue", "sourceQueueArns": "arn:aws:sqs:us-east-1:000000000000:q"},
            {"redrivePermission": "allowAll", "sourceQueueArns": ["arn:aws:sqs:us-east-1:000000000000:q"]},
        ],
        ids=str,
    )
    def test_bad_values(self, sqs, queue, value):
        self.check(sqs, queue, json.dumps(value))

    def test_no_json(self, sqs, queue):
        self.check(sqs, queue, "{")

    def check(self, sqs, queue, text):
        either = [invalid(), Refusal("InvalidAttributeValue", "InvalidAttributeValue")]
        new = {"RedriveAllowPolicy": text}
        refused_as_one_of(either, sqs.set_queue_attributes, QueueUrl=queue, Attributes=new)
        assert "RedriveAllowPolicy" not in attributes(sqs, queue)
