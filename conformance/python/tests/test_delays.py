"""Delayed messages: of a queue, of a message, and how they show in the counts."""

import pytest

from support.clients import bodies, counts, invalid, invalid_value, receive, receive_one, refused


def test_a_message_waits_for_its_delay(sqs, queue, stopwatch):
    sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=1)
    stopwatch()
    assert receive(sqs, queue) == []
    assert counts(sqs, queue) == (0, 0, 1)
    assert receive_one(sqs, queue)["Body"] == "m"
    assert 0.8 <= stopwatch() <= 4


def test_a_queue_delays_all_its_messages(sqs, make_queue, stopwatch):
    queue = make_queue(DelaySeconds="1")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    stopwatch()
    assert receive(sqs, queue) == []
    assert receive_one(sqs, queue)["Body"] == "m"
    assert 0.8 <= stopwatch() <= 4


def test_zero_wins_over_the_queues_delay(sqs, make_queue):
    queue = make_queue(DelaySeconds="900")
    sqs.send_message(QueueUrl=queue, MessageBody="late")
    sqs.send_message(QueueUrl=queue, MessageBody="now", DelaySeconds=0)
    assert bodies(receive(sqs, queue)) == ["now"]
    assert counts(sqs, queue) == (0, 1, 1)


def test_messages_overtake_delayed_ones(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="second", DelaySeconds=1)
    sqs.send_message(QueueUrl=queue, MessageBody="first")
    assert [receive_one(sqs, queue)["Body"] for _ in range(2)] == ["first", "second"]


def test_a_change_of_the_delay_leaves_messages_of_a_standard_queue_alone(sqs, make_queue):
    queue = make_queue(DelaySeconds="900")
    sqs.send_message(QueueUrl=queue, MessageBody="old")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    assert bodies(receive(sqs, queue)) == ["new"]
    assert counts(sqs, queue) == (0, 1, 1)


def test_a_change_of_the_delay_reaches_messages_of_a_fifo_queue(sqs, make_queue):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", DelaySeconds="900")
    sqs.send_message(QueueUrl=queue, MessageBody="old", MessageGroupId="g")
    assert receive(sqs, queue) == []
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    assert receive_one(sqs, queue)["Body"] == "old"


def test_a_fifo_queue_delays_as_a_whole(sqs, make_queue, stopwatch):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", DelaySeconds="1")
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="g")
    stopwatch()
    assert receive(sqs, queue) == []
    assert counts(sqs, queue) == (0, 0, 1)
    assert receive_one(sqs, queue)["Body"] == "m"
    assert 0.8 <= stopwatch() <= 4


def test_a_message_of_a_fifo_queue_has_no_delay_of_its_own(sqs, make_queue):
    queue = make_queue(fifo=True, ContentBasedDeduplication="true", DelaySeconds="900")
    reason = "The request include parameter that is not valid for this queue type."
    refused(
        invalid_value("DelaySeconds", 2, reason), sqs.send_message,
        QueueUrl=queue, MessageBody="m", MessageGroupId="g", DelaySeconds=2,
    )
    # Zero says nothing: the queue's own delay applies.
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="g", DelaySeconds=0)
    assert counts(sqs, queue) == (0, 0, 1)


@pytest.mark.parametrize("seconds", [-1, 901])
def test_out_of_range(sqs, queue, seconds):
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="m", DelaySeconds=seconds)
    sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=900)
    assert counts(sqs, queue) == (0, 0, 1)
