"""The process: how it starts, stops and is configured, and that a restart keeps everything."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from support.clients import (
    Http, arn, attributes, bodies, client, counts, delete, receive, receive_all, receive_one, refused,
    invalid_value,
)
from support.process import binary, eventually

pytestmark = pytest.mark.once


@pytest.fixture
def server(new_server):
    return new_server().start()


def test_it_is_ready_within_a_second(new_server):
    begun = time.monotonic()
    new_server().start()
    assert time.monotonic() - begun < 1


def test_serve_is_what_it_does_without_a_command(new_server):
    server = new_server()
    plain = server.command
    server.command = lambda: [plain()[0], "serve", *plain()[1:]]
    server.start()
    assert Http(server.endpoint).request("GET", "/health").status == 200


def test_help_and_unknown_options():
    shown = subprocess.run([binary(), "--help"], capture_output=True, text=True, timeout=20)
    assert shown.returncode == 0
    for option in ("--listen", "--data-dir", "--journal", "--account", "--region", "--cooldowns", "--public-url", "--config"):
        assert option in shown.stdout, option
    unknown = subprocess.run([binary(), "--no-such-option"], capture_output=True, text=True, timeout=20)
    assert unknown.returncode != 0 and "--no-such-option" in unknown.stderr


def test_sigterm_ends_it_with_0(server):
    assert server.terminate() == 0


def test_sigint_ends_it_with_0(server):
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0


def test_sigterm_finishes_long_polls(server):
    sqs = client(server.endpoint)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    answers = []

    def poll():
        answers.append(receive(client(server.endpoint), queue, 10, 20))

    polls = [threading.Thread(target=poll) for _ in range(3)]
    for thread in polls:
        thread.start()
    time.sleep(0.7)  # Nothing shows from outside that a poll has arrived.
    begun = time.monotonic()
    assert server.terminate() == 0
    for thread in polls:
        thread.join(5)
    assert time.monotonic() - begun < 5
    assert answers == [[], [], []], "each poll was answered, not cut off"


def test_a_data_directory_has_one_process(server, new_server):
    second = new_server(data_dir=server.data_dir)
    process = second.spawn()
    assert process.wait(20) != 0
    assert str(server.data_dir) in second.log_text()
    assert "use" in second.log_text().lower(), second.log_text()
    assert Http(server.endpoint).request("GET", "/health").status == 200
    server.kill()
    new_server(data_dir=server.data_dir).start()


def test_a_port_in_use_is_refused_with_a_reason(server, new_server):
    second = new_server()
    second.listen = server.listen
    assert second.spawn().wait(20) != 0
    assert server.listen in second.log_text() or "address" in second.log_text().lower()


def test_the_memory_journal_warns_and_forgets(new_server):
    server = new_server("--journal", "memory").start()
    assert "WARN" in server.log_text()
    sqs = client(server.endpoint)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert bodies(receive(sqs, queue)) == ["m"]
    assert server.terminate() == 0
    server.restart()
    assert "QueueUrls" not in sqs.list_queues()


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_restart_keeps_everything(server, how):
    sqs = client(server.endpoint)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 5})
    queue = sqs.create_queue(
        QueueName="q", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "600"}, tags={"a": "1"}
    )["QueueUrl"]
    sqs.add_permission(QueueUrl=queue, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    fifo = sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    user = {"Number": {"DataType": "Number.int", "StringValue": "7"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00"}}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="visible\r\n봉수", MessageAttributes=user)
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
    big = "x" * 1_048_576
    sqs.send_message(QueueUrl=queue, MessageBody=big)
    deleted = [sqs.send_message(QueueUrl=dead, MessageBody=str(n)) for n in range(5)]
    delete(sqs, dead, *receive_all(sqs, dead, len(deleted)))
    first = sqs.send_message(QueueUrl=fifo, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="d")
    sqs.send_message(QueueUrl=fifo, MessageBody="2", MessageGroupId="g", MessageDeduplicationId="e")
    held = receive_one(sqs, fifo)
    before = {url: attributes(sqs, url) for url in (queue, dead, fifo)}
    assert getattr(server, how)() in (0, None)

    server.restart()
    assert {url: attributes(sqs, url) for url in (queue, dead, fifo)} == before
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"a": "1"}
    messages = receive_all(sqs, queue, 2, AttributeNames=["All"], MessageAttributeNames=["All"])
    by_body = {message["Body"]: message for message in messages}
    assert set(by_body) == {"visible\r\n봉수", big}
    assert by_body["visible\r\n봉수"]["MessageAttributes"] == user
    assert by_body["visible\r\n봉수"]["MessageId"] == sent["MessageId"]
    assert counts(sqs, queue) == (0, 2, 1)
    assert receive(sqs, dead) == [], "what was deleted stays so"
    again = sqs.send_message(QueueUrl=fifo, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="d")
    assert again["MessageId"] == first["MessageId"], "deduplication goes on"
    assert again["SequenceNumber"] == first["SequenceNumber"]
    assert receive(sqs, fifo) == [], "the group is still taken"
    delete(sqs, fifo, held)
    assert bodies(receive(sqs, fifo)) == ["2"]
    newer = sqs.send_message(QueueUrl=fifo, MessageBody="3", MessageGroupId="g", MessageDeduplicationId="h")
    assert newer["SequenceNumber"] > first["SequenceNumber"]


def test_timeouts_and_delays_go_on_while_it_is_down(server):
    sqs = client(server.endpoint)
    queue = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    receive_one(sqs, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=1)
    server.kill()
    time.sleep(1.2)  # What is tested is that time passes.
    server.restart()
    assert sorted(bodies(receive_all(sqs, queue, 2))) == ["delayed", "held"]


def test_a_move_task_goes_on_after_a_kill(server):
    sqs = client(server.endpoint)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1})
    queue = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})["QueueUrl"]
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    eventually(lambda: receive(sqs, queue) == [] and counts(sqs, dead)[0] == 10)
    sqs.start_message_move_task(SourceArn=arn(sqs, dead), MaxNumberOfMessagesPerSecond=4)
    eventually(lambda: counts(sqs, queue)[0] >= 1)
    server.kill()
    server.restart()
    eventually(lambda: counts(sqs, queue)[0] == 10, 20)

    def completed():
        (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
        return task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 10

    eventually(completed)
    assert counts(sqs, dead) == (0, 0, 0)


def test_cooldowns_survive_a_kill(server):
    sqs = client(server.endpoint)
    kept, gone = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("kept", "gone"))
    sqs.purge_queue(QueueUrl=kept)
    sqs.delete_queue(QueueUrl=gone)
    server.kill()
    server.restart()
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=kept)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName="gone")


def test_old_handles_are_still_good_after_a_kill(server):
    sqs = client(server.endpoint)
    fifo = sqs.create_queue(
        QueueName="f.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "0"},
    )["QueueUrl"]
    sqs.send_message(QueueUrl=fifo, MessageBody="m", MessageGroupId="g")
    old = receive_one(sqs, fifo)
    current = receive_one(sqs, fifo, VisibilityTimeout=60)
    server.kill()
    server.restart()
    expired = invalid_value("ReceiptHandle", old["ReceiptHandle"], "The receipt handle has expired.")
    refused(expired, sqs.delete_message, QueueUrl=fifo, ReceiptHandle=old["ReceiptHandle"])
    delete(sqs, fifo, current)
    assert counts(sqs, fifo) == (0, 0, 0)


class TestConfiguration:
    def test_from_the_environment(self, new_server):
        environment = {"BONGSU_ACCOUNT": "123456789012", "BONGSU_REGION": "eu-north-1", "BONGSU_COOLDOWNS": "off"}
        server = new_server(environment=environment).start()
        http = Http(server.endpoint)
        url = http.call("CreateQueue", QueueName="q")["QueueUrl"]
        assert url.endswith("/123456789012/q")
        for _ in range(2):
            http.call("PurgeQueue", QueueUrl=url)
        found = http.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        assert found == {"QueueArn": "arn:aws:sqs:eu-north-1:123456789012:q"}

    def test_an_option_wins_over_the_environment(self, new_server):
        server = new_server("--account", "222222222222", environment={"BONGSU_ACCOUNT": "111111111111"}).start()
        assert "/222222222222/" in Http(server.endpoint).call("CreateQueue", QueueName="q")["QueueUrl"]

    def test_a_file_names_options(self, new_server):
        server = new_server()
        config = server.home / "bongsu.toml"
        config.write_text('account = "333333333333"\npublic-url = "https://queues.example"\n')
        server.options = ("--config", str(config))
        server.start()
        assert Http(server.endpoint).call("CreateQueue", QueueName="q") == {
            "QueueUrl": "https://queues.example/333333333333/q"
        }

    def test_a_file_declares_queues(self, new_server):
        server = new_server()
        config = server.home / "bongsu.toml"
        config.write_text(
            """
            [[queues]]
            name = "dead.fifo"
            attributes = { FifoQueue = true }

            [[queues]]
            name = "jobs.fifo"
            attributes = { FifoQueue = true, ContentBasedDeduplication = "true", VisibilityTimeout = 7 }
            tags = { team = "payments" }

            [[queues]]
            name = "elsewhere"
            region = "eu-west-1"
            account = "111122223333"
            """
        )
        server.options = ("--config", str(config))
        server.start()
        sqs = client(server.endpoint)
        queue = sqs.get_queue_url(QueueName="jobs.fifo")["QueueUrl"]
        declared = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "7"}
        assert attributes(sqs, queue).items() >= declared.items()
        assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "payments"}
        other = client(server.endpoint, region="eu-west-1", access_key="111122223333")
        assert other.get_queue_url(QueueName="elsewhere")["QueueUrl"].endswith("/111122223333/elsewhere")
        sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="g")
        assert server.terminate() == 0
        server.restart()
        assert bodies(receive(sqs, queue)) == ["m"], "declaring a queue again leaves it as it is"

    @pytest.mark.parametrize(
        "options",
        [
            ("--account", "12"), ("--account", "abcdefghijkl"), ("--listen", "nowhere"), ("--journal", "paper"),
            ("--cooldowns", "maybe"), ("--public-url", "no url"), ("--config", "/no/such/file.toml"),
        ],
        ids=" ".join,
    )
    def test_bad_values_are_refused_at_start(self, new_server, options):
        server = new_server(*options)
        if options[0] == "--listen":
            server.listen, server.options = options[1], ()
        assert server.spawn().wait(20) != 0
        assert server.log_text().strip(), "and it says why"

    def test_a_data_directory_that_cannot_be_made(self, new_server):
        server = new_server()
        obstacle = server.home / "file"
        obstacle.write_text("not a directory")
        server.data_dir = obstacle / "data"
        assert server.spawn().wait(20) != 0
        assert "file" in server.log_text()


def test_it_says_once_where_it_listens(server):
    text = server.log_text()
    assert text.count(server.endpoint) == 1, text
    assert os.path.isdir(server.data_dir)
