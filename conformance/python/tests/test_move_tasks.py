"""Move tasks: from a dead-letter queue back to where its messages came from, or elsewhere."""

import json

import pytest

from support.clients import (
    Refusal, arn, bodies, counts, invalid, receive, receive_all, receive_one, refused,
)
from support.process import eventually

NOT_FOUND = "ResourceNotFoundException"


@pytest.fixture
def dead(sqs, make_queue):
    """A dead-letter queue with `count` dead messages, and its source: `dead(3)`."""

    def make(count, fifo=False):
        more = {"ContentBasedDeduplication": "true"} if fifo else {}
        target = make_queue(fifo=fifo, **more)
        policy = json.dumps({"deadLetterTargetArn": arn(sqs, target), "maxReceiveCount": 1})
        source = make_queue(fifo=fifo, RedrivePolicy=policy, VisibilityTimeout="0", **more)
        group = {"MessageGroupId": "g"} if fifo else {}
        for start in range(0, count, 10):
            size = min(10, count - start)
            entries = [{"Id": str(n), "MessageBody": f"m{start + n:04}", **group} for n in range(size)]
            sqs.send_message_batch(QueueUrl=source, Entries=entries)

        def moved():
            receive(sqs, source)
            return counts(sqs, target)[0] == count

        eventually(moved, what=f"the death of {count} messages")
        sqs.set_queue_attributes(QueueUrl=source, Attributes={"VisibilityTimeout": "30"})
        return source, target

    return make


def task(sqs, source_arn):
    """The latest task of a source."""
    (found,) = sqs.list_message_move_tasks(SourceArn=source_arn)["Results"]
    return found


def done(sqs, source_arn, status="COMPLETED"):
    return eventually(lambda: (found := task(sqs, source_arn))["Status"] == status and found, what=status)


def test_messages_go_back_to_their_source(sqs, dead):
    source, target = dead(3)
    before = receive(sqs, target, VisibilityTimeout=0)
    handle = sqs.start_message_move_task(SourceArn=arn(sqs, target))["TaskHandle"]
    assert handle
    messages = receive_all(sqs, source, 3, AttributeNames=["All"])
    assert sorted(bodies(messages)) == ["m0000", "m0001", "m0002"]
    assert not {m["MessageId"] for m in messages} & {m["MessageId"] for m in before}, "moved messages get new ids"
    found = done(sqs, arn(sqs, target))
    assert found["ApproximateNumberOfMessagesMoved"] == 3
    assert found["SourceArn"] == arn(sqs, target)
    assert "DestinationArn" not in found
    assert "TaskHandle" not in found, "shown only while the task runs"
    assert found["StartedTimestamp"] > 0
    assert counts(sqs, target) == (0, 0, 0)


def test_messages_of_several_sources_find_their_way(sqs, make_queue):
    target = make_queue()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, target), "maxReceiveCount": 1})
    sources = [make_queue(RedrivePolicy=policy, VisibilityTimeout="0") for _ in range(2)]
    for index, source in enumerate(sources):
        sqs.send_message(QueueUrl=source, MessageBody=f"of {index}")
        receive_one(sqs, source)
        eventually(lambda s=source, i=index: receive(sqs, s) == [] and counts(sqs, target)[0] == i + 1)
    sqs.start_message_move_task(SourceArn=arn(sqs, target))
    for index, source in enumerate(sources):
        assert receive_one(sqs, source, wait=10)["Body"] == f"of {index}"


def test_messages_go_where_they_are_sent(sqs, dead, make_queue):
    source, target = dead(2)
    elsewhere = make_queue()
    sqs.start_message_move_task(SourceArn=arn(sqs, target), DestinationArn=arn(sqs, elsewhere))
    assert sorted(bodies(receive_all(sqs, elsewhere, 2))) == ["m0000", "m0001"]
    assert done(sqs, arn(sqs, target))["DestinationArn"] == arn(sqs, elsewhere)
    assert counts(sqs, source) == (0, 0, 0)


def test_fifo_messages_keep_their_order(sqs, dead):
    source, target = dead(3, fifo=True)
    sqs.start_message_move_task(SourceArn=arn(sqs, target))
    done(sqs, arn(sqs, target))
    assert bodies(receive_all(sqs, source, 3)) == ["m0000", "m0001", "m0002"]


def test_a_slow_task_can_be_seen_and_cancelled(sqs, dead):
    source, target = dead(20)
    source_arn = arn(sqs, target)
    handle = sqs.start_message_move_task(SourceArn=source_arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    running = task(sqs, source_arn)
    assert running["Status"] == "RUNNING"
    assert running["TaskHandle"] == handle
    assert running["MaxNumberOfMessagesPerSecond"] == 1
    second = invalid(
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    )
    refused(second, sqs.start_message_move_task, SourceArn=source_arn)
    eventually(lambda: counts(sqs, source)[0] >= 1)
    cancelled = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert 1 <= cancelled < 20
    found = done(sqs, source_arn, "CANCELLED")
    assert "TaskHandle" not in found
    moved = counts(sqs, source)[0]
    assert cancelled <= moved < 20
    assert counts(sqs, target)[0] == 20 - moved
    # A new one may start now, and it is the one that is shown first.
    sqs.start_message_move_task(SourceArn=source_arn)
    eventually(lambda: counts(sqs, source)[0] == 20)
    done(sqs, source_arn)
    listed = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=10)["Results"]
    assert [found["Status"] for found in listed] == ["COMPLETED", "CANCELLED"]


def test_a_destination_that_goes_away_fails_the_task(sqs, dead, make_queue):
    _, target = dead(10)
    elsewhere = make_queue()
    sqs.start_message_move_task(
        SourceArn=arn(sqs, target), DestinationArn=arn(sqs, elsewhere), MaxNumberOfMessagesPerSecond=1
    )
    eventually(lambda: counts(sqs, elsewhere)[0] >= 1)
    moved = counts(sqs, elsewhere)[0]
    sqs.delete_queue(QueueUrl=elsewhere)
    found = done(sqs, arn(sqs, target), "FAILED")
    assert found["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert counts(sqs, target)[0] <= 10 - moved


def test_the_source_must_be_a_dead_letter_queue(sqs, queue):
    refusal = invalid("Source queue must be configured as a Dead Letter Queue.")
    refused(refusal, sqs.start_message_move_task, SourceArn=arn(sqs, queue))


def test_queues_must_exist(sqs, dead):
    _, target = dead(0)
    absent = arn(sqs, target) + "-absent"
    for parameters, name in (
        ({"SourceArn": absent}, "SourceArn"),
        ({"SourceArn": arn(sqs, target), "DestinationArn": absent}, "DestinationArn"),
    ):
        message = f"The resource that you specified for the {name} parameter doesn't exist."
        refused(Refusal(NOT_FOUND, NOT_FOUND, message, 404), sqs.start_message_move_task, **parameters)
    message = "The resource that you specified for the SourceArn parameter doesn't exist."
    refused(Refusal(NOT_FOUND, NOT_FOUND, message, 404), sqs.list_message_move_tasks, SourceArn=absent)


def test_task_handles(sqs):
    refused(invalid("Value for parameter TaskHandle is invalid."), sqs.cancel_message_move_task, TaskHandle="foobared")


@pytest.mark.parametrize("rate", [0, -1, 501])
def test_rate_out_of_range(sqs, dead, rate):
    _, target = dead(0)
    refused(
        invalid(), sqs.start_message_move_task, SourceArn=arn(sqs, target), MaxNumberOfMessagesPerSecond=rate
    )


@pytest.mark.parametrize("number", [0, 11])
def test_listing_out_of_range(sqs, dead, number):
    _, target = dead(0)
    refused(invalid(), sqs.list_message_move_tasks, SourceArn=arn(sqs, target), MaxResults=number)


def test_nothing_is_listed_when_nothing_ran(sqs, dead):
    _, target = dead(0)
    assert sqs.list_message_move_tasks(SourceArn=arn(sqs, target)).get("Results", []) == []
