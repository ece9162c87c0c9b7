"""SIGKILL at any moment: nothing that was acknowledged is lost, nothing acknowledged as deleted returns."""

import threading
import time

import boto3
import pytest
from botocore.config import Config

from auditor import Auditor, StandardBooks
from caller import Caller, Refused, Unanswered
from chaos import GROUPS, Chaos, create, drain
from support.process import READY_SECONDS, Server, eventually
from workers import StandardProducer


@pytest.fixture
def server(new_server) -> Server:
    # Without AWS's waits of a minute, purging and deleting is part of the load.
    return new_server("--cooldowns", "off").start()


def crash(server, chance) -> None:
    """Kills, and starts again; now and then it is killed once more while it recovers."""
    server.kill()
    if chance.random() < 0.25:
        process = server.spawn()
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
    began = time.monotonic()
    server.restart()
    assert time.monotonic() - began < READY_SECONDS


def test_each_answered_send_is_received(server, chance, messages):
    """The story: 10,000 messages, killed while sending."""
    queue = create(server, "story")
    auditor = Auditor()
    books, kills = StandardBooks(auditor), 0

    class Sender(StandardProducer):
        def step(self):
            if auditor.counts["messages"] >= messages:
                self.stopping.set()
            else:
                super().step()

    senders = [Sender(f"s{n}", auditor, Caller(server.endpoint), queue, chance) for n in range(4)]
    for sender in senders:
        sender.books = books
        sender.start()
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        eventually(
            lambda: auditor.counts["messages"] >= share * messages or auditor.violations, 120, f"{share} of the sends"
        )
        crash(server, chance)
        kills += 1
    for sender in senders:
        sender.join(120)
        assert not sender.is_alive()
    crash(server, chance)
    drained: list[str] = []

    def each(body, asked_at):
        books.was_received(body, asked_at)
        drained.append(body)

    drain(server.endpoint, queue, each)
    if len(set(drained)) != len(drained):
        auditor.violation("duplicates", f"{len(drained) - len(set(drained))} of a queue that nobody received from")
    books.close(set(drained))
    print(f"\n== sending: kills={kills + 1} {auditor.report('messages', 'lost', 'invented', 'duplicates')}")
    assert auditor.violations == []
    assert len(books.sent) >= messages


def test_no_promise_is_broken_by_any_crash(server, chance, kills):
    """Every kind of request at once, over many kills."""
    chaos = Chaos(server, chance).start()
    chaos.crashes(kills, lambda: crash(server, chance))
    chaos.finish()
    print(f"\n== chaos: kills={kills} {chaos.report()}")
    assert chaos.auditor.violations == []
    assert chaos.auditor.counts["messages"] > 10 * kills, "the load was no load"


def test_two_consumers_and_five_groups_with_an_sdk(server):
    """The story as boto3's users live it, with a kill in the middle and everything sent once more after it."""
    settings = {"endpoint_url": server.endpoint, "region_name": "us-east-1"}
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    patient = Config(retries={"max_attempts": 10, "mode": "standard"})

    def client():
        return boto3.session.Session().client("sqs", config=patient, **settings, **credentials)

    sqs, per_group = client(), 30
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "30"}
    queue = sqs.create_queue(QueueName="story.fifo", Attributes=attributes)["QueueUrl"]

    def send_all():
        answers = []
        for number in range(per_group):
            entries = [
                {
                    "Id": f"{group}", "MessageBody": f"{group}:{number}", "MessageGroupId": f"{group}",
                    "MessageDeduplicationId": f"{group}-{number}",
                }
                for group in range(GROUPS)
            ]
            answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
            answers += [entry["MessageId"] for entry in answer["Successful"]]
        assert len(answers) == GROUPS * per_group
        return answers

    first = send_all()
    total = GROUPS * per_group
    received: list[tuple[int, int]] = []
    holders: dict[int, int] = {}
    problems: list[str] = []
    lock = threading.Lock()
    # Both consumers hold messages while the server is killed, and delete them after it is back.
    before_the_kill, after_it = threading.Barrier(3), threading.Barrier(3)

    def consume(me):
        sqs, paused = client(), False
        while len(received) < total and not problems:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=4, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            keys = [tuple(map(int, message["Body"].split(":"))) for message in messages]
            with lock:
                received.extend(keys)
                for group, _ in keys:
                    if holders.setdefault(group, me) != me:
                        problems.append(f"group {group} with both consumers")
            if not paused and len(received) > total // 2:
                paused = True
                before_the_kill.wait(60)
                after_it.wait(60)
            for index, (message, (group, _)) in enumerate(zip(messages, keys)):
                if all(later != group for later, _ in keys[index + 1 :]):
                    with lock:
                        holders.pop(group)  # With its last message gone the other consumer may have the group.
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    consumers = [threading.Thread(target=consume, args=(n,), daemon=True) for n in range(2)]
    for consumer in consumers:
        consumer.start()
    before_the_kill.wait(60)
    server.kill()
    server.restart()
    again = send_all()
    after_it.wait(60)
    for consumer in consumers:
        consumer.join(60)
        assert not consumer.is_alive()
    assert problems == []
    assert again == first, "a resend is the first send"
    for group in range(GROUPS):
        assert [number for name, number in received if name == group] == list(range(per_group))
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    print(f"\n== two consumers: kills=1 messages={total} lost=0 duplicates=0")


def test_a_torn_write_is_no_obstacle(server, chance):
    """Kills in the middle of messages of a mebibyte: the likeliest moment for half an entry on disk."""
    queue = create(server, "large")
    auditor = Auditor()
    books = StandardBooks(auditor)
    caller = Caller(server.endpoint)
    for round_number in range(4):
        killer = threading.Timer(chance.uniform(0.02, 0.2), server.kill)
        killer.start()
        try:
            for number in range(1000):
                body = f"{round_number}-{number}-".ljust(1_048_576, "y")
                books.attempt(body)
                caller.call("SendMessage", QueueUrl=queue, MessageBody=body)
                books.was_sent(body)
        except Unanswered:
            pass
        except Refused as error:
            raise AssertionError(error) from error
        killer.join()
        server.restart()
    drained: set[str] = set()

    def each(body, asked_at):
        books.was_received(body, asked_at)
        drained.add(body)

    drain(server.endpoint, queue, each)
    books.close(drained)
    assert auditor.violations == []
    print(f"\n== torn writes: kills=4 messages={len(books.sent)} {auditor.report('lost', 'invented')}")
