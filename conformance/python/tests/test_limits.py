"""Limits that take many messages to reach. Plain HTTP, because an SDK would take minutes."""

import json

import pytest

from support.clients import Http

pytestmark = [pytest.mark.once, pytest.mark.slow]

IN_FLIGHT = 120_000


def fill(http, url, total, fifo):
    for start in range(0, total, 10):
        entries = [{"Id": str(n), "MessageBody": "m"} for n in range(10)]
        if fifo:
            for n, entry in enumerate(entries):
                entry["MessageGroupId"] = entry["MessageDeduplicationId"] = str(start + n)
        answer = http.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert len(answer["Successful"]) == 10


def take(http, url, total):
    taken = 0
    body = json.dumps({"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600}).encode()
    last = None
    while taken < total:
        answer = http.json("ReceiveMessage", body)
        assert answer.status == 200, answer
        messages = answer.json()["Messages"]
        taken += len(messages)
        last = messages[-1]
    return last


@pytest.fixture
def full(new_server):
    """A queue with all the messages in flight that it may have, and ten more."""

    def make(fifo):
        http = Http(new_server().start().endpoint)
        attributes = {"FifoQueue": "true"} if fifo else {}
        url = http.call("CreateQueue", QueueName="q.fifo" if fifo else "q", Attributes=attributes)["QueueUrl"]
        fill(http, url, IN_FLIGHT + 10, fifo)
        last = take(http, url, IN_FLIGHT)
        return http, url, last

    return make


def test_a_standard_queue_says_when_too_much_is_in_flight(full):
    http, url, last = full(fifo=False)
    answer = http.json("ReceiveMessage", {"QueueUrl": url})
    assert answer.status == 403, answer
    assert answer.json()["__type"] == "com.amazonaws.sqs#OverLimit"
    assert answer.headers["x-amzn-query-error"] == "OverLimit;Sender"
    http.call("DeleteMessage", QueueUrl=url, ReceiptHandle=last["ReceiptHandle"])
    assert len(http.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 1


def test_a_fifo_queue_hands_out_nothing_then(full):
    http, url, last = full(fifo=True)
    assert http.call("ReceiveMessage", QueueUrl=url) == {}
    http.call("DeleteMessage", QueueUrl=url, ReceiptHandle=last["ReceiptHandle"])
    assert len(http.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 1
