"""A mixed load that goes on through crashes, and the end of it: everything drained, all books closed."""

import json
import time
from random import Random

from auditor import Auditor, FifoBooks, StandardBooks
from caller import Caller, SdkCaller
from support.clients import Http
from support.process import Server, eventually
from workers import (
    FifoConsumer, FifoProducer, Mover, Purger, QueueMaker, StandardConsumer, StandardProducer, Worker,
)

GROUPS = 5
RECEIVES_BEFORE_DEAD = 2


def create(server: Server, name: str, **attributes) -> str:
    return Http(server.endpoint).call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]


def counts(endpoint: str, queue: str) -> tuple[int, ...]:
    # A connection of its own each time: the server closes those that are idle for long.
    http = Http(endpoint)
    names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
    found = http.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=names)["Attributes"]
    http.close()
    return tuple(int(found[name]) for name in names)


def drain(endpoint: str, queue: str, each) -> None:
    """Receives and deletes until nothing is left, not even in flight."""
    http = Http(endpoint)
    deadline = time.monotonic() + 120
    while any(counts(endpoint, queue)):
        assert time.monotonic() < deadline, f"still {counts(endpoint, queue)} in {queue}"
        asked_at = time.monotonic()
        answer = http.call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        for message in messages:
            each(message["Body"], asked_at)
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            deleted = http.call("DeleteMessageBatch", QueueUrl=queue, Entries=entries)
            assert len(deleted["Successful"]) == len(messages), deleted
    http.close()


class Chaos:
    """Every kind of request at once. `start`, crash the server as often as you like, `finish`."""

    def __init__(self, server: Server, chance: Random):
        self.server, self.chance, self.auditor = server, chance, Auditor()
        self.standard_books, self.poison_books = StandardBooks(self.auditor), StandardBooks(self.auditor)
        self.purged_books, self.fifo_books = StandardBooks(self.auditor), FifoBooks(self.auditor)
        self.standard = create(server, "standard")
        self.fifo = create(server, "fifo.fifo", FifoQueue="true")
        self.dead = create(server, "dead")
        dead_arn = self.arn(self.dead)
        policy = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES_BEFORE_DEAD}
        self.poison = create(server, "poison", RedrivePolicy=json.dumps(policy))
        self.purged = create(server, "purged")
        standard, poison = {"books": self.standard_books}, {"books": self.poison_books}
        self.producers: list[Worker] = [
            *(self.worker(StandardProducer, f"p{n}", self.standard, **standard) for n in range(2)),
            self.worker(StandardProducer, "pp", self.poison, **poison),
            *(
                self.worker(FifoProducer, f"fp{n}", self.fifo, sdk=n < 2, books=self.fifo_books, group=f"group{n}")
                for n in range(GROUPS)
            ),
        ]
        self.others: list[Worker] = [
            *(self.worker(StandardConsumer, f"c{n}", self.standard, **standard) for n in range(2)),
            self.worker(StandardConsumer, "pc", self.poison, **poison, deleted_share=0.4),
            self.worker(StandardConsumer, "dc", self.dead, **poison, deleted_share=0.4),
            self.worker(Mover, "mover", self.dead, dead_letter_arn=dead_arn),
            self.worker(Purger, "purger", self.purged, books=self.purged_books),
        ]
        self.queue_maker = self.worker(QueueMaker, "made", "")
        self.others.append(self.queue_maker)
        self.fifo_consumers = [
            self.worker(FifoConsumer, f"fc{n}", self.fifo, sdk=n == 0, books=self.fifo_books) for n in range(2)
        ]

    def worker(self, kind, name: str, queue: str, sdk: bool = False, **more) -> Worker:
        caller = (SdkCaller if sdk else Caller)(self.server.endpoint)
        made = kind(name, self.auditor, caller, queue, self.chance)
        for attribute, value in more.items():
            setattr(made, attribute, value)
        return made

    def arn(self, queue: str) -> str:
        http = Http(self.server.endpoint)
        found = http.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"]

    def start(self) -> "Chaos":
        for worker in [*self.producers, *self.others, *self.fifo_consumers]:
            worker.start()
        return self

    def crashes(self, number: int, crash, longest_seconds: float = 1.2) -> None:
        """Strikes `number` times, at moments that chance chooses. Ends early where all is lost already."""
        for _ in range(number):
            time.sleep(self.chance.uniform(0.02, longest_seconds))  # The moment is what is varied here.
            crash()
            if self.auditor.violations:
                return

    def finish(self) -> None:
        """Ends the load, takes out all that is left, and closes the books."""
        for consumer in self.fifo_consumers:
            consumer.tidy = True
        for worker in [*self.producers, *self.others]:
            worker.stopping.set()
        for worker in [*self.producers, *self.others]:
            worker.join(90)
            assert not worker.is_alive(), worker.name
        http = Http(self.server.endpoint)
        dead_arn = self.arn(self.dead)

        def is_moving() -> bool:
            tasks = http.call("ListMessageMoveTasks", SourceArn=dead_arn, MaxResults=10)["Results"]
            return any(task["Status"] == "RUNNING" for task in tasks)

        eventually(lambda: not is_moving(), 60, "the end of the move task")
        self.close(self.standard_books, self.standard)
        self.close(self.poison_books, self.poison, self.dead)
        self.close(self.purged_books, self.purged)
        self.queue_maker.close_books()
        eventually(lambda: not any(counts(self.server.endpoint, self.fifo)) or self.auditor.violations, 90, "the end of the FIFO queue")
        for consumer in self.fifo_consumers:
            consumer.stopping.set()
            consumer.join(30)
            assert not consumer.is_alive(), consumer.name
        self.fifo_books.close()

    def close(self, books: StandardBooks, *queues: str) -> None:
        drained: set[str] = set()

        def each(body, asked_at):
            books.was_received(body, asked_at)
            drained.add(body)

        for queue in queues:
            drain(self.server.endpoint, queue, each)
        books.close(drained)

    def report(self) -> str:
        return self.auditor.report(
            "messages", "resent", "received", "deleted", "moves", "purges", "queues"
        ) + " " + self.auditor.verdict()
