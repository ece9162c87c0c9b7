"""That this environment speaks what it is here for, and what only XML can get wrong."""

import boto3
import botocore

from support.access import DENIED, NO_TOKEN, UNKNOWN_KEY, WRONG_SIGNATURE, Key
from support.clients import PROTOCOL, receive_one, refused


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


def test_the_older_sdk_sees_who_is_kept_out(account, stranger):
    """Its codes come from the XML alone."""
    queue, wrong = account.queue(), "x" * 40
    refused(NO_TOKEN, stranger.list_queues)
    refused(DENIED, stranger.send_message, QueueUrl=queue, MessageBody="m")
    refused(UNKNOWN_KEY, account.client(Key("AKIAABCDEFGHIJKLMNOP", wrong)).list_queues)
    refused(WRONG_SIGNATURE, account.client(Key(account.root.id, wrong)).list_queues)
    refused(DENIED, account.user().sqs.send_message, QueueUrl=queue, MessageBody="m")
