"""What Prometheus reads: the page keeps to its format, and its figures are those of the load that the test makes."""

import http.client
import json
import re
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.clients import client, receive, unique
from support.process import eventually

pytestmark = pytest.mark.once

MONITORING = Path(__file__).parents[3] / "docs" / "monitoring.md"


def get(endpoint: str, path: str = "/metrics", headers: dict | None = None) -> tuple[int, dict, str]:
    url = urllib.parse.urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


class Page:
    """The page as a scraper sees it."""

    def __init__(self, text: str):
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    @classmethod
    def after_a_look(cls, endpoint: str) -> "Page":
        """One that knows of all that has happened: a look at all queues may be a second old."""
        time.sleep(1.1)
        return cls.of(endpoint)

    @classmethod
    def of(cls, endpoint: str) -> "Page":
        status, headers, text = get(endpoint)
        assert status == 200
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return cls(text)

    def value(self, name: str, **labels) -> float:
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def of_queue(self, name: str, queue: str) -> float:
        return self.value(name, account="000000000000", region="us-east-1", queue=queue)


def lint(text: str) -> None:
    """The rules of `promtool check metrics`, and those of the format that a parser lets pass."""
    seen_help, seen_type, current = set(), {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in seen_help, f"HELP of {name} twice"
            seen_help.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in seen_type, f"TYPE of {name} twice"
            seen_type[name], current = kind, name
            assert name in seen_help, f"{name} has no help"
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
            assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
            assert not re.search(r"_(milliseconds|minutes|kilobytes|ms|kb)(_|$)", name), f"{name}: no base unit"
        else:
            assert not line.startswith("#") and line, f"unexpected: {line!r}"
            name = re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line)[0]
            stem = re.sub(r"_(bucket|sum|count)$", "", name) if seen_type[current] == "histogram" else name
            assert stem == current, f"{line!r} is not among the samples of {current}"
    assert text.endswith("\n")


def check_histograms(page: Page) -> int:
    """Buckets rise, the last is the count, and there are as many of each histogram."""
    histograms = {}
    for (name, labels), value in page.samples.items():
        if name.endswith("_bucket"):
            rest = dict(labels)
            bound = float(rest.pop("le"))
            histograms.setdefault((name.removesuffix("_bucket"), frozenset(rest.items())), []).append((bound, value))
    for (name, labels), buckets in histograms.items():
        counts = [count for _, count in sorted(buckets)]
        assert counts == sorted(counts), f"{name} {dict(labels)}: {counts}"
        assert sorted(buckets)[-1][0] == float("inf")
        assert counts[-1] == page.samples[(name + "_count", labels)]
        assert (name + "_sum", labels) in page.samples
    return len(histograms)


@pytest.fixture
def server(new_server):
    return new_server().start()


def test_the_page_keeps_to_the_format_and_shows_what_the_documentation_names(server):
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="lint")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * 2000)
    page = Page.after_a_look(server.endpoint)
    lint(page.text)
    assert check_histograms(page) >= 3
    row = r"^\| `((?:sqs|bongsu|process)_[a-z_]+)` \| (gauge|counter|histogram) \| ([a-z, ]*)\|"
    rows = re.findall(row, MONITORING.read_text(), re.M)
    assert len(rows) > 20
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page.text, re.M))
    assert types == {name: kind for name, kind, _ in rows}
    for name, _, labels in rows:
        expected = {label.strip() for label in labels.split(",") if label.strip()}
        stem = name.removesuffix("_total")
        family = page.families.get(name) or page.families.get(stem)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == expected, sample


def test_figures_are_those_of_the_load(server):
    sqs, queue = client(server.endpoint), unique()
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    for size in (10, 1024, 1025):
        sqs.send_message(QueueUrl=url, MessageBody="x" * size)
    entries = [{"Id": str(i), "MessageBody": "y" * 100} for i in range(4)]
    # The third has a character that no message may have: only three of four are taken in.
    entries[2]["MessageBody"] = "\u0001"
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert (len(answer["Successful"]), len(answer["Failed"])) == (3, 1)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=600)
    got = []
    while len(got) < 6:
        got += receive(sqs, url)
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    handles = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(got[1:3])]
    sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "bad", "ReceiptHandle": "bad"}])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "-not", MessageBody="x")
    page = Page.after_a_look(server.endpoint)
    expected = {
        "sqs_number_of_messages_sent_total": 7,
        "sqs_number_of_messages_received_total": 6,
        "sqs_number_of_messages_deleted_total": 3,
        "sqs_number_of_empty_receives_total": 1,
        "sqs_approximate_number_of_messages_visible": 0,
        "sqs_approximate_number_of_messages_not_visible": 3,
        "sqs_approximate_number_of_messages_delayed": 1,
        "sqs_sent_message_size_bytes_count": 7,
        "sqs_sent_message_size_bytes_sum": 10 + 1024 + 1025 + 300 + 5,
    }
    assert {name: page.of_queue(name, queue) for name in expected} == expected
    labels = {"account": "000000000000", "region": "us-east-1", "queue": queue}
    assert page.value("sqs_sent_message_size_bytes_bucket", le="1024", **labels) == 6
    assert page.value("sqs_sent_message_size_bytes_bucket", le="2048", **labels) == 7
    assert page.of_queue("sqs_number_of_messages_sent_total", queue + "-not") == 0
    requests = {
        ("SendMessage", "OK"): 4,
        ("SendMessage", "QueueDoesNotExist"): 1,
        ("SendMessageBatch", "OK"): 1,
        ("DeleteMessage", "OK"): 1,
        ("DeleteMessageBatch", "OK"): 1,
        ("CreateQueue", "OK"): 1,
    }
    found = {key: page.value("bongsu_requests_total", action=key[0], code=key[1]) for key in requests}
    assert found == requests
    assert page.value("bongsu_request_duration_seconds_count", action="SendMessage") == 5
    assert page.value("bongsu_queues") == 1 and page.value("bongsu_ready") == 1
    assert page.value("process_start_time_seconds") == pytest.approx(time.time(), abs=60)
    assert page.value("process_resident_memory_bytes") > 1 << 20
    assert page.value("bongsu_journal_bytes") > 0 and page.value("bongsu_disk_free_bytes") > 0


def test_a_move_to_a_dead_letter_queue_is_neither_sent_nor_received(server):
    sqs = client(server.endpoint)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1}'
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    url = sqs.create_queue(QueueName="source", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert len(receive(sqs, url)) == 1
    assert receive(sqs, url) == []
    assert len(receive(sqs, dead)) == 1
    page = Page.after_a_look(server.endpoint)
    sent, received = "sqs_number_of_messages_sent_total", "sqs_number_of_messages_received_total"
    assert (page.of_queue(sent, "source"), page.of_queue(received, "source")) == (1, 1)
    assert (page.of_queue(sent, "dead"), page.of_queue(received, "dead")) == (0, 1)


def test_counters_go_with_their_queue(new_server):
    server = new_server("--cooldowns", "off").start()
    sqs = client(server.endpoint)
    for _ in range(2):
        url = sqs.create_queue(QueueName="again")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="x")
        page = Page.after_a_look(server.endpoint)
        assert page.of_queue("sqs_number_of_messages_sent_total", "again") == 1
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
        sqs.send_message(QueueUrl=url, MessageBody="x")
        page = Page.after_a_look(server.endpoint)
        assert page.of_queue("sqs_number_of_messages_sent_total", "again") == 2, "a change is no new life"
        sqs.delete_queue(QueueUrl=url)
        assert 'queue="again"' not in Page.after_a_look(server.endpoint).text


def test_long_polls_count_while_they_wait_and_not_as_slow(server):
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="poll")["QueueUrl"]
    before = Page.of(server.endpoint).value("bongsu_connections")
    with ThreadPoolExecutor() as pool:
        polls = [pool.submit(receive, client(server.endpoint), url, 1, 3) for _ in range(3)]
        eventually(lambda: Page.of(server.endpoint).value("bongsu_long_polls") == 3, what="three long polls")
        assert Page.of(server.endpoint).value("bongsu_connections") >= before + 3
        assert [poll.result() for poll in polls] == [[], [], []]
    page = Page.of(server.endpoint)
    assert page.value("bongsu_long_polls") == 0
    assert page.value("bongsu_request_duration_seconds_count", action="ReceiveMessage") == 3
    assert page.value("bongsu_request_duration_seconds_sum", action="ReceiveMessage") < 1
    assert page.of_queue("sqs_number_of_empty_receives_total", "poll") == 3


def test_strangers_see_no_names_of_queues(new_server):
    server = new_server("--auth", "on").start()
    found = re.search(r"AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)", server.output_text())
    sqs = client(server.endpoint, access_key=found[1], secret_key=found[2])
    sqs.create_queue(QueueName="secret-plans")
    status, _, text = get(server.endpoint)
    assert status >= 400 and "secret-plans" not in text
    # A page of another origin that a browser on this machine shows; and a name that somebody lets point here.
    open_server = new_server().start()
    client(open_server.endpoint).create_queue(QueueName="secret-plans")
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        status, _, text = get(open_server.endpoint, headers=headers)
        assert status == 403 and "secret-plans" not in text
    with pytest.raises(Exception):
        client(server.endpoint, access_key=found[1], secret_key="wrong").list_queues()
    counted = "bongsu_authentication_failures_total"
    assert Page.of(open_server.endpoint).value(counted) >= 3


def test_the_memory_journal_has_no_disk_to_show(new_server):
    page = Page.of(new_server("--journal", "memory").start().endpoint)
    lint(page.text)
    assert "bongsu_disk_free_bytes" not in page.families and "bongsu_journal_bytes" not in page.families


def test_the_log_can_be_json_with_request_ids(new_server):
    server = new_server("--log-format", "json", environment={"RUST_LOG": "bongsu_server=debug,info"}).start()
    sqs = client(server.endpoint)
    answer = sqs.list_queues()
    request_id = answer["ResponseMetadata"]["RequestId"]
    lines = [json.loads(line) for line in server.log_text().splitlines()]
    assert {"timestamp", "level", "message"} <= set(lines[0])
    assert any(line["message"].startswith("ready: listening on") for line in lines)

    def of_the_request():
        logged = map(json.loads, server.log_text().splitlines())
        return [line for line in logged if line.get("request_id") == request_id]

    mine = eventually(of_the_request, what="the line of the request")
    assert mine[0]["action"] == "ListQueues" and mine[0]["level"] == "DEBUG"


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_is_logged_on_the_way_of_a_request_has_its_id(new_server, form):
    server = new_server("--log-format", form).start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="sealed")["QueueUrl"]
    # The first message of an account makes a key, deep down.
    answer = sqs.send_message(QueueUrl=url, MessageBody="x")
    request_id = answer["ResponseMetadata"]["RequestId"]
    made = lambda: [line for line in server.log_text().splitlines() if "sealed with by default" in line]  # noqa: E731
    line = eventually(made, what="the line")[0]
    if form == "json":
        assert json.loads(line)["request_id"] == request_id
    else:
        assert line.endswith(f'request_id="{request_id}"')


@pytest.mark.slow
def test_the_history_survives_a_restart(new_server):
    server = new_server("--console-listen", "127.0.0.1:0").start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="charted")["QueueUrl"]
    for _ in range(5):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    begun_ms = int(time.time() * 1000)

    def values(queue: bool, *series: str) -> dict[str, list[float]]:
        console = re.findall(r"console: (https?://[^\s\"]+)", server.log_text())[-1]
        now_ms = int(time.time() * 1000)
        asked = {"series": ",".join(series), "fromMs": begun_ms - 60_000, "toMs": now_ms, "points": 1000}
        query = urllib.parse.urlencode(asked | ({"queue": "charted"} if queue else {}))
        status, _, text = get(console, f"/api/history?{query}")
        assert status == 200, text
        found = json.loads(text)["series"]
        return {name: [value for value in found[name] if value is not None] for name in series}

    eventually(lambda: values(True, "visible")["visible"].count(5) >= 2, 40, "two samples")
    before = values(True, "visible", "sent", "sentBytes")
    assert max(before["sent"]) == pytest.approx(0.5, rel=0.3) and max(before["sentBytes"]) > 0
    assert server.terminate() == 0
    server.restart()
    after = values(True, "visible", "sent")
    assert after["visible"].count(5) >= 1, "all but the step that was under way"
    assert max(after["sent"]) == max(before["sent"])
    of_server = values(False, "requests", "sendP99Ms", "residentBytes", "journalBytes")
    assert max(of_server["requests"]) > 0 and max(of_server["sendP99Ms"]) > 0
    assert min(of_server["residentBytes"]) > 1 << 20 and min(of_server["journalBytes"]) > 0
    assert not re.search("history.*(gap|can't)", server.log_text())
