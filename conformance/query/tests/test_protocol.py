"""That this environment speaks what it is here for, and what only XML can get wrong."""

import boto3
import botocore

from support.clients import PROTOCOL, receive_one


def test_this_is_the_older_sdk():
    assert PROTOCOL == "query"
    assert botocore.__version__ == "1.31.80" and boto3.__version__ == "1.28.0"


def test_the_answers_are_xml(sqs, queue):
    seen = []
    sqs.meta.events.register("response-received.sqs.*", lambda response_dict, **_: seen.append(response_dict))
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    sqs.list_queues()
    assert len(seen) == 2
    for answer in seen:
        assert answer["headers"]["Content-Type"].startswith("text/xml")
        assert b'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"' in answer["body"]
        assert b"<ResponseMetadata><RequestId>" in answer["body"]


def test_a_carriage_return_survives_xml(sqs, queue):
    """A parser turns a bare one into a line feed: it has to be a reference."""
    attribute = {"a": {"DataType": "String", "StringValue": "x\r\ny\rz"}}
    sqs.send_message(QueueUrl=queue, MessageBody="\r\n\r", MessageAttributes=attribute)
    message = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert message["Body"] == "\r\n\r"
    assert message["MessageAttributes"] == attribute
