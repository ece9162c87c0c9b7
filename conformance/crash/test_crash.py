"""SIGKILL at any moment: nothing that was acknowledged is lost, nothing acknowledged as deleted returns."""

import threading
import time

import boto3
import pytest
from botocore.config import Config

from auditor import Auditor, FifoBooks, StandardBooks
from caller import Caller, Refused, Unanswered
from support.clients import Http
from support.process import READY_SECONDS, Server, eventually
from workers import VISIBILITY_SECONDS, FifoConsumer, FifoProducer, StandardConsumer, StandardProducer

GROUPS = 5


@pytest.fixture
def server(new_server) -> Server:
    return new_server().start()


def create(server, name, **attributes) -> str:
    return Http(server.endpoint).call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]


def counts(http, queue) -> tuple[int, ...]:
    names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
    found = http.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names)


def drain(endpoint, queue, each) -> None:
    """Receives and deletes until nothing is left, not even in flight."""
    http = Http(endpoint)
    deadline = time.monotonic() + 90
    while any(counts(http, queue)):
        assert time.monotonic() < deadline, f"still {counts(http, queue)} in {queue}"
        asked_at = time.monotonic()
        answer = http.call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            each(message["Body"], asked_at)
            http.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    http.close()


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
    """Sends, receives, deletes, FIFO groups and resends, all at once, over many kills."""
    auditor = Auditor()
    standard = create(server, "standard")
    fifo = create(server, "fifo.fifo", FifoQueue="true")
    standard_books, fifo_books = StandardBooks(auditor), FifoBooks(auditor)

    def worker(kind, name, queue, books, **more):
        made = kind(name, auditor, Caller(server.endpoint), queue, chance)
        made.books = books
        for attribute, value in more.items():
            setattr(made, attribute, value)
        made.start()
        return made

    producers = [worker(StandardProducer, f"p{n}", standard, standard_books) for n in range(2)]
    producers += [
        worker(FifoProducer, f"fp{n}", fifo, fifo_books, group=f"group{n}") for n in range(GROUPS)
    ]
    standard_consumers = [worker(StandardConsumer, f"c{n}", standard, standard_books) for n in range(2)]
    fifo_consumers = [worker(FifoConsumer, f"fc{n}", fifo, fifo_books) for n in range(2)]

    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 1.2))  # The moment of the kill is what is varied here.
        crash(server, chance)
    for thread in [*producers, *standard_consumers]:
        thread.stopping.set()
    for consumer in fifo_consumers:
        consumer.tidy = True
    for thread in [*producers, *standard_consumers]:
        thread.join(60)
        assert not thread.is_alive(), thread.name
    drained: set[str] = set()

    def each(body, asked_at):
        standard_books.was_received(body, asked_at)
        drained.add(body)

    drain(server.endpoint, standard, each)
    standard_books.close(drained)
    http = Http(server.endpoint)
    eventually(lambda: not any(counts(http, fifo)) or auditor.violations, 90, "the end of the FIFO queue")
    for consumer in fifo_consumers:
        consumer.stopping.set()
        consumer.join(30)
        assert not consumer.is_alive(), consumer.name
    fifo_books.close()
    print(
        f"\n== chaos: kills={kills} "
        + auditor.report(
            "messages", "resent", "received", "deleted", "lost", "returned", "invented", "duplicates", "disordered",
            "shared", "failed",
        )
    )
    assert auditor.violations == []
    assert auditor.counts["messages"] > 10 * kills, "the load was no load"


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
