"""A full disk: senders are refused and told so, consumers go on, and with space back everything does, without a restart."""

import itertools
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditor import Auditor, StandardBooks
from chaos import create, drain
from lossy import LossyServer
from support.clients import Http, client
from support.process import Server, eventually

DISK_BYTES = 80_000_000
OTHERS_BYTES = 20_000_000
"""What somebody else keeps on the same disk."""

BODY_BYTES = 60_000
SMALL_STORE_BYTES = 24_000_000

RESERVE_BYTES = 18 << 20
"""About what the server does not give to messages."""

SEGMENT_BYTES = 16 << 20
"""The largest segment on a disk of this size."""


class SmallDisk:
    """A file system of its own, with a server on it."""

    def __init__(self, kind: str, home, new_server):
        self.mount_point, image = home / "disk", home / "image"
        self.mount_point.mkdir()
        if kind == "tmpfs":
            what = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"]
        else:
            with image.open("wb") as file:
                file.truncate(DISK_BYTES)
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
            what = ["-o", "loop", str(image)]
        self.as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        mounted = subprocess.run([*self.as_root, "mount", *what, str(self.mount_point)], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
        subprocess.run([*self.as_root, "chown", str(os.getuid()), str(self.mount_point)], check=True)
        self.server: Server = new_server(data_dir=self.mount_point / "data")
        self.others = self.mount_point / "others"

    def fill_by_others(self) -> None:
        with self.others.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, OTHERS_BYTES)

    def fill_the_rest_by_others(self) -> None:
        """All that the server has not allocated."""
        rest, size = self.mount_point / "rest", 1 << 20
        with rest.open("wb") as file:
            while size >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                except OSError:
                    size //= 2

    def free_by_others(self) -> None:
        self.others.unlink()

    def close(self) -> None:
        self.server.discard()
        subprocess.run([*self.as_root, "umount", str(self.mount_point)], check=True)


class Budget:
    """The same where nothing can be mounted: the test build's disk counts bytes itself."""

    def __init__(self):
        self.server = LossyServer(orders=(f"capacity {DISK_BYTES - OTHERS_BYTES}",))

    def fill_by_others(self) -> None:
        self.server.order(f"capacity {DISK_BYTES - OTHERS_BYTES}")

    def fill_the_rest_by_others(self) -> None:
        """What the server has allocated by then can't be told from outside; this is a little more."""
        order = f"capacity {SMALL_STORE_BYTES}"
        self.server.order(order)
        # Also after a restart.
        self.server.orders = (order,)

    def free_by_others(self) -> None:
        self.server.order(f"capacity {DISK_BYTES}")
        # Also after a restart.
        self.server.orders = (f"capacity {DISK_BYTES}",)

    def close(self) -> None:
        self.server.check_log()
        self.server.discard()


@pytest.fixture(params=["tmpfs", "ext4", "budget"])
def disk(request, tmp_path, new_server):
    made = Budget() if request.param == "budget" else SmallDisk(request.param, tmp_path, new_server)
    yield made
    made.close()


def ready(server) -> tuple[int, str]:
    answer = Http(server.endpoint).request("GET", "/readyz")
    return answer.status, answer.body.decode().strip()


def fill(server, queue: str, books: StandardBooks, serial) -> int:
    """Sends until nothing is taken any more; a refusal must say that it may be tried again."""
    http, accepted, refused = Http(server.endpoint), 0, 0
    while refused < 5:
        body = f"{next(serial)}-".ljust(BODY_BYTES, "x")
        answer = http.json("SendMessage", {"QueueUrl": queue, "MessageBody": body})
        if answer.status == 200:
            books.attempt(body)
            books.was_sent(body)
            accepted += 1
        else:
            assert (answer.status, answer.json()["__type"].split("#")[-1]) == (503, "ServiceUnavailable"), answer
            refused += 1
    return accepted


def consume(server, queue: str, books: StandardBooks, number: int) -> None:
    """Receives and deletes, all of which has to be answered."""
    http = Http(server.endpoint)
    while number > 0:
        asked_at = time.monotonic()
        messages = http.call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        for message in messages:
            books.was_received(message["Body"], asked_at)
            books.delete_begins(message["Body"])
            http.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            books.was_deleted(message["Body"])
        number -= len(messages)


def test_a_full_disk_refuses_sends_and_recovers_without_a_restart(disk):
    """Nothing that was refused is ever delivered: the auditor has not heard of it, and would call it invented."""
    server = disk.server.start()
    queue, auditor = create(server, "full"), Auditor()
    books, serial = StandardBooks(auditor), itertools.count()
    assert ready(server) == (200, "ready")
    disk.fill_by_others()

    first = fill(server, queue, books, serial)
    assert first * BODY_BYTES > (DISK_BYTES - OTHERS_BYTES) // 2, f"{first} messages are not what the disk has space for"
    assert ready(server) == (503, "full")
    assert "the disk is full" in server.log_text()

    # Consumers make space. The process is the same all the time.
    process = server.process
    consume(server, queue, books, first * 3 // 4)
    eventually(lambda: ready(server) == (200, "ready"), 20, "space given back by deletes")
    assert "the disk has space again" in server.log_text()
    # Whole segments are given back, one after the other: one that is partly alive may stay.
    due, second, deadline = first * 3 // 4 - SEGMENT_BYTES // BODY_BYTES, 0, time.monotonic() + 20
    assert due > 50, "the disk is too small for this test to tell anything"
    while second < due and time.monotonic() < deadline:
        second += fill(server, queue, books, serial)
    assert second >= due, f"{first * 3 // 4} messages were deleted, but only {second} are taken again"

    # So does somebody else who frees it; what an SDK sends just then is taken at one of its attempts.
    sqs = client(server.endpoint, retries={"max_attempts": 10, "mode": "standard"})
    with ThreadPoolExecutor(1) as pool:
        books.attempt("patient")
        sent = pool.submit(sqs.send_message, QueueUrl=queue, MessageBody="patient")
        disk.free_by_others()
        attempts = sent.result(60)["ResponseMetadata"]["RetryAttempts"]
    books.was_sent("patient")
    assert attempts > 0, "it was refused at first"
    eventually(lambda: ready(server) == (200, "ready"), 20, "space given back by others")
    third = fill(server, queue, books, serial)
    assert third > 100 and server.process is process and process.poll() is None

    # A full store is killed, and opens.
    server.kill()
    server.restart()
    drained: set[str] = set()

    def each(body, asked_at):
        books.was_received(body, asked_at)
        drained.add(body)

    drain(server.endpoint, queue, each)
    books.close(drained)
    eventually(lambda: ready(server) == (200, "ready"), 20, "an empty store with space")
    print(
        f"\n== full disk: messages={first + second + third + 1} ({first} until full, {second} after deletes, {third} after "
        f"others made space) {auditor.verdict()}"
    )
    assert auditor.violations == []


def test_a_store_of_one_segment_is_writable_again_once_it_is_drained(disk):
    """Others keep the disk full all the time; all that the store gives back is in the segment that it writes to."""
    server = disk.server.start()
    queue, auditor = create(server, "small"), Auditor()
    books, serial = StandardBooks(auditor), itertools.count()
    process = server.process
    disk.fill_the_rest_by_others()

    taken = []
    for _ in range(4):
        taken.append(fill(server, queue, books, serial))
        consume(server, queue, books, taken[-1])
        eventually(lambda: ready(server) == (200, "ready"), 20, "space given back by deletes")
    assert server.process is process and process.poll() is None
    kept = sum(path.stat().st_size for path in server.data_dir.iterdir() if path.is_file())
    assert kept < 2 * RESERVE_BYTES, f"the store has {kept} bytes, and may use the most of them again"
    assert min(taken) > 0 and sum(taken) * BODY_BYTES > kept - RESERVE_BYTES, f"{taken} messages fit without giving back"

    refusals = sum("refused a request" in line for line in server.log_text().splitlines())
    assert refusals == 0, f"{refusals} lines about single refusals"
    server.kill()
    server.restart()
    drained: set[str] = set()

    def each(body, asked_at):
        books.was_received(body, asked_at)
        drained.add(body)

    drain(server.endpoint, queue, each)
    books.close(drained)
    print(f"\n== full disk, one segment: messages={taken} {auditor.verdict()}")
    assert auditor.violations == []
