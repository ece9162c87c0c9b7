"""Power cuts: what was not synced is gone, or there in part; what was acknowledged is there as a whole."""

import time
from collections import Counter

import pytest

from auditor import Auditor, StandardBooks
from caller import Caller
from chaos import Chaos, create, drain
from lossy import SMALL_STEPS, LossyServer, lossy_binary
from support.clients import Http
from support.process import READY_SECONDS, eventually


@pytest.fixture
def new_lossy_server(chance):
    """As `new_server`, on a disk that loses what is not synced."""
    assert lossy_binary().exists(), f"{lossy_binary()} is missing: cargo xtask test crash builds it"
    servers = []

    def make(*options, **more) -> LossyServer:
        servers.append(LossyServer(*options, seed=chance.getrandbits(32), **more))
        return servers[-1].start()

    yield make
    for server in servers:
        try:
            server.check_log()
        finally:
            server.discard()


def test_no_promise_is_broken_by_any_power_cut(new_lossy_server, chance, cuts):
    """Every kind of request at once, over many power cuts, some of them while the server starts."""
    server = new_lossy_server(*SMALL_STEPS, orders=("slow 3000",))
    ways: Counter[str] = Counter()

    def cut():
        ways[server.cut_power(chance).split()[0]] += 1
        if chance.random() < 0.3 and server.cut_power_while_it_starts(chance):
            ways["at start"] += 1
        began = time.monotonic()
        server.restart()
        assert time.monotonic() - began < READY_SECONDS

    chaos = Chaos(server, chance).start()
    chaos.crashes(cuts, cut, longest_seconds=0.8)
    chaos.finish()
    how = " ".join(f"{way}={number}" for way, number in sorted(ways.items()))
    print(f"\n== power cuts: cuts={sum(ways.values())} ({how}) {chaos.report()}")
    assert chaos.auditor.violations == []
    assert chaos.auditor.counts["messages"] > 10 * cuts, "the load was no load"
    log = server.log_text()
    assert "can't be replayed" not in log and "is damaged" not in log


@pytest.mark.parametrize("lie", [None, "data", "names"])
def test_a_disk_that_lies_about_syncs_is_found_out(new_lossy_server, chance, lie):
    """That the auditor finds nothing above means something only if it finds what a skipped sync loses."""
    server = new_lossy_server(*SMALL_STEPS)
    auditor, caller = Auditor(), Caller(server.endpoint)
    books, queue = StandardBooks(auditor), create(server, "story")

    def send(text: str, number: int, length: int) -> None:
        for index in range(number):
            body = f"{text}-{index}-".ljust(length, "x")
            books.attempt(body)
            caller.call("SendMessage", QueueUrl=queue, MessageBody=body)
            books.was_sent(body)

    send("before", 10, 100)
    if lie:
        server.order(f"lie {lie}")
    # More than a segment holds: names matter where one begins.
    send("large", 10, 1_000_000)
    send("after", 10, 100)
    server.kill()
    server.restart()
    drained: set[str] = set()

    def each(body, asked_at):
        books.was_received(body, asked_at)
        drained.add(body)

    drain(server.endpoint, queue, each)
    books.close(drained)
    print(f"\n== a disk that lies about {lie or 'nothing'}: messages=30 {auditor.verdict()}")
    assert not any(violation.startswith("lost: before") for violation in auditor.violations)
    assert (auditor.counts["lost"] > 0) == bool(lie)


@pytest.mark.parametrize("what", ["sync", "write"])
def test_a_failing_disk_is_told_and_a_restart_resumes(new_lossy_server, chance, what):
    """EIO under load: no answer that is not true, everybody is told, and nothing acknowledged is lost by it."""
    server = new_lossy_server()
    chaos = Chaos(server, chance).start()
    eventually(lambda: chaos.auditor.counts["messages"] > 200 or chaos.auditor.violations, 30, "the load")
    http = Http(server.endpoint)
    assert http.request("GET", "/readyz").status == 200
    server.order(f"fail {what}")
    eventually(lambda: http.request("GET", "/readyz").status == 503, 30, "the news of the failure")
    assert http.request("GET", "/readyz").body == b"failed\n", "how it is, and not why: anybody can read it"
    assert http.request("GET", "/health").json().keys() == {"status", "version"}
    assert http.request("GET", "/livez").status == 200
    answer = http.json("SendMessage", {"QueueUrl": chaos.standard, "MessageBody": "refused"})
    assert (answer.status, "ServiceUnavailable" in answer.json()["__type"]) == (503, True), answer
    assert http.json("ReceiveMessage", {"QueueUrl": chaos.standard}).status == 503, "its state may be ahead of its log"
    assert "Input/output error" in server.log_text()
    server.kill()
    server.restart()
    eventually(lambda: Http(server.endpoint).request("GET", "/readyz").status == 200, 30, "the end of the failure")
    chaos.finish()
    print(f"\n== a disk that fails to {what}: {chaos.report()}")
    assert chaos.auditor.violations == []
