"""AWS CLI v1 as people type it: each command is a process of its own.

The endpoint is given as an option: version 1 overrides `AWS_ENDPOINT_URL_SQS` with AWS's own address wherever SQS has an
older host name.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support.clients import ACCOUNT, unique

CLI = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(endpoint):
    """`aws("send-message", "--queue-url", url, …)`: the parsed answer of a command that must succeed."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(*arguments, fails=False):
        command = [CLI, "--endpoint-url", endpoint, "--output", "json", "sqs", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        if fails:
            assert done.returncode == 255 or done.returncode == 254, (done.returncode, done.stderr)
            return done.stderr.strip()
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return run


@pytest.fixture
def queue(aws):
    url = aws("create-queue", "--queue-name", unique("cli"))["QueueUrl"]
    yield url
    aws("delete-queue", "--queue-url", url)


def test_send_receive_delete(aws, endpoint, queue):
    assert queue.startswith(f"{endpoint}/{ACCOUNT}/cli-")
    sent = aws("send-message", "--queue-url", queue, "--message-body", "Hello World! 봉수")
    received = aws(
        "receive-message", "--queue-url", queue, "--attribute-names", "All", "--wait-time-seconds", 5
    )["Messages"]
    assert len(received) == 1
    message = received[0]
    assert (message["Body"], message["MessageId"]) == ("Hello World! 봉수", sent["MessageId"])
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    aws("delete-message", "--queue-url", queue, "--receipt-handle", message["ReceiptHandle"])
    assert aws("receive-message", "--queue-url", queue) == {}


def test_a_message_with_attributes_from_json(aws, queue):
    attributes = {
        "Text": {"DataType": "String", "StringValue": "v"},
        # Version 1 takes bytes as they are typed, and shows them in base64.
        "Binary": {"DataType": "Binary", "BinaryValue": "typed"},
    }
    aws(
        "send-message", "--queue-url", queue, "--message-body", '{"a": 1}',
        "--message-attributes", json.dumps(attributes), "--delay-seconds", 0,
    )
    (message,) = aws("receive-message", "--queue-url", queue, "--message-attribute-names", "All")["Messages"]
    shown = base64.b64encode(b"typed").decode()
    assert message["MessageAttributes"] == {
        "Text": attributes["Text"], "Binary": {"DataType": "Binary", "BinaryValue": shown}
    }
    assert message["Body"] == '{"a": 1}'


def test_a_fifo_queue(aws):
    name = unique("cli", fifo=True)
    attributes = "FifoQueue=true,ContentBasedDeduplication=true"
    url = aws("create-queue", "--queue-name", name, "--attributes", attributes)["QueueUrl"]
    for body in ("one", "two", "one"):
        sent = aws("send-message", "--queue-url", url, "--message-body", body, "--message-group-id", "g")
        assert len(sent["SequenceNumber"]) == 20
    messages = aws("receive-message", "--queue-url", url, "--max-number-of-messages", 10)["Messages"]
    assert [message["Body"] for message in messages] == ["one", "two"]
    entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
    deleted = aws("delete-message-batch", "--queue-url", url, "--entries", json.dumps(entries))
    assert len(deleted["Successful"]) == 2 and not deleted.get("Failed")
    aws("delete-queue", "--queue-url", url)


def test_a_long_poll_returns_when_a_message_arrives(aws, queue):
    answers = []
    poll = threading.Thread(
        target=lambda: answers.append(aws("receive-message", "--queue-url", queue, "--wait-time-seconds", 20))
    )
    poll.start()
    time.sleep(1.5)  # The CLI takes its time to start; nothing shows from outside that the poll has arrived.
    aws("send-message", "--queue-url", queue, "--message-body", "m")
    began = time.monotonic()
    poll.join(30)
    assert not poll.is_alive() and time.monotonic() - began < 10
    assert [message["Body"] for message in answers[0]["Messages"]] == ["m"]


def test_attributes_and_tags(aws, queue):
    aws("set-queue-attributes", "--queue-url", queue, "--attributes", "VisibilityTimeout=7,DelaySeconds=1")
    found = aws("get-queue-attributes", "--queue-url", queue, "--attribute-names", "All")["Attributes"]
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("7", "1")
    assert found["QueueArn"] == f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue.rsplit('/', 1)[1]}"
    aws("tag-queue", "--queue-url", queue, "--tags", "team=search,env=test")
    aws("untag-queue", "--queue-url", queue, "--tag-keys", "env")
    assert aws("list-queue-tags", "--queue-url", queue) == {"Tags": {"team": "search"}}


def test_permissions(aws, queue):
    aws(
        "add-permission", "--queue-url", queue, "--label", "l", "--aws-account-ids", "111122223333",
        "--actions", "SendMessage", "ReceiveMessage",
    )
    found = aws("get-queue-attributes", "--queue-url", queue, "--attribute-names", "Policy")["Attributes"]
    (statement,) = json.loads(found["Policy"])["Statement"]
    assert statement["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage"]
    aws("remove-permission", "--queue-url", queue, "--label", "l")
    assert aws("get-queue-attributes", "--queue-url", queue, "--attribute-names", "Policy") == {}


def test_lists_in_pages(aws):
    prefix = unique("cli-list")
    urls = [aws("create-queue", "--queue-name", f"{prefix}-{n}")["QueueUrl"] for n in range(3)]
    listed = aws("list-queues", "--queue-name-prefix", prefix, "--page-size", 2)
    assert sorted(listed["QueueUrls"]) == urls
    limited = aws("list-queues", "--queue-name-prefix", prefix, "--page-size", 1, "--max-items", 2)
    assert len(limited["QueueUrls"]) == 2 and limited["NextToken"]
    for url in urls:
        aws("delete-queue", "--queue-url", url)


def test_dead_letters_and_a_move_task(aws):
    dead = aws("create-queue", "--queue-name", unique("cli-dead"))["QueueUrl"]
    arn = aws("get-queue-attributes", "--queue-url", dead, "--attribute-names", "QueueArn")["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    attributes = json.dumps({"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    source = aws("create-queue", "--queue-name", unique("cli-source"), "--attributes", attributes)["QueueUrl"]
    assert aws("list-dead-letter-source-queues", "--queue-url", dead)["queueUrls"] == [source]
    aws("send-message", "--queue-url", source, "--message-body", "m")
    assert aws("receive-message", "--queue-url", source)["Messages"]
    assert aws("receive-message", "--queue-url", source) == {}
    assert aws("start-message-move-task", "--source-arn", arn)["TaskHandle"]
    back = aws("receive-message", "--queue-url", source, "--wait-time-seconds", 10)["Messages"]
    assert [message["Body"] for message in back] == ["m"]
    (task,) = aws("list-message-move-tasks", "--source-arn", arn)["Results"]
    assert task["SourceArn"] == arn
    for url in (source, dead):
        aws("delete-queue", "--queue-url", url)


def test_visibility_and_purge(aws, queue):
    aws("send-message", "--queue-url", queue, "--message-body", "m")
    (message,) = aws("receive-message", "--queue-url", queue)["Messages"]
    aws(
        "change-message-visibility", "--queue-url", queue, "--receipt-handle", message["ReceiptHandle"],
        "--visibility-timeout", 0,
    )
    assert len(aws("receive-message", "--queue-url", queue, "--wait-time-seconds", 5)["Messages"]) == 1
    aws("purge-queue", "--queue-url", queue)
    refusal = aws("purge-queue", "--queue-url", queue, fails=True)
    name = queue.rsplit("/", 1)[1]
    assert refusal.endswith(f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."), refusal
    assert "(AWS.SimpleQueueService.PurgeQueueInProgress)" in refusal


def test_errors_are_the_ones_that_scripts_look_for(aws, queue):
    refusal = aws("get-queue-url", "--queue-name", unique("missing"), fails=True)
    assert "(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation" in refusal
    assert refusal.endswith("The specified queue does not exist.")
    refusal = aws("receive-message", "--queue-url", queue, "--max-number-of-messages", 11, fails=True)
    assert "(InvalidParameterValue) when calling the ReceiveMessage operation" in refusal


def test_a_user_made_with_aws_iam_gets_in_by_its_policy(guarded, tmp_path):
    def run(key_id, secret, *arguments, fails=False):
        keys = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}
        environment = {**os.environ, **keys, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}
        command = [CLI, "--endpoint-url", guarded.endpoint, "--output", "json", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, done
        return done.stderr.strip() if fails else json.loads(done.stdout or "{}")

    root, name = (guarded.root.id, guarded.root.secret), unique("cli")
    queue = run(*root, "sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    made = run(*root, "iam", "create-user", "--user-name", name, "--tags", "Key=team,Value=red")["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    key = run(*root, "iam", "create-access-key", "--user-name", name)["AccessKey"]
    user = (key["AccessKeyId"], key["SecretAccessKey"])
    send = ("sqs", "send-message", "--queue-url", queue, "--message-body", "m")
    assert "(AccessDenied) when calling the SendMessage operation: User: " in run(*user, *send, fails=True)
    document = {"Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}}
    (tmp_path / "policy.json").write_text(json.dumps(document))
    policy = ("--user-name", name, "--policy-name", "own")
    run(*root, "iam", "put-user-policy", *policy, "--policy-document", f"file://{tmp_path}/policy.json")
    assert run(*root, "iam", "get-user-policy", *policy)["PolicyDocument"] == document
    assert run(*user, *send)["MessageId"]
    assert "(SignatureDoesNotMatch)" in run(user[0], "wrong", *send, fails=True)
    assert "(InvalidClientTokenId)" in run("AKIAABCDEFGHIJKLMNOP", "wrong", *send, fails=True)
    assert "(NoSuchEntity)" in run(*root, "iam", "get-user", "--user-name", unique(), fails=True)
    assert [user["UserName"] for user in run(*root, "iam", "list-users")["Users"]] == [name]
    run(*root, "iam", "delete-access-key", "--user-name", name, "--access-key-id", user[0])
    run(*root, "iam", "delete-user", "--user-name", name)
    assert "(NoSuchEntity)" in run(*root, "iam", "delete-user-policy", *policy, fails=True)
