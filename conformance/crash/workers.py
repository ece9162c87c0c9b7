"""Producers and consumers that go on through every crash, and tell the auditor what they were promised."""

import threading
import time
from random import Random

from auditor import Auditor, FifoBooks, StandardBooks
from caller import AnyCaller, Refused, Unanswered

VISIBILITY_SECONDS = 5
MARGIN_SECONDS = 1
"""A promise about a handle counts only when it was answered this long before the handle could expire."""


class Worker(threading.Thread):
    """Calls `step` until it is told to stop; an exception is a violation, not a silent end."""

    def __init__(self, name: str, auditor: Auditor, caller: AnyCaller, queue: str, chance: Random):
        super().__init__(name=name, daemon=True)
        self.auditor, self.caller, self.queue = auditor, caller, queue
        self.chance = Random(chance.getrandbits(32))
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    self.step()
                except Unanswered:
                    time.sleep(0.01)
        except Exception as error:  # Whatever it is, the run has failed.
            self.auditor.violation("failed", f"{self.name}: {error!r}")
        finally:
            self.caller.close()

    def step(self) -> None:
        raise NotImplementedError

    def receive(self, number: int = 10) -> tuple[list[dict], float]:
        """Messages, and when they were asked for."""
        asked_at = time.monotonic()
        answer = self.caller.call(
            "ReceiveMessage",
            QueueUrl=self.queue,
            MaxNumberOfMessages=number,
            WaitTimeSeconds=1,
            VisibilityTimeout=VISIBILITY_SECONDS,
        )
        messages = answer.get("Messages", [])
        self.auditor.count("received", len(messages))
        return messages, asked_at


class StandardProducer(Worker):
    books: StandardBooks
    serial = 0

    def step(self) -> None:
        size = self.chance.choice((1, 1, 1, 10))
        entries = []
        for index in range(size):
            self.serial += 1
            # Some are long, so that a kill strikes within an entry of the log and not only between two.
            filling = "x" * self.chance.choice((0, 0, 0, 100, 5_000, 100_000 if size == 1 else 0))
            delay_seconds = self.chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 3))
            body = f"{self.name}-{self.serial}-{filling}"
            entries.append({"Id": str(index), "MessageBody": body, "DelaySeconds": delay_seconds})
        for entry in entries:
            self.books.attempt(entry["MessageBody"], entry["DelaySeconds"])
        if size == 1:
            only = {name: value for name, value in entries[0].items() if name != "Id"}
            self.caller.call("SendMessage", QueueUrl=self.queue, **only)
            done = ["0"]
        else:
            answer = self.caller.call("SendMessageBatch", QueueUrl=self.queue, Entries=entries)
            done = [entry["Id"] for entry in answer["Successful"]]
        for entry_id in done:
            self.books.was_sent(entries[int(entry_id)]["MessageBody"])
        self.auditor.count("messages", len(done))


class StandardConsumer(Worker):
    books: StandardBooks
    deleted_share = 0.8
    """Of the others half come back at once, and half after their timeout."""

    def step(self) -> None:
        messages, asked_at = self.receive()
        for message in messages:
            self.books.was_received(message["Body"], asked_at)
        for message in messages:
            if self.chance.random() >= self.deleted_share:
                if self.chance.random() < 0.5 and time.monotonic() < asked_at + VISIBILITY_SECONDS - MARGIN_SECONDS:
                    self.caller.call(
                        "ChangeMessageVisibility",
                        QueueUrl=self.queue,
                        ReceiptHandle=message["ReceiptHandle"],
                        VisibilityTimeout=self.chance.choice((0, 0, 1, 2)),
                    )
                continue
            self.books.delete_begins(message["Body"])
            self.caller.call("DeleteMessage", QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if time.monotonic() < asked_at + VISIBILITY_SECONDS - MARGIN_SECONDS:
                self.books.was_deleted(message["Body"])
                self.auditor.count("deleted")


class Mover(Worker):
    """Has dead letters sent back to where they came from, again and again."""

    dead_letter_arn = ""

    def step(self) -> None:
        time.sleep(self.chance.uniform(0.2, 1.5))
        try:
            self.caller.call("StartMessageMoveTask", SourceArn=self.dead_letter_arn)
            self.auditor.count("moves")
        except Refused as error:
            # The only reason there can be: the last one still runs.
            assert "task" in error.text, error


class Purger(Worker):
    """A queue's only user: fills it, looks into it, purges it."""

    books: StandardBooks
    serial = 0

    def step(self) -> None:
        for _ in range(self.chance.randrange(1, 8)):
            self.serial += 1
            body = f"{self.name}-{self.serial}"
            self.books.attempt(body)
            self.caller.call("SendMessage", QueueUrl=self.queue, MessageBody=body)
            self.books.was_sent(body)
            self.auditor.count("messages")
        self.look()
        if self.chance.random() < 0.3:
            purged = self.books.purge_begins()
            self.caller.until_answered("PurgeQueue", QueueUrl=self.queue)
            for body in purged:
                self.books.was_deleted(body)
            self.auditor.count("purges")
            self.look()

    def look(self) -> None:
        asked_at = time.monotonic()
        answer = self.caller.call(
            "ReceiveMessage", QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
        )
        for message in answer.get("Messages", []):
            self.books.was_received(message["Body"], asked_at)


class QueueMaker(Worker):
    """Makes queues with a message in each, and deletes most of them again."""

    serial = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.kept: dict[str, str] = {}
        self.gone: set[str] = set()

    def step(self) -> None:
        time.sleep(0.05)
        self.serial += 1
        name = f"{self.name}-{self.serial}"
        url = self.caller.until_answered("CreateQueue", QueueName=name)["QueueUrl"]
        self.caller.until_answered("SendMessage", QueueUrl=url, MessageBody=name)
        self.auditor.count("messages")
        if self.chance.random() < 0.1:
            self.kept[name] = url
            return
        self.delete(url)
        self.gone.add(name)
        self.auditor.count("queues")
        if self.exists(name):
            self.auditor.violation("returned", f"the queue {name}")

    def delete(self, url: str) -> None:
        try:
            self.caller.until_answered("DeleteQueue", QueueUrl=url)
        except Refused as error:
            # An attempt that was not answered has done it.
            assert "does not exist" in error.text, error

    def exists(self, name: str) -> bool:
        try:
            self.caller.until_answered("GetQueueUrl", QueueName=name)
            return True
        except Refused as error:
            assert "does not exist" in error.text, error
            return False

    def close_books(self) -> None:
        """At the end, when nobody crashes any more. All of the queues are gone after it."""
        for name in self.gone:
            if self.exists(name):
                self.auditor.violation("returned", f"the queue {name}")
        for name, url in self.kept.items():
            if not self.exists(name):
                self.auditor.violation("lost", f"the queue {name}")
                continue
            found = self.caller.until_answered("ReceiveMessage", QueueUrl=url).get("Messages", [])
            if name not in [message["Body"] for message in found]:
                self.auditor.violation("lost", f"the message in the queue {name}")
            self.delete(url)
        self.caller.close()


class FifoProducer(Worker):
    """One group's only producer: in order, each number until it is answered, some again after that."""

    books: FifoBooks
    group = "g"
    number = 0

    def step(self) -> None:
        self.send(self.number)
        self.auditor.count("messages")
        if self.chance.random() < 0.1:
            self.send(self.chance.randrange(max(0, self.number - 50), self.number + 1))
            self.auditor.count("resent")
        self.number += 1

    def send(self, number: int) -> None:
        answer = self.caller.until_answered(
            "SendMessage",
            QueueUrl=self.queue,
            MessageBody=f"{self.group}:{number}",
            MessageGroupId=self.group,
            MessageDeduplicationId=f"{self.group}-{number}",
        )
        self.books.was_sent(self.group, number, answer["MessageId"], answer["SequenceNumber"])


class FifoConsumer(Worker):
    books: FifoBooks
    tidy = False
    """At the end of a run everything is deleted."""

    def step(self) -> None:
        messages, asked_at = self.receive()
        expires_at = asked_at + VISIBILITY_SECONDS
        groups: dict[str, list[tuple[int, str]]] = {}
        for message in messages:
            group, number = message["Body"].split(":")
            groups.setdefault(group, []).append((int(number), message["ReceiptHandle"]))
        for group, held in groups.items():
            self.books.was_received(group, [number for number, _ in held], expires_at - MARGIN_SECONDS)
        for group, held in groups.items():
            self.finish(group, held, expires_at)

    def finish(self, group: str, held: list[tuple[int, str]], expires_at: float) -> None:
        """Deletes from the front; sometimes it stops midway and gives the rest back, sometimes it just leaves it."""
        keep = len(held) if self.tidy or self.chance.random() < 0.8 else self.chance.randrange(len(held))
        for number, handle in held[:keep]:
            self.books.delete_begins(group, number)
            try:
                self.caller.until_answered("DeleteMessage", QueueUrl=self.queue, ReceiptHandle=handle)
            except Refused as error:
                # The only reason there can be: the server was down for longer than the handle lives.
                assert time.monotonic() > expires_at - MARGIN_SECONDS and "expired" in error.text, error
                return
            if time.monotonic() < expires_at - MARGIN_SECONDS:
                self.books.was_deleted(group, number)
                self.auditor.count("deleted")
        if keep < len(held) and self.chance.random() < 0.5:
            self.books.give_back_begins(group)
            # The last one first: the group opens only when the first one is visible, so order is kept.
            for _, handle in reversed(held[keep:]):
                if time.monotonic() < expires_at - MARGIN_SECONDS:
                    self.give_back(handle)

    def give_back(self, handle: str) -> None:
        try:
            self.caller.call("ChangeMessageVisibility", QueueUrl=self.queue, ReceiptHandle=handle, VisibilityTimeout=0)
        except Refused as error:
            # An attempt that was not answered has given it back already.
            assert self.caller.repeats and "not available for visibility timeout change" in error.text, error
