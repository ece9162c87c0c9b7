"""FIFO queues: order and exclusion in a group, deduplication, attempts that are repeated."""

import hashlib

import pytest
from botocore.exceptions import ClientError

from support.clients import (
    bodies, check, counts, delete, invalid, invalid_value, missing, receive, receive_all, receive_one, refused,
)


def send(sqs, queue, body, group="g", dedup=None, **more):
    if dedup is not None:
        more["MessageDeduplicationId"] = dedup
    return sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group, **more)


def give_back(sqs, queue, message):
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def test_order_within_a_group(sqs, fifo_queue):
    numbers = [int(send(sqs, fifo_queue, f"m{n:02}")["SequenceNumber"]) for n in range(25)]
    assert numbers == sorted(set(numbers))
    received = []
    while len(received) < 25:
        messages = receive(sqs, fifo_queue, 10)
        assert messages
        received += bodies(messages)
        delete(sqs, fifo_queue, *messages)
    assert received == [f"m{n:02}" for n in range(25)]


def test_a_batch_keeps_its_order(sqs, fifo_queue):
    entries = [{"Id": f"e{n}", "MessageBody": f"m{n}", "MessageGroupId": "g"} for n in range(10)]
    answer = sqs.send_message_batch(QueueUrl=fifo_queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == [f"e{n}" for n in range(10)]
    sequence = [entry["SequenceNumber"] for entry in answer["Successful"]]
    assert sequence == sorted(set(sequence))
    assert bodies(receive(sqs, fifo_queue)) == [f"m{n}" for n in range(10)]


def test_a_group_with_a_message_in_flight_is_closed(sqs, fifo_queue):
    for body in ("one", "two"):
        send(sqs, fifo_queue, body)
    first = receive_one(sqs, fifo_queue)
    assert first["Body"] == "one"
    assert receive(sqs, fifo_queue) == []
    delete(sqs, fifo_queue, first)
    assert bodies(receive(sqs, fifo_queue)) == ["two"]


def test_other_groups_stay_open(sqs, fifo_queue):
    for group in "abc":
        for number in (1, 2):
            send(sqs, fifo_queue, f"{group}{number}", group)
    assert receive_one(sqs, fifo_queue)["Body"] == "a1"
    assert sorted(bodies(receive_all(sqs, fifo_queue, 4))) == ["b1", "b2", "c1", "c2"]


def test_one_group_fills_an_answer_before_the_next(sqs, fifo_queue):
    for number in range(6):
        for group in "ab":
            send(sqs, fifo_queue, f"{group}{number}", group)
    received = bodies(receive(sqs, fifo_queue, 10))
    assert received[:6] == [f"a{n}" for n in range(6)]
    assert received[6:] == [f"b{n}" for n in range(4)]


def test_a_message_that_is_given_back_is_first_again(sqs, fifo_queue):
    for body in ("one", "two"):
        send(sqs, fifo_queue, body)
    give_back(sqs, fifo_queue, receive_one(sqs, fifo_queue))
    assert bodies(receive(sqs, fifo_queue)) == ["one", "two"]


def test_a_group_is_closed_until_all_of_an_answer_is_done(sqs, fifo_queue):
    for number in range(3):
        send(sqs, fifo_queue, f"m{number}")
    first, second = receive(sqs, fifo_queue, 2)
    delete(sqs, fifo_queue, first)
    assert receive(sqs, fifo_queue) == []
    delete(sqs, fifo_queue, second)
    assert bodies(receive(sqs, fifo_queue)) == ["m2"]


def test_one_of_several_in_flight_that_is_given_back_is_there_at_once(sqs, fifo_queue):
    """It comes before those that are still in flight; what comes after them waits."""
    for number in range(4):
        send(sqs, fifo_queue, f"m{number}")
    first, second, third = receive(sqs, fifo_queue, 3)
    delete(sqs, fifo_queue, first)
    give_back(sqs, fifo_queue, second)
    (again,) = receive(sqs, fifo_queue)
    assert again["Body"] == "m1"
    delete(sqs, fifo_queue, again)
    assert receive(sqs, fifo_queue) == []
    delete(sqs, fifo_queue, third)
    assert bodies(receive(sqs, fifo_queue)) == ["m3"]


def test_a_timeout_reopens_the_group(sqs, make_queue):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", VisibilityTimeout="1")
    for body in ("one", "two"):
        send(sqs, queue, body)
    assert bodies(receive(sqs, queue, 1)) == ["one"]
    assert receive_one(sqs, queue)["Body"] == "one"


def test_visibility_zero_leaves_the_group_open(sqs, fifo_queue):
    for body in ("one", "two"):
        send(sqs, fifo_queue, body)
    assert bodies(receive(sqs, fifo_queue, 1, VisibilityTimeout=0)) == ["one"]
    assert bodies(receive(sqs, fifo_queue, 2)) == ["one", "two"]


def test_an_expired_handle_is_refused(sqs, make_queue):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", VisibilityTimeout="1")
    send(sqs, queue, "m")
    old = receive_one(sqs, queue)
    current = receive_one(sqs, queue)
    refusal = invalid_value("ReceiptHandle", old["ReceiptHandle"], "The receipt handle has expired.")
    refused(refusal, sqs.delete_message, QueueUrl=queue, ReceiptHandle=old["ReceiptHandle"])
    answer = sqs.delete_message_batch(
        QueueUrl=queue, Entries=[{"Id": "old", "ReceiptHandle": old["ReceiptHandle"]}]
    )
    assert [entry["Code"] for entry in answer["Failed"]] == ["InvalidParameterValue"]
    delete(sqs, queue, current)
    assert counts(sqs, queue) == (0, 0, 0)


def test_the_same_deduplication_id_is_one_message(sqs, make_queue):
    queue = make_queue(fifo=True)
    first = send(sqs, queue, "first body", dedup="d")
    second = send(sqs, queue, "another body", dedup="d")
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert bodies(receive(sqs, queue)) == ["first body"]


def test_deduplication_outlives_the_message(sqs, make_queue):
    queue = make_queue(fifo=True)
    first = send(sqs, queue, "m", dedup="d")
    delete(sqs, queue, receive_one(sqs, queue))
    again = send(sqs, queue, "m", dedup="d")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert receive(sqs, queue) == []


def test_deduplication_by_content(sqs, fifo_queue):
    attribute = {"name": {"DataType": "String", "StringValue": "v"}}
    first = send(sqs, fifo_queue, "m")
    second = send(sqs, fifo_queue, "m", MessageAttributes=attribute)
    assert second["MessageId"] == first["MessageId"], "attributes don't count"
    explicit = send(sqs, fifo_queue, "m", dedup="explicit")
    assert explicit["MessageId"] != first["MessageId"], "an explicit id wins"
    messages = receive(sqs, fifo_queue, AttributeNames=["MessageDeduplicationId"])
    found = [message["Attributes"]["MessageDeduplicationId"] for message in messages]
    assert found == [hashlib.sha256(b"m").hexdigest(), "explicit"]


def test_an_explicit_id_equal_to_the_contents_hash_is_a_duplicate(sqs, fifo_queue):
    first = send(sqs, fifo_queue, "m")
    again = send(sqs, fifo_queue, "other", dedup=hashlib.sha256(b"m").hexdigest())
    assert again["MessageId"] == first["MessageId"]


def test_scope_queue_works_across_groups(sqs, make_queue):
    queue = make_queue(fifo=True)
    first, second = send(sqs, queue, "m", "a", "d"), send(sqs, queue, "m", "b", "d")
    assert second["MessageId"] == first["MessageId"]
    assert len(receive(sqs, queue)) == 1


def test_scope_message_group_keeps_groups_apart(sqs, make_queue):
    queue = make_queue(fifo=True, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    first, second = send(sqs, queue, "m", "a", "d"), send(sqs, queue, "m", "b", "d")
    assert second["MessageId"] != first["MessageId"]
    assert send(sqs, queue, "m", "a", "d")["MessageId"] == first["MessageId"]
    assert len(receive_all(sqs, queue, 2)) == 2


def test_high_throughput_can_be_turned_on_later(sqs, make_queue):
    queue = make_queue(fifo=True)
    high = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=high)
    first, second = send(sqs, queue, "m", "a", "d"), send(sqs, queue, "m", "b", "d")
    assert second["MessageId"] != first["MessageId"]


def test_a_duplicate_within_one_batch(sqs, make_queue):
    queue = make_queue(fifo=True)
    entries = [
        {"Id": name, "MessageBody": name, "MessageGroupId": "g", "MessageDeduplicationId": "d"} for name in "ab"
    ]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len({entry["MessageId"] for entry in answer["Successful"]}) == 1
    assert bodies(receive(sqs, queue)) == ["a"]


def test_a_purge_forgets_deduplication(sqs, make_queue):
    queue = make_queue(fifo=True)
    first = send(sqs, queue, "m", dedup="d")
    sqs.purge_queue(QueueUrl=queue)
    again = send(sqs, queue, "m", dedup="d")
    assert again["MessageId"] != first["MessageId"]
    assert bodies(receive(sqs, queue)) == ["m"]


def attempt(sqs, queue, attempt_id, number=10):
    return receive(sqs, queue, number, ReceiveRequestAttemptId=attempt_id)


def test_a_repeated_attempt_gets_the_same_messages_and_handles(sqs, fifo_queue):
    for number in range(3):
        send(sqs, fifo_queue, f"m{number}")
    first = attempt(sqs, fifo_queue, "attempt", 2)
    again = attempt(sqs, fifo_queue, "attempt", 2)
    assert bodies(first) == ["m0", "m1"]
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
    assert attempt(sqs, fifo_queue, "another") == []
    delete(sqs, fifo_queue, *again)
    assert counts(sqs, fifo_queue) == (1, 0, 0)


def test_an_attempt_is_void_once_a_message_of_it_changed(sqs, fifo_queue):
    for number in range(3):
        send(sqs, fifo_queue, f"m{number}")
    first = attempt(sqs, fifo_queue, "attempt", 2)
    delete(sqs, fifo_queue, first[0])
    try:
        assert attempt(sqs, fifo_queue, "attempt", 2) == [], "what is left is in flight"
    except ClientError as error:
        check(error, invalid())  # AWS's guide leaves open whether a void attempt is an error or a new one.
    delete(sqs, fifo_queue, first[1])
    assert bodies(attempt(sqs, fifo_queue, "new-attempt", 2)) == ["m2"]


def test_an_attempt_resets_the_visibility(sqs, make_queue):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", VisibilityTimeout="3")
    send(sqs, queue, "m")
    first = attempt(sqs, queue, "attempt")
    assert receive(sqs, queue, wait=2) == []
    again = attempt(sqs, queue, "attempt")
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
    assert receive(sqs, queue, wait=2) == [], "hidden for three seconds from the second attempt"
    delete(sqs, queue, *again)


BAD_IDS = ["", "x" * 129, "with space", "봉수", "tab\t"]
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


@pytest.mark.parametrize("value", BAD_IDS)
def test_bad_group_ids(sqs, fifo_queue, value):
    reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    refused(
        invalid_value("MessageGroupId", value, reason), sqs.send_message,
        QueueUrl=fifo_queue, MessageBody="m", MessageGroupId=value,
    )


@pytest.mark.parametrize("value", BAD_IDS)
def test_bad_deduplication_ids(sqs, fifo_queue, value):
    reason = "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    refused(
        invalid_value("MessageDeduplicationId", value, reason), sqs.send_message,
        QueueUrl=fifo_queue, MessageBody="m", MessageGroupId="g", MessageDeduplicationId=value,
    )


@pytest.mark.parametrize("value", [PUNCTUATION, "x" * 128, "aZ09"])
def test_good_ids(sqs, fifo_queue, value):
    send(sqs, fifo_queue, "m", group=value, dedup=value)
    (message,) = receive(sqs, fifo_queue, AttributeNames=["All"])
    assert message["Attributes"]["MessageGroupId"] == message["Attributes"]["MessageDeduplicationId"] == value


def test_a_group_is_required(sqs, fifo_queue):
    refused(missing("MessageGroupId"), sqs.send_message, QueueUrl=fifo_queue, MessageBody="m")
    refused(
        invalid("The request must contain the parameter MessageGroupId."), sqs.send_message_batch,
        QueueUrl=fifo_queue,
        Entries=[{"Id": "a", "MessageBody": "a", "MessageGroupId": "g"}, {"Id": "b", "MessageBody": "b"}],
    )


def test_deduplication_is_required(sqs, make_queue):
    queue = make_queue(fifo=True)
    refusal = invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    refused(refusal, sqs.send_message, QueueUrl=queue, MessageBody="m", MessageGroupId="g")
    refused(
        refusal, sqs.send_message_batch,
        QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "a", "MessageGroupId": "g"}],
    )


def test_a_standard_queue_has_no_deduplication(sqs, queue):
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="m", MessageDeduplicationId="d")


def test_five_groups_and_two_consumers(sqs, fifo_queue):
    """Order in each group, and never two answers with messages of one group at a time."""
    for number in range(20):
        for group in range(5):
            send(sqs, fifo_queue, f"{group}:{number:02}", f"group-{group}")
    seen = {str(group): [] for group in range(5)}
    while sum(map(len, seen.values())) < 100:
        held = [receive(sqs, fifo_queue, 5), receive(sqs, fifo_queue, 5)]
        groups = [{body.split(":")[0] for body in bodies(messages)} for messages in held]
        assert not groups[0] & groups[1], "one group in two hands"
        for messages in held:
            for body in bodies(messages):
                group, number = body.split(":")
                seen[group].append(number)
            delete(sqs, fifo_queue, *messages)
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert counts(sqs, fifo_queue) == (0, 0, 0)
