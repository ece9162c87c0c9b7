"""What people do with a queue, from end to end."""

import json
import time

from support.clients import (
    arn, attributes, bodies, client, counts, delete, receive, receive_all, receive_one, unique,
)
from support.digests import of_body
from support.process import eventually


def test_a_message_goes_through_its_whole_life(sqs, make_queue):
    """Sent, received, not deleted, back after its timeout, to the dead-letter queue, and home by a move task."""
    dead = make_queue()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 2})
    queue = make_queue(VisibilityTimeout="1", RedrivePolicy=policy)

    sent = sqs.send_message(QueueUrl=queue, MessageBody="Hello World!")
    assert sent["MD5OfMessageBody"] == of_body("Hello World!")
    assert sent["MessageId"]

    for count in ("1", "2"):
        message = receive_one(sqs, queue, AttributeNames=["All"])
        assert message["MessageId"] == sent["MessageId"]
        system = message["Attributes"]
        assert set(system) == {
            "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
        }
        assert system["ApproximateReceiveCount"] == count
        assert abs(int(system["SentTimestamp"]) / 1000 - time.time()) < 60
        assert int(system["ApproximateFirstReceiveTimestamp"]) >= int(system["SentTimestamp"])

    # The third receive would exceed maxReceiveCount.
    eventually(lambda: not receive(sqs, queue) and counts(sqs, dead) == (1, 0, 0), what="the move to the dead letters")
    buried = receive_one(sqs, dead, VisibilityTimeout=0, AttributeNames=["All"])
    assert buried["Body"] == "Hello World!"
    assert buried["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, queue)

    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    back = receive_one(sqs, queue, wait=10)
    assert back["Body"] == "Hello World!"
    delete(sqs, queue, back)
    assert counts(sqs, queue) == counts(sqs, dead) == (0, 0, 0)


def test_a_producer_and_a_consumer_on_a_fifo_queue(sqs, make_queue):
    """Two of three are received again at once after one was deleted and one given back."""
    queue = make_queue(fifo=True)
    ids = []
    for number in range(3):
        sent = sqs.send_message(
            QueueUrl=queue,
            MessageBody=json.dumps({"number": number}),
            MessageGroupId=f"group-{number}",
            MessageDeduplicationId=unique(),
        )
        ids.append(sent["MessageId"])
    first, second, third = receive_all(sqs, queue, 3, VisibilityTimeout=10)
    assert [message["MessageId"] for message in (first, second, third)] == ids
    delete(sqs, queue, first)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, queue)) == [second["Body"]]
    assert receive(sqs, queue) == []


def test_a_framework_finds_or_makes_its_queue(sqs, make_queue):
    """Get by name, create when it is not there, and get the same URL ever after."""
    name = unique()
    try:
        sqs.get_queue_url(QueueName=name)
        raise AssertionError("found a queue that was never made")
    except sqs.exceptions.QueueDoesNotExist:
        url = make_queue(name)
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert make_queue(name) == url
    assert attributes(sqs, url)["VisibilityTimeout"] == "30"


def test_work_shared_by_consumers_is_done_once(endpoint, sqs, queue):
    """Two consumers with batches of ten drain a queue without meeting."""
    expected = {f"job {number}" for number in range(100)}
    work = sorted(expected)
    for start in range(0, 100, 10):
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(work[start : start + 10])]
        assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    consumers, done = [client(endpoint), client(endpoint)], []
    while len(done) < 100:
        for consumer in consumers:
            messages = receive(consumer, queue, 10, 1)
            entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
            if entries:
                answer = consumer.delete_message_batch(QueueUrl=queue, Entries=entries)
                assert {entry["Id"] for entry in answer["Successful"]} == {m["MessageId"] for m in messages}
            done += bodies(messages)
    assert set(done) == expected and len(done) == 100
    assert counts(sqs, queue) == (0, 0, 0)
