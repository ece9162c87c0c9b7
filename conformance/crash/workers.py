"""Producers and consumers that go on through every crash, and tell the auditor what they were promised."""

import threading
import time
from random import Random

from auditor import Auditor, FifoBooks, StandardBooks
from caller import Caller, Refused, Unanswered

VISIBILITY_SECONDS = 5
MARGIN_SECONDS = 1
"""A promise about a handle counts only when it was answered this long before the handle could expire."""


class Worker(threading.Thread):
    """Calls `step` until it is told to stop; an exception is a violation, not a silent end."""

    def __init__(self, name: str, auditor: Auditor, caller: Caller, queue: str, chance: Random):
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
            entries.append({"Id": str(index), "MessageBody": f"{self.name}-{self.serial}-{filling}"})
        for entry in entries:
            self.books.attempt(entry["MessageBody"])
        if size == 1:
            self.caller.call("SendMessage", QueueUrl=self.queue, MessageBody=entries[0]["MessageBody"])
            done = ["0"]
        else:
            answer = self.caller.call("SendMessageBatch", QueueUrl=self.queue, Entries=entries)
            done = [entry["Id"] for entry in answer["Successful"]]
        for entry_id in done:
            self.books.was_sent(entries[int(entry_id)]["MessageBody"])
        self.auditor.count("messages", len(done))


class StandardConsumer(Worker):
    books: StandardBooks

    def step(self) -> None:
        messages, asked_at = self.receive()
        for message in messages:
            self.books.was_received(message["Body"], asked_at)
        # One in five is left to come back after its timeout.
        chosen = [message for message in messages if self.chance.random() < 0.8]
        for message in chosen:
            self.books.delete_begins(message["Body"])
            self.caller.call("DeleteMessage", QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if time.monotonic() < asked_at + VISIBILITY_SECONDS - MARGIN_SECONDS:
                self.books.was_deleted(message["Body"])
                self.auditor.count("deleted")


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
                assert time.monotonic() > expires_at - MARGIN_SECONDS and b"expired" in error.answer.body, error
                return
            if time.monotonic() < expires_at - MARGIN_SECONDS:
                self.books.was_deleted(group, number)
                self.auditor.count("deleted")
        if keep < len(held) and self.chance.random() < 0.5:
            self.books.give_back_begins(group)
            # The last one first: the group opens only when the first one is visible, so order is kept.
            for _, handle in reversed(held[keep:]):
                if time.monotonic() < expires_at - MARGIN_SECONDS:
                    self.caller.call(
                        "ChangeMessageVisibility", QueueUrl=self.queue, ReceiptHandle=handle, VisibilityTimeout=0
                    )
