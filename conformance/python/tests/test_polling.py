"""Long polls: they wait, they end when a message is there, and they can be given up."""

import json
import socket
import threading
import time
import urllib.parse

import pytest

from support.clients import (
    arn, bodies, client, counts, invalid_value, receive, receive_one, refused,
)
from support.process import eventually


class Poll(threading.Thread):
    """A receive that runs beside the test, with a client of its own."""

    def __init__(self, endpoint, queue, wait=20, number=10):
        super().__init__(daemon=True)
        self.sqs, self.queue, self.wait, self.number = client(endpoint), queue, wait, number
        self.messages, self.seconds, self.error = None, None, None
        self.started = threading.Event()
        self.start()
        self.started.wait()

    def run(self):
        begun = time.monotonic()
        self.started.set()
        try:
            self.messages = receive(self.sqs, self.queue, self.number, self.wait)
        except Exception as error:  # The test looks at it.
            self.error = error
        self.seconds = time.monotonic() - begun

    def result(self, within=25):
        self.join(within)
        assert not self.is_alive(), f"still polling after {within} s"
        assert self.error is None, self.error
        return self.messages


def polls_are_waiting():
    """Gives polls that were just started the time to reach the server: nothing shows from outside that they have."""
    time.sleep(0.5)


def test_a_poll_of_20_seconds_ends_when_a_message_arrives(endpoint, sqs, queue):
    poll = Poll(endpoint, queue)
    polls_are_waiting()
    assert poll.is_alive()
    sent = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert bodies(poll.result(within=5)) == ["m"]
    assert time.monotonic() - sent < 2


def test_a_poll_answers_with_nothing_when_its_time_is_up(sqs, queue, stopwatch):
    stopwatch()
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    assert 0.9 <= stopwatch() <= 4
    assert "Messages" not in answer


def test_the_queues_own_wait(sqs, make_queue, stopwatch):
    queue = make_queue(ReceiveMessageWaitTimeSeconds="1")
    stopwatch()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert 0.9 <= stopwatch() <= 4
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0)
    assert stopwatch() < 0.9, "zero wins over the queue's own wait"


def test_a_poll_does_not_wait_for_more(sqs, queue, stopwatch):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    stopwatch()
    assert bodies(receive(sqs, queue, 10, 20)) == ["m"]
    assert stopwatch() < 2


def test_a_message_that_turns_visible_ends_a_poll(sqs, make_queue, stopwatch):
    queue = make_queue(VisibilityTimeout="1")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    receive_one(sqs, queue)
    stopwatch()
    assert bodies(receive(sqs, queue, 10, 20)) == ["m"]
    assert stopwatch() < 4


def test_a_message_whose_delay_ends_ends_a_poll(sqs, queue, stopwatch):
    sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=1)
    stopwatch()
    assert bodies(receive(sqs, queue, 10, 20)) == ["m"]
    assert 0.5 <= stopwatch() < 4


def test_a_message_that_is_given_back_ends_a_poll(endpoint, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    message = receive_one(sqs, queue)
    poll = Poll(endpoint, queue)
    polls_are_waiting()
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(poll.result(within=5)) == ["m"]


def test_a_message_that_lands_in_the_dead_letters_ends_their_poll(endpoint, sqs, make_queue):
    dead = make_queue()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1})
    queue = make_queue(VisibilityTimeout="0", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    receive_one(sqs, queue)
    poll = Poll(endpoint, dead)
    polls_are_waiting()
    assert receive(sqs, queue) == []
    assert bodies(poll.result(within=5)) == ["m"]


def test_a_free_group_ends_a_poll(endpoint, sqs, fifo_queue):
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=fifo_queue, MessageBody=body, MessageGroupId="g")
    first = receive_one(sqs, fifo_queue)
    poll = Poll(endpoint, fifo_queue)
    polls_are_waiting()
    assert poll.is_alive(), "the group is taken"
    sqs.delete_message(QueueUrl=fifo_queue, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(poll.result(within=5)) == ["two"]


def test_many_polls_share_what_arrives(endpoint, sqs, queue):
    """Each message goes to one poll, and none is lost between them."""
    polls = [Poll(endpoint, queue, wait=20, number=1) for _ in range(8)]
    polls_are_waiting()
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(8)])
    assert sorted(body for poll in polls for body in bodies(poll.result(within=10))) == [str(n) for n in range(8)]


def test_a_poll_that_is_given_up_takes_no_message_with_it(endpoint, sqs, queue):
    """An abandoned poll must not swallow the next message until its visibility timeout ends."""
    parts = urllib.parse.urlsplit(endpoint)
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}).encode()
    for _ in range(3):
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            head = (
                f"POST / HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/x-amz-json-1.0\r\n"
                f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            polls_are_waiting()
    polls_are_waiting()
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert bodies(receive(sqs, queue, 10, 5)) == ["m"]


def test_a_poll_of_a_queue_that_is_deleted_ends(endpoint, sqs, make_queue):
    queue = make_queue()
    poll = Poll(endpoint, queue, wait=20)
    polls_are_waiting()
    sqs.delete_queue(QueueUrl=queue)
    eventually(lambda: not poll.is_alive(), 10, "the end of the poll")
    assert poll.messages == [] or isinstance(poll.error, poll.sqs.exceptions.QueueDoesNotExist), poll.error


@pytest.mark.parametrize("seconds", [-1, 21])
def test_wait_out_of_range(sqs, queue, seconds):
    refusal = invalid_value("WaitTimeSeconds", seconds, "Must be >= 0 and <= 20, if provided.")
    refused(refusal, sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=seconds)


@pytest.mark.parametrize("number", [-1, 0, 11])
def test_number_out_of_range(sqs, queue, number):
    refusal = invalid_value("MaxNumberOfMessages", number, "Must be between 1 and 10, if provided.")
    refused(refusal, sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=number)


def test_polls_do_not_hold_up_other_calls(endpoint, sqs, make_queue):
    polls = [Poll(endpoint, make_queue(), wait=3) for _ in range(20)]
    polls_are_waiting()
    busy = make_queue()
    begun = time.monotonic()
    sqs.send_message(QueueUrl=busy, MessageBody="m")
    assert counts(sqs, busy) == (1, 0, 0)
    assert time.monotonic() - begun < 1
    assert all(poll.result() == [] for poll in polls)
