"""Books on what was promised: whatever the server answered must be true for ever after, through every crash.

The auditor knows nothing of how messages are sent; workers report what they asked and what was answered.
"""

import threading
import time
from collections import defaultdict


CLOCK_MARGIN_SECONDS = 0.1
"""The server measures delays with another clock than we do."""


class Auditor:
    """Counts promises and lists those that were broken. All methods may be called from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.violations: list[str] = []
        self.counts: dict[str, int] = defaultdict(int)

    def violation(self, kind: str, text: str) -> None:
        with self.lock:
            self.counts[kind] += 1
            self.violations.append(f"{kind}: {text}")

    def count(self, kind: str, number: int = 1) -> None:
        with self.lock:
            self.counts[kind] += number

    def report(self, *kinds: str) -> str:
        return " ".join(f"{kind}={self.counts[kind]}" for kind in kinds)

    def verdict(self) -> str:
        """Each kind of broken promise with its number; all that FIFO promises beyond the others is `fifo`."""
        numbers = {
            "lost": self.counts["lost"],
            "undone": self.counts["returned"],
            "fifo": sum(self.counts[kind] for kind in ("duplicates", "disordered", "shared")),
        }
        rest = self.report("invented", "early", "failed")
        return " ".join(f"{kind}={number}" for kind, number in numbers.items()) + " " + rest


class StandardBooks:
    """One standard queue. Bodies are unique over all attempts to send."""

    def __init__(self, auditor: Auditor):
        self.auditor = auditor
        self.attempted: set[str] = set()
        self.sent: set[str] = set()
        self.received: set[str] = set()
        self.not_before: dict[str, float] = {}
        self.deleted: dict[str, float] = {}
        self.delete_unknown: set[str] = set()

    def attempt(self, body: str, delay_seconds: int = 0) -> None:
        with self.auditor.lock:
            self.attempted.add(body)
            if delay_seconds:
                self.not_before[body] = time.monotonic() + delay_seconds - CLOCK_MARGIN_SECONDS

    def was_sent(self, body: str) -> None:
        with self.auditor.lock:
            self.sent.add(body)

    def was_received(self, body: str, asked_at: float) -> None:
        """`asked_at`: when the receive began, which must not hand out what was deleted before."""
        with self.auditor.lock:
            known, deleted_at = body in self.attempted, self.deleted.get(body)
            early = self.not_before.get(body, 0) - time.monotonic()
            self.received.add(body)
        if early > 0:
            self.auditor.violation("early", f"{body} came {early:.3f} s before its delay was over")
        if not known:
            self.auditor.violation("invented", body)
        if deleted_at is not None and deleted_at <= asked_at:
            self.auditor.violation("returned", f"{body} was deleted {asked_at - deleted_at:.3f} s before")

    def delete_begins(self, body: str) -> None:
        """From here on until it is answered the message may or may not be there."""
        with self.auditor.lock:
            self.delete_unknown.add(body)

    def was_deleted(self, body: str) -> None:
        """Answered, with a handle that cannot have expired."""
        with self.auditor.lock:
            self.delete_unknown.discard(body)
            self.deleted[body] = time.monotonic()

    def purge_begins(self) -> list[str]:
        """What the purge is about: all that was sent. Nothing else may be sent until it is answered."""
        with self.auditor.lock:
            self.delete_unknown |= self.attempted
            return list(self.attempted)

    def must_still_be_there(self) -> set[str]:
        with self.auditor.lock:
            return self.sent - set(self.deleted) - self.delete_unknown

    def close(self, drained: set[str]) -> None:
        """`drained`: all that was left when the queue was emptied at the end."""
        for body in self.must_still_be_there() - drained:
            self.auditor.violation("lost", body)


class Group:
    """What is known of one message group."""

    def __init__(self):
        self.identity: dict[int, tuple[str, str]] = {}
        self.deleted: set[int] = set()
        self.delete_unknown: set[int] = set()
        self.in_flight: set[int] = set()
        self.hidden_until = 0.0
        self.first_left = 0
        """All numbers below this one are deleted."""

    def missing_before(self, number: int, start: int) -> list[int]:
        """Numbers that should have come before this one."""
        while self.first_left in self.deleted:
            self.first_left += 1
        candidates = range(max(start, self.first_left), number)
        return [n for n in candidates if n not in self.deleted and n not in self.delete_unknown]


class FifoBooks:
    """One FIFO queue: groups of consecutive numbers, each sent again until it is answered."""

    def __init__(self, auditor: Auditor):
        self.auditor = auditor
        self.groups: dict[str, Group] = defaultdict(Group)

    def was_sent(self, group: str, number: int, message_id: str, sequence_number: str) -> None:
        """A repeated send answers what the first one did."""
        with self.auditor.lock:
            identity = self.groups[group].identity
            first = identity.setdefault(number, (message_id, sequence_number))
            before = identity.get(number - 1)
        if first != (message_id, sequence_number):
            self.auditor.violation("duplicates", f"{group}:{number} was {first}, now {message_id}, {sequence_number}")
        if before is not None and not before[1] < sequence_number:
            self.auditor.violation("disordered", f"{group}:{number} has a sequence number below its predecessor's")

    def was_received(self, group: str, numbers: list[int], hidden_until: float) -> None:
        """`hidden_until`: no later than when the first message of this answer can be visible again."""
        with self.auditor.lock:
            found = self.groups[group]
            shared = bool(found.in_flight) and time.monotonic() < found.hidden_until
            others = sorted(found.in_flight)
            returned = [number for number in numbers if number in found.deleted]
            missing, next_number = [], 0
            for number in numbers:
                missing += found.missing_before(number, next_number)
                next_number = number + 1
            found.in_flight, found.hidden_until = set(numbers), hidden_until
        if shared:
            self.auditor.violation("shared", f"{group}: {numbers} while {others} are in flight")
        if numbers != sorted(set(numbers)):
            self.auditor.violation("disordered", f"{group}: {numbers}")
        if missing:
            self.auditor.violation("disordered", f"{group}: {numbers} came before {missing}")
        if returned:
            self.auditor.violation("returned", f"{group}: {returned} of {numbers}")

    def delete_begins(self, group: str, number: int) -> None:
        """From here on it may be gone, and with the last one somebody else may have the group before we hear of it."""
        with self.auditor.lock:
            self.groups[group].delete_unknown.add(number)
            self.groups[group].in_flight.discard(number)

    def was_deleted(self, group: str, number: int) -> None:
        """Answered, with a handle that cannot have expired."""
        with self.auditor.lock:
            self.groups[group].delete_unknown.discard(number)
            self.groups[group].deleted.add(number)

    def give_back_begins(self, group: str) -> None:
        with self.auditor.lock:
            self.groups[group].in_flight.clear()

    def close(self) -> None:
        for name, group in self.groups.items():
            for number in set(group.identity) - group.deleted - group.delete_unknown:
                self.auditor.violation("lost", f"{name}:{number}")
