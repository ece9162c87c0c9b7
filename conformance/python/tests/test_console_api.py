"""The console's interface, as a browser meets it: sign-in, other sites' pages, queues, messages, figures, events, limits."""

import base64
import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from support.access import Account, Governor, Key, policy, root_key, statement
from support.clients import REGION, client, external_endpoint, unique
from support.process import Server, eventually

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
OWN = {"x-bongsu-console": "1"}


def console_of(server: Server) -> str:
    """Where a server's console is."""
    found = eventually(lambda: re.findall(r"console: (https?://\S+)", server.log_text()), 10, "the console's line")
    return found[-1]


class Answered:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.header_list = [(name.lower(), value) for name, value in response.getheaders()]
        self.headers = dict(self.header_list)
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> str:
        error = self.json()["error"]
        assert set(error) == {"code", "message"} and error["message"], error
        return error["code"]


class Browser:
    """What a page does: keeps the cookie, and says that it is the console's own."""

    def __init__(self, address: str, context: ssl.SSLContext | None = None):
        self.parts = urllib.parse.urlsplit(address)
        self.context = context
        self.cookie: str | None = None
        self.default_headers: dict[str, str] = {}

    def connection(self) -> http.client.HTTPConnection:
        if self.parts.scheme == "https":
            return http.client.HTTPSConnection(self.parts.hostname, self.parts.port, timeout=60, context=self.context)
        return http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=60)

    def request(self, method: str, path: str, body=None, headers: dict | None = None) -> Answered:
        connection = self.connection()
        try:
            head = {**self.default_headers, **({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})}
            raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, raw, head)
            answer = Answered(connection.getresponse())
        finally:
            connection.close()
        if "set-cookie" in answer.headers:
            pair = answer.headers["set-cookie"].partition(";")[0]
            self.cookie = pair if pair.partition("=")[2] else None
        return answer

    def get(self, path: str, expect: int = 200, headers: dict | None = None, **parameters) -> Answered:
        query = urllib.parse.urlencode({name.rstrip("_"): value for name, value in parameters.items()})
        answer = self.request("GET", f"{path}?{query}" if query else path, headers=headers)
        assert answer.status == expect, (path, answer.status, answer.body)
        return answer

    def api(self, path: str, **parameters):
        return self.get(f"/api/{path}", **parameters).json()

    def post(self, path: str, body, expect: int = 200, headers: dict | None = None) -> Answered:
        answer = self.request("POST", f"/api/{path}", body, {**OWN, **(headers or {})})
        assert answer.status == expect, (path, answer.status, answer.body)
        return answer

    def sqs(self, action: str, **parameters):
        return self.post(f"sqs/{action}", parameters).json()

    def sign_in(self, key: Key, expect: int = 200) -> Answered:
        return self.post("session", {"accessKeyId": key.id, "secretAccessKey": key.secret}, expect)

    def events(self, path: str = "/api/events") -> "Events":
        return Events(self, path)


class Events:
    """A stream of server-sent events."""

    def __init__(self, browser: Browser, path: str):
        self.connection = browser.connection()
        headers = {"Cookie": browser.cookie} if browser.cookie else {}
        self.connection.request("GET", path, headers={**browser.default_headers, **headers})
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def next(self) -> tuple[str, object] | None:
        """Name and data of the next event; None at the stream's end."""
        name, data = "message", []
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                return name, json.loads("\n".join(data))

    def until(self, name: str):
        while True:
            event = self.next()
            assert event is not None, f"the stream ended before {name}"
            if event[0] == name:
                return event[1]


@pytest.fixture(scope="module")
def server():
    if external_endpoint():
        pytest.skip("needs a server process of its own")
    with Server("--console-listen", "127.0.0.1:0", "--cooldowns", "off") as server:
        server.console = console_of(server)
        yield server
        server.check_log()


@pytest.fixture(scope="module")
def browser(server):
    return Browser(server.console)


@pytest.fixture(scope="module")
def api(server):
    return client(server.endpoint)


@pytest.fixture
def make(browser):
    """Creates a queue through the console; deleted after the test."""
    made = []

    def make(name: str | None = None, fifo: bool = False, tags: dict | None = None, **attributes) -> str:
        name = name or unique(fifo=fifo)
        if fifo:
            attributes["FifoQueue"] = "true"
        browser.sqs("CreateQueue", QueueName=name, Attributes=attributes, tags=tags or {})
        made.append(name)
        return name

    yield make
    for name in made:
        browser.request("POST", "/api/sqs/DeleteQueue", {"QueueUrl": name}, OWN)


def send(browser: Browser, queue: str, count: int, body=lambda index: f"message {index}") -> None:
    for start in range(0, count, 10):
        entries = [{"Id": str(index), "MessageBody": body(index)} for index in range(start, min(start + 10, count))]
        answer = browser.sqs("SendMessageBatch", QueueUrl=queue, Entries=entries)
        assert not answer.get("Failed"), answer


# ---- Pages and headers ----


def check_headers(answer: Answered) -> None:
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in answer.headers if name.startswith("access-control-")], answer.headers


def test_every_answer_has_the_strict_headers(browser):
    for path in ("/", "/queues/some.fifo/x", "/nothing.js", "/api/session", "/api/nothing", "/api/queues/none", "/livez"):
        answer = browser.request("GET", path)
        check_headers(answer)
        if path.startswith("/api/"):
            assert answer.headers["cache-control"] == "no-store", path
    check_headers(browser.request("POST", "/api/sqs/ListQueues", {}))
    check_headers(browser.request("PUT", "/"))


def test_addresses_within_the_console_show_its_page(browser):
    index = browser.get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    for path in ("/queues", "/queues/abc/browse", "/monitoring"):
        assert browser.get(path).body == index.body
    assert browser.get("/", expect=304, headers={"If-None-Match": index.headers["etag"]}).body == b""
    for path in ("/favicon.xyz", "/assets/none.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/index.html.gz"):
        assert browser.get(path, expect=404).code == "NotFound"
    assert browser.request("POST", "/", b"", OWN).status == 405


def test_pages_come_compressed_to_those_who_take_it(browser):
    plain = browser.get("/")
    assert "content-encoding" not in plain.headers and "accept-encoding" in plain.headers["vary"]
    zipped = browser.get("/", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert browser.get("/", headers={"Accept-Encoding": "gzip, br"}).headers["content-encoding"] == "br"
    assert "content-encoding" not in browser.get("/", headers={"Accept-Encoding": "br;q=0, identity"}).headers


def test_what_the_page_loads_is_kept_for_ever(browser):
    page = browser.get("/").body.decode()
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert assets, page
    for path in assets:
        answer = browser.get(path)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", path
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml"), path


# ---- Other sites' pages ----


def test_a_page_of_another_site_gets_nothing(browser):
    own = f"http://{browser.parts.netloc}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example:9325"},
        {"Host": "evil.example:9325", "Origin": "http://evil.example:9325"},
        {"Host": "evil.example:9325", "Sec-Fetch-Site": "same-origin"},
    ):
        assert browser.get("/api/queues", expect=403, headers=headers).code == "AccessDenied", headers
        assert browser.post("sqs/ListQueues", {}, 403, headers=headers).code == "AccessDenied", headers
        assert browser.get("/metrics", expect=403, headers=headers).code == "AccessDenied", headers
    browser.get("/api/queues", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"})
    browser.post("sqs/ListQueues", {}, headers={"Origin": own})
    for host in ("localhost:9325", "[::1]:9325", "127.0.0.1", "console.localhost"):
        browser.get("/api/queues", headers={"Host": host})


def test_changes_need_the_header_that_no_other_page_can_send(browser):
    for headers in ({}, {"x-bongsu-console": "0"}, {"x-bongsu-console": ""}):
        answer = browser.request("POST", "/api/sqs/ListQueues", {}, headers)
        assert (answer.status, answer.code) == (403, "AccessDenied")
        assert browser.request("DELETE", "/api/session", None, headers).status == 403
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "x-bongsu-console"}
    answer = browser.request("OPTIONS", "/api/sqs/ListQueues", None, preflight)
    assert answer.status == 403
    check_headers(answer)


def test_a_link_from_elsewhere_still_opens_the_page(browser):
    browser.get("/queues", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})


# ---- Without sign-in ----


def test_the_session_without_authentication(browser, server, make):
    make()
    session = browser.api("session")
    assert session["authentication"] is False and session["signedIn"] is True and session["user"] is None
    assert (session["account"], session["region"]) == ("000000000000", REGION)
    assert session["endpoint"] == server.endpoint
    assert abs(session["startedMs"] / 1000 - time.time()) < 3600
    assert {"account": "000000000000", "region": REGION} in [
        {name: scope[name] for name in ("account", "region")} for scope in session["scopes"]
    ]
    assert browser.post("session", {"accessKeyId": "a", "secretAccessKey": "b"}, 400).code == "InvalidParameterValue"


def test_account_and_region_can_be_chosen(browser, make):
    name = make()
    there = {"x-bongsu-account": "111122223333", "x-bongsu-region": "ap-northeast-2"}
    browser.post("sqs/CreateQueue", {"QueueName": name}, headers=there)
    row = browser.get("/api/queues", headers=there, search=name).json()["queues"][0]
    assert row["arn"] == f"arn:aws:sqs:ap-northeast-2:111122223333:{name}"
    by_query = browser.api("queues", account="111122223333", region="ap-northeast-2", search=name)
    assert by_query["queues"][0]["arn"] == row["arn"]
    scopes = browser.api("session")["scopes"]
    assert {"account": "111122223333", "region": "ap-northeast-2"} in [
        {key: scope[key] for key in ("account", "region")} for scope in scopes
    ]
    browser.post("sqs/DeleteQueue", {"QueueUrl": name}, headers=there)
    for headers in ({"x-bongsu-account": "12"}, {"x-bongsu-region": "a:b"}, {"x-bongsu-region": "x" * 100}):
        assert browser.get("/api/queues", expect=400, headers=headers).code == "InvalidParameterValue"


# ---- SQS ----


def test_every_action_goes_as_over_the_api(browser, api, server):
    name = unique()
    url = browser.sqs("CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    assert url == f"{server.endpoint}/000000000000/{name}"
    assert api.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "7"
    browser.sqs("SendMessage", QueueUrl=url, MessageBody="from the console")
    message = api.receive_message(QueueUrl=url)["Messages"][0]
    assert message["Body"] == "from the console"
    browser.sqs("DeleteMessage", QueueUrl=name, ReceiptHandle=message["ReceiptHandle"])
    assert name in [found.rsplit("/", 1)[1] for found in browser.sqs("ListQueues", QueueNamePrefix=name)["QueueUrls"]]
    assert browser.post("sqs/DeleteQueue", {"QueueUrl": url}).status == 200
    assert browser.post("sqs/SendMessage", {"QueueUrl": url, "MessageBody": "x"}, 400).code == "QueueDoesNotExist"


def test_what_the_api_refuses_the_console_refuses(browser):
    for path, body, code in (
        ("sqs/Nothing", {}, "UnknownOperation"),
        ("sqs/%2e%2e%2fsession", {}, "UnknownOperation"),
        ("sqs/CreateQueue", {"QueueName": "a b"}, "InvalidParameterValue"),
        ("sqs/SendMessage", {"QueueUrl": "q"}, "MissingRequiredParameter"),
        ("sqs/CreateQueue", b"no json", "Serialization"),
        ("sqs/CreateQueue", b"\xff\xfe", "Serialization"),
        ("sqs/SendMessage", {"QueueUrl": "", "MessageBody": "x"}, "QueueDoesNotExist"),
    ):
        assert browser.post(path, body, 400).code == code, path


def test_a_long_poll_of_a_page_that_was_closed_takes_nothing(browser, api, make):
    name = make()
    url = api.get_queue_url(QueueName=name)["QueueUrl"]
    connection = browser.connection()
    body = json.dumps({"QueueUrl": name, "WaitTimeSeconds": 20}).encode()
    connection.request("POST", "/api/sqs/ReceiveMessage", body, OWN)
    time.sleep(0.5)
    connection.close()
    time.sleep(0.2)
    api.send_message(QueueUrl=url, MessageBody="for somebody who is there")
    found = api.receive_message(QueueUrl=url, WaitTimeSeconds=2, AttributeNames=["ApproximateReceiveCount"])
    assert found["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "1"


# ---- Queues ----


def test_the_list_is_searched_filtered_sorted_and_paged(browser, make):
    mark = unique()
    for index in range(5):
        make(f"{mark}-{index}", tags={"team": "red" if index % 2 else "blue", mark: ""})
    make(f"{mark}-f.fifo", fifo=True, tags={mark: ""})
    send(browser, f"{mark}-3", 3)
    send(browser, f"{mark}-1", 1)

    def names(**parameters) -> list[str]:
        parameters = {"search": mark.upper(), **parameters}
        return [row["name"].removeprefix(mark) for row in browser.api("queues", **parameters)["queues"]]

    assert names() == ["-0", "-1", "-2", "-3", "-4", "-f.fifo"], "at once, and in any case"
    assert names(kind="fifo") == ["-f.fifo"] and names(kind="standard", offset=3) == ["-3", "-4"]
    assert names(tag="team=red") == ["-1", "-3"] and names(tag=mark, limit=2) == ["-0", "-1"]
    assert names(tag="team=green") == []

    def counted() -> bool:
        return names(sort="visible", descending="true")[:2] == ["-3", "-1"]

    eventually(counted, 5, "the order by messages")
    assert names(descending="true")[0] == "-f.fifo"
    listing = browser.api("queues", search=mark, limit=1)
    assert listing["matching"] == 6 and listing["total"] >= 6 and len(listing["queues"]) == 1
    for word in ("inFlight", "delayed", "oldest", "sent", "received", "created"):
        assert len(names(sort=word)) == 6, word
    assert names(sort="created")[0] == "-0"


def test_parameters_that_make_no_sense_are_refused(browser, make):
    name = make()
    for path in (
        "/api/queues?limit=0",
        "/api/queues?limit=201",
        "/api/queues?offset=-1",
        "/api/queues?offset=1e3",
        "/api/queues?kind=round",
        "/api/queues?sort=colour",
        "/api/queues?descending=maybe",
        f"/api/queues/{name}/messages?limit=1000",
        f"/api/queues/{name}/messages?offset=18446744073709551616",
        f"/api/queues/{name}/messages?state=gone",
        f"/api/queues/{name}/messages/abc",
        f"/api/queues/{name}/messages/-1",
        f"/api/queues/{name}/search",
        f"/api/queues/{name}/search?text=",
        f"/api/queues/{name}/search?text={'x' * 1001}",
        "/api/history?series=visible",
        "/api/history?series=nothing&fromMs=1&toMs=2",
        "/api/history?series=visible&fromMs=2&toMs=1",
        f"/api/history?queue={name}&series=requests&fromMs=1&toMs=2",
        f"/api/history?series={'visible,' * 13}&fromMs=1&toMs=2",
        "/api/history?series=visible&fromMs=1&toMs=2&points=1001",
        f"/api/events?rows={'a,' * 201}",
        "/api/queues/%ff",
    ):
        assert browser.get(path, expect=400).code == "InvalidParameterValue", path
    assert browser.api(f"queues/{name}/messages", offset=2**64 - 1)["messages"] == []


def test_a_queue_that_is_none_is_not_found(browser):
    for name in ("none", "a%2Fb", "%2e%2e", "*", "a%3Ab", "%00", "x" * 81, "%F0%9F%A6%80", "111122223333%2Fq"):
        for path in (name, f"{name}/messages", f"{name}/messages/1-1", f"{name}/search?text=a"):
            assert browser.get(f"/api/queues/{path}", expect=400).code == "QueueDoesNotExist", path
        body = {"sequences": ["1-1"]}
        assert browser.post(f"queues/{name}/messages/delete", body, 400).code == "QueueDoesNotExist", name


def test_a_queue_in_full(browser, server, api, make):
    dead = make(unique("dead"))
    dead_arn = f"arn:aws:sqs:{REGION}:000000000000:{dead}"
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    name = make(RedrivePolicy=redrive, SqsManagedSseEnabled="false", tags={"a": "b"})
    send(browser, name, 2)
    browser.sqs("SendMessage", QueueUrl=name, MessageBody="later", DelaySeconds=900)
    url = api.get_queue_url(QueueName=name)["QueueUrl"]
    api.receive_message(QueueUrl=url)
    queue = browser.api(f"queues/{name}")
    assert (queue["visible"], queue["inFlight"], queue["delayed"]) == (1, 1, 1)
    assert queue["url"] == f"{server.endpoint}/000000000000/{name}" and queue["fifo"] is False
    assert queue["deadLetterQueue"] == dead and queue["tags"] == {"a": "b"} and queue["encryption"] == "none"
    assert queue["oldestAgeMs"] >= 0 and abs(queue["createdMs"] / 1000 - time.time()) < 60
    assert queue["attributes"]["RedrivePolicy"] == redrive and queue["attributes"]["ApproximateNumberOfMessages"] == "1"
    assert set(queue["rates"]) >= {"sent", "received", "deleted"} and len(queue["spark"]) <= 30
    (consumer,) = queue["consumers"]
    assert consumer["address"] == "127.0.0.1" and "oto" in consumer["userAgent"] and consumer["waiting"] == 0
    assert abs(consumer["lastSeenMs"] / 1000 - time.time()) < 60
    sources = browser.api(f"queues/{dead}")
    assert (sources["sources"], sources["sourceNames"]) == (1, [name])
    row = browser.api("queues", search=dead, kind="dead-letter")["queues"][0]
    assert row["sources"] == 1 and row["encryption"] == "sqs"


# ---- Messages ----


def test_browsing_leaves_no_trace(browser, api, make):
    name = make(VisibilityTimeout="600")
    url = api.get_queue_url(QueueName=name)["QueueUrl"]
    send(browser, name, 5)
    api.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    received = api.receive_message(QueueUrl=url)["Messages"][0]
    for _ in range(3):
        page = browser.api(f"queues/{name}/messages")
        assert page["total"] == 6 and [message["state"] for message in page["messages"]].count("visible") == 4
    counts = {message["id"]: message["attributes"]["ApproximateReceiveCount"] for message in page["messages"]}
    assert counts.pop(received["MessageId"]) == "1"
    assert set(counts.values()) == {"0"}
    for state, total in (("visible", 4), ("in-flight", 1), ("delayed", 1), ("all", 6)):
        page = browser.api(f"queues/{name}/messages", state=state)
        assert (page["total"], len(page["messages"])) == (total, total), state
        assert state == "all" or {message["state"] for message in page["messages"]} == {state}
    seen = []
    for offset in range(0, 6, 2):
        page = browser.api(f"queues/{name}/messages", offset=offset, limit=2)
        assert page["offset"] == offset
        seen += [message["id"] for message in page["messages"]]
    assert len(set(seen)) == 6
    fresh = [message for message in browser.api(f"queues/{name}/messages", state="visible")["messages"]]
    assert all("ApproximateFirstReceiveTimestamp" not in message["attributes"] for message in fresh)


def test_a_message_in_full(browser, api, make):
    name = make(fifo=True)
    body = "é" * 5000
    browser.sqs(
        "SendMessage", QueueUrl=name, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d",
        MessageAttributes={
            "text": {"DataType": "String.kind", "StringValue": "<b>&"},
            "number": {"DataType": "Number", "StringValue": "12"},
            "bytes": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
        },
    )
    (row,) = browser.api(f"queues/{name}/messages")["messages"]
    assert row["truncated"] is True and row["bodyBytes"] == 10_000 and row["body"] == body[:4096]
    message = browser.api(f"queues/{name}/messages/{row['sequence']}")
    assert message["body"] == body and message["truncated"] is False and message["notShown"] is None
    assert message["messageAttributes"] == {
        "text": {"DataType": "String.kind", "StringValue": "<b>&"},
        "number": {"DataType": "Number", "StringValue": "12"},
        "bytes": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
    }
    attributes = message["attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("g", "d")
    assert attributes["SequenceNumber"] and attributes["SentTimestamp"] and attributes["SenderId"] == "000000000000"
    received = api.receive_message(QueueUrl=api.get_queue_url(QueueName=name)["QueueUrl"])["Messages"][0]
    assert (received["MessageId"], received["MD5OfBody"]) == (message["id"], message["md5OfBody"])
    assert browser.get(f"/api/queues/{name}/messages/{row['sequence']}999999", expect=404).code == "MessageGone"


def test_a_search_goes_on_to_the_end(browser, make):
    name = make()
    send(browser, name, 2500, lambda index: f"Needle {index}" if index in (7, 2400) else f"hay {index}")
    offset, found, steps, scanned = 0, [], 0, 0
    while offset is not None:
        answer = browser.api(f"queues/{name}/search", text="nEEDLE", offset=offset)
        assert answer["total"] == 2500 and answer["scanned"] <= 2000
        found += [message["body"] for message in answer["matches"]]
        scanned += answer["scanned"]
        steps, offset = steps + 1, answer["nextOffset"]
    assert sorted(found) == ["Needle 2400", "Needle 7"] and steps >= 2 and scanned == 2500
    many = browser.api(f"queues/{name}/search", text="hay")
    assert len(many["matches"]) <= 100 and many["nextOffset"] == many["scanned"]
    assert browser.api(f"queues/{name}/search", text="hay", state="delayed") == {
        "matches": [], "scanned": 0, "nextOffset": None, "total": 0,
    }


def test_a_search_looks_everywhere(browser, make):
    name = make(fifo=True)
    value = {"Trace": {"DataType": "String", "StringValue": "Value-7"}}
    sent = browser.sqs(
        "SendMessage", QueueUrl=name, MessageBody="Ärger", MessageGroupId="Group-7", MessageDeduplicationId="d",
        MessageAttributes=value,
    )
    for text in ("ärGER", "group-7", "trace", "value-7", sent["MessageId"][:10].upper()):
        assert len(browser.api(f"queues/{name}/search", text=text)["matches"]) == 1, text
    assert browser.api(f"queues/{name}/search", text="elsewhere")["matches"] == []


def test_chosen_messages_are_deleted(browser, api, make):
    name = make(VisibilityTimeout="600")
    send(browser, name, 5)
    api.receive_message(QueueUrl=api.get_queue_url(QueueName=name)["QueueUrl"])
    rows = browser.api(f"queues/{name}/messages")["messages"]
    gone, kept = [row["sequence"] for row in rows[:3]], [row["id"] for row in rows[3:]]
    life = gone[0].split("-")[0]
    answer = browser.post(f"queues/{name}/messages/delete", {"sequences": [*gone, f"{life}-4242"]}).json()["results"]
    assert [result["sequence"] for result in answer] == [*gone, f"{life}-4242"]
    assert [result["error"] and result["error"]["code"] for result in answer] == [None, None, None, "MessageGone"]
    left = browser.api(f"queues/{name}/messages")
    assert left["total"] == 2 and [row["id"] for row in left["messages"]] == kept
    for body, code in (
        ({"sequences": []}, "InvalidParameterValue"),
        ({"sequences": [f"1-{n}" for n in range(101)]}, "InvalidParameterValue"),
        ({"sequences": ["x"]}, "InvalidParameterValue"),
        ({"sequences": [1]}, "InvalidParameterValue"),
        ({"numbers": ["1"]}, "InvalidParameterValue"),
        (b"", "InvalidParameterValue"),
    ):
        assert browser.post(f"queues/{name}/messages/delete", body, 400).code == code, body


def test_chosen_messages_are_moved(browser, api, make):
    dead, other = make(unique("dead")), make(unique("other"))
    arn = f"arn:aws:sqs:{REGION}:000000000000:"
    name = make(VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn + dead, "maxReceiveCount": 1}))
    url = api.get_queue_url(QueueName=name)["QueueUrl"]
    send(browser, name, 3)

    def all_dead() -> bool:
        api.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return browser.api(f"queues/{dead}/messages")["total"] == 3

    eventually(all_dead, what="three dead messages")
    rows = browser.api(f"queues/{dead}/messages")["messages"]
    assert {row["attributes"]["DeadLetterQueueSourceArn"] for row in rows} == {arn + name}
    first, second, third = (row["sequence"] for row in rows)
    move = f"queues/{dead}/messages/move"
    assert browser.post(move, {"sequences": [first]}).json() == {"results": [{"sequence": first, "error": None}]}
    assert browser.api(f"queues/{name}/messages")["total"] == 1
    assert browser.post(move, {"sequences": [second], "destination": arn + other}).json()["results"][0]["error"] is None
    assert [row["body"] for row in browser.api(f"queues/{other}/messages")["messages"]] == [rows[1]["body"]]
    refused = browser.post(move, {"sequences": [third], "destination": "elsewhere"}, 400)
    assert refused.code == "InvalidParameterValue"
    again = browser.post(move, {"sequences": [first], "destination": None}).json()["results"][0]["error"]
    assert again["code"] == "MessageGone"
    missing = browser.request("POST", f"/api/{move}", {"sequences": [third], "destination": arn + "none"}, OWN)
    error = missing.json()["error"] if missing.status != 200 else missing.json()["results"][0]["error"]
    assert error["code"] == "ResourceNotFound", missing.body
    assert browser.api(f"queues/{dead}/messages")["total"] == 1


def test_messages_in_flight_are_not_moved(browser, api, make):
    name, other = make(VisibilityTimeout="600"), make(unique("other"))
    send(browser, name, 1)
    api.receive_message(QueueUrl=api.get_queue_url(QueueName=name)["QueueUrl"])
    (row,) = browser.api(f"queues/{name}/messages")["messages"]
    destination = f"arn:aws:sqs:{REGION}:000000000000:{other}"
    body = {"sequences": [row["sequence"]], "destination": destination}
    answer = browser.request("POST", f"/api/queues/{name}/messages/move", body, OWN)
    error = answer.json()["error"] if answer.status != 200 else answer.json()["results"][0]["error"]
    assert error is not None, answer.body
    assert browser.api(f"queues/{other}/messages")["total"] == 0


# ---- Figures and events ----


def test_the_overview_shows_what_goes_on(browser, make):
    name = make()
    send(browser, name, 20)
    overview = eventually(
        lambda: next((o for o in [browser.api("overview")] if o["visible"] >= 20 and o["rates"]["sent"] > 0), None), 15
    )
    assert overview["queues"] >= 1 and overview["oldestAgeMs"] >= 0
    assert name in [row["name"] for row in overview["busiest"]] or len(overview["busiest"]) == 5
    actions = {row["action"]: row for row in overview["latency"]}
    assert actions["SendMessageBatch"]["p50Ms"] > 0 and actions["SendMessageBatch"]["perSecond"] > 0
    disk = eventually(lambda: browser.api("overview")["disk"], 15, "the disk's figures")
    assert disk["state"] == "ok" and disk["totalBytes"] >= disk["freeBytes"] > 0
    process = overview["process"]
    assert process["residentBytes"] > 0 and process["uptimeMs"] > 0 and process["cpuSecondsTotal"] > 0


def test_a_dead_letter_queue_with_messages_is_named(browser, make):
    dead = make(unique("dead"))
    arn = f"arn:aws:sqs:{REGION}:000000000000:{dead}"
    make(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
    send(browser, dead, 4)
    row = eventually(lambda: next((r for r in browser.api("overview")["failing"] if r["name"] == dead), None), 5)
    assert (row["reason"], row["deadLetters"], row["visible"]) == ("dead-letters", 4, 4)


def test_history_has_a_value_for_each_step(browser, make):
    name = make()
    send(browser, name, 3)
    now = int(time.time() * 1000)

    def known():
        history = browser.api(
            "history", queue=name, series="visible,sent", fromMs=now - 600_000, toMs=now + 600_000, points=120
        )
        assert set(history["series"]) == {"visible", "sent"} and history["stepMs"] >= 1000
        assert abs(history["fromMs"] - (now - 600_000)) <= history["stepMs"]
        assert len(history["series"]["visible"]) == len(history["series"]["sent"]) <= 121
        return 3 in history["series"]["visible"]

    eventually(known, 25, "a sample of the queue")
    server = browser.api("history", series="requests,residentBytes", fromMs=now - 60_000, toMs=now + 60_000)
    assert any(value for value in server["series"]["residentBytes"])


def test_a_page_is_kept_up_to_date(browser, api, make):
    name = make()
    path = f"/api/events?queue={name}&rows={name},none,{urllib.parse.quote('a/b')}"
    with browser.events(path) as events:
        assert events.response.getheader("content-type") == "text/event-stream"
        assert events.response.getheader("cache-control") == "no-store"
        assert events.until("overview")["queues"] >= 1
        rows = events.until("rows")
        assert [row["name"] for row in rows] == [name] and set(rows[0]) == {
            "name", "visible", "inFlight", "delayed", "oldestAgeMs", "rates",
        }
        assert events.until("queue")["visible"] == 0
        send(browser, name, 2)
        seen = [events.until("queue")["visible"] for _ in range(2)]
        assert seen[-1] == 2, seen
        assert events.until("rows")[0]["visible"] == 2
        browser.sqs("DeleteQueue", QueueUrl=name)
        refused = events.until("refused")
        assert refused["of"] == "queue" and refused["error"]["code"] == "QueueDoesNotExist"


def test_the_progress_of_a_redrive_is_shown(browser, make):
    dead = make(unique("dead"))
    arn = f"arn:aws:sqs:{REGION}:000000000000:{dead}"
    other = f"arn:aws:sqs:{REGION}:000000000000:" + make(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
    send(browser, dead, 10)
    browser.sqs("StartMessageMoveTask", SourceArn=arn, DestinationArn=other, MaxNumberOfMessagesPerSecond=2)
    with browser.events(f"/api/events?queue={dead}") as events:
        (task,) = events.until("tasks")
        assert task["Status"] == "RUNNING" and task["ApproximateNumberOfMessagesToMove"] == 10
        browser.sqs("CancelMessageMoveTask", TaskHandle=task["TaskHandle"])
        assert eventually(lambda: events.until("tasks")[0]["Status"] == "CANCELLED", 20)


def test_metrics_and_health_are_here_too(browser):
    assert browser.get("/livez").body == b"ok\n" and browser.get("/readyz").body == b"ready\n"
    assert browser.get("/health").json()["status"] == "ready"
    page = browser.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"bongsu_build_info" in page.body


# ---- Limits ----


def test_a_body_is_no_longer_than_a_message_needs(browser, make):
    name = make()
    longest = "x" * (1024 * 1024)
    browser.sqs("SendMessage", QueueUrl=name, MessageBody=longest)
    too_long = json.dumps({"QueueUrl": name, "MessageBody": "x" * (2 * 1024 * 1024)}).encode()
    assert browser.post("sqs/SendMessage", too_long, 413).code == "RequestEntityTooLarge"
    chunks = (b"x" * 65536 for _ in range(64))
    connection = browser.connection()
    try:
        connection.request("POST", "/api/sqs/SendMessage", chunks, OWN, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # It was cut off while it sent.
    finally:
        connection.close()
    assert browser.post(f"queues/{name}/messages/delete", b"[" * 20_000, 413).code == "RequestEntityTooLarge"


def test_so_many_pages_are_kept_up_to_date_and_no_more(new_server):
    server = new_server("--console-listen", "127.0.0.1:0", "--journal", "memory").start()
    browser = Browser(console_of(server))
    streams = [browser.events() for _ in range(8)]
    assert {stream.status for stream in streams} == {200}
    assert browser.get("/api/events", expect=503).code == "TooManyStreams"
    streams.pop().close()
    eventually(lambda: browser.request("HEAD", "/api/events").status == 200, 10, "room for another stream")
    begun = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begun < 10, "streams end when the server stops"
    for stream in streams:
        while stream.next() is not None:
            pass
        stream.close()


def test_one_address_has_so_many_connections(new_server):
    server = new_server("--console-listen", "127.0.0.1:0", "--journal", "memory").start()
    browser = Browser(console_of(server))
    idle = [socket.create_connection((browser.parts.hostname, browser.parts.port)) for _ in range(32)]
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        browser.get("/api/session")
    idle.pop().close()

    def again() -> bool:
        try:
            return browser.request("GET", "/api/session").status == 200
        except (http.client.HTTPException, ConnectionError):
            return False

    assert eventually(again, 10, "a place that is free again")
    for connection in idle:
        connection.close()


def test_slow_and_broken_requests_hurt_nobody(browser):
    raw = socket.create_connection((browser.parts.hostname, browser.parts.port))
    raw.sendall(b"GET /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: bongsu_console=" + b"\xff" * 64 + b"\r\n\r\n")
    assert raw.recv(64).startswith(b"HTTP/1.1 ")
    raw.close()
    idle = [socket.create_connection((browser.parts.hostname, browser.parts.port)) for _ in range(20)]
    browser.get("/api/session")
    for connection in idle:
        connection.sendall(b"nonsense\r\n\r\n")
        connection.close()
    browser.get("/api/session", headers={"Cookie": "bongsu_console=" + "0" * 64 + "; a=b; ;;=;"})


# ---- Where it listens ----


def test_no_console_if_nobody_wants_one(new_server):
    server = new_server("--console-listen", "off", "--journal", "memory").start()
    assert server.terminate() == 0
    assert "console:" not in server.log_text()


def test_an_address_that_was_asked_for_has_to_be_free(new_server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = new_server("--console-listen", address, "--journal", "memory")
        assert server.spawn().wait(10) == 1
        assert f"can't listen on {address}" in server.log_text()


def test_the_usual_address_may_be_taken(new_server):
    try:
        holder = socket.create_server(("127.0.0.1", 9325))
    except OSError:
        holder = None  # Another server on this machine has it.
    server = new_server("--journal", "memory").start()
    said = eventually(lambda: re.search("console", server.log_text()), 10)
    assert said
    if holder:
        assert "no console: can't listen on 127.0.0.1:9325" in server.log_text()
        holder.close()
    assert client(server.endpoint).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert server.terminate() == 0


def test_an_open_console_has_to_be_asked_for(new_server):
    server = new_server("--console-listen", "0.0.0.0:0", "--journal", "memory")
    assert server.spawn().wait(10) == 1
    assert "would be open to everybody" in server.log_text()
    server = new_server("--console-listen", "0.0.0.0:0", "--journal", "memory", "--auth", "off").start()
    console_of(server)
    assert "whoever reaches the console" in server.log_text()
    guarded = new_server("--console-listen", "0.0.0.0:0", "--journal", "memory", "--auth", "on").start()
    console_of(guarded)


def test_the_environment_and_the_file_say_where_too(new_server):
    server = new_server("--journal", "memory", environment={"BONGSU_CONSOLE_LISTEN": "127.0.0.1:0"}).start()
    Browser(console_of(server)).get("/livez")
    server = new_server("--journal", "memory", "--config", "bongsu.toml")
    (server.home / "bongsu.toml").write_text("console-listen = 'off'\n")
    server.start()
    assert server.terminate() == 0 and "console:" not in server.log_text()


# ---- With sign-in ----


@pytest.fixture(scope="module")
def guarded():
    if external_endpoint():
        pytest.skip("needs a server process of its own")
    options = ("--auth", "on", "--console-listen", "127.0.0.1:0", "--cooldowns", "off", "--audit-log", "audit.log")
    with Server(*options) as server:
        server.root = root_key(server)
        server.console = console_of(server)
        yield server
        server.check_log()


@pytest.fixture(scope="module")
def operator(guarded):
    return Governor(guarded.endpoint, guarded.root)


@pytest.fixture
def account(guarded, operator):
    return Account(guarded, operator)


@pytest.fixture
def visitor(guarded):
    return lambda key: signed_in(guarded, key)


def signed_in(server: Server, key: Key) -> Browser:
    browser = Browser(server.console)
    browser.sign_in(key)
    return browser


def audited(server: Server, **wanted) -> list[dict]:
    lines = [json.loads(line) for line in (server.home / "audit.log").read_text().splitlines()]
    return [line for line in lines if all(line.get(name) == value for name, value in wanted.items())]


def test_nobody_gets_anything_without_signing_in(guarded):
    browser = Browser(guarded.console)
    session = browser.api("session")
    assert session["authentication"] is True and session["signedIn"] is False
    assert session["account"] is None and session["user"] is None and session["scopes"] == []
    for path in (
        "overview", "queues", "queues/q", "queues/q/messages", "queues/q/messages/1", "queues/q/search?text=a",
        "history?series=visible&fromMs=1&toMs=2", "events",
    ):
        assert browser.get(f"/api/{path}", expect=401).code == "SignInRequired", path
    for path in ("sqs/ListQueues", "queues/q/messages/delete", "queues/q/messages/move"):
        assert browser.post(path, {}, 401).code == "SignInRequired", path
    browser.cookie = "bongsu_console=" + "ab" * 32
    assert browser.get("/api/queues", expect=401).code == "SignInRequired"
    browser.get("/")


def test_signing_in_and_out(guarded, account):
    browser = Browser(guarded.console)
    answer = browser.sign_in(account.root)
    pair, *attributes = answer.headers["set-cookie"].split("; ")
    assert re.fullmatch("bongsu_console=[0-9a-f]{64}", pair)
    assert set(attributes) == {"HttpOnly", "SameSite=Strict", "Path=/"}
    session = answer.json()
    assert session["signedIn"] is True and session["account"] == account.number
    assert session["user"] == {"name": "root", "arn": account.root_arn}
    assert account.root.secret not in answer.body.decode()
    assert browser.api("session") == session
    browser.sqs("ListQueues")
    out = browser.request("DELETE", "/api/session", None, OWN)
    assert out.json()["signedIn"] is False and "Max-Age=0" in out.headers["set-cookie"]
    browser.cookie = pair
    assert browser.get("/api/queues", expect=401).code == "SignInRequired", "the token is void"
    eventually(lambda: audited(guarded, action="SignIn", outcome="ok", account=account.number), 5)


def test_only_what_could_be_a_keys_id_is_in_the_audit_log(guarded):
    browser, marks = Browser(guarded.console), ("AKIASOMEBODYUNKNOWN7", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "no id")
    for mark in marks:
        browser.sign_in(Key(mark, "x"), 403)
    noted = eventually(lambda: audited(guarded, action="SignIn", claimedAccessKeyId=marks[0]), 5)
    assert noted[0]["outcome"] == "AccessDenied"
    text = (guarded.home / "audit.log").read_text()
    assert marks[1] not in text and marks[2] not in text


def test_a_new_sign_in_ends_the_session_before(account, visitor):
    browser = visitor(account.root)
    before = browser.cookie
    browser.sign_in(account.root)
    assert browser.cookie != before
    browser.get("/api/queues")
    browser.cookie = before
    browser.get("/api/queues", expect=401)


def test_wrong_keys_and_how_often(new_server):
    server = new_server("--auth", "on", "--journal", "memory", "--console-listen", "127.0.0.1:0").start()
    root = root_key(server)
    browser = Browser(console_of(server))
    answers = [
        browser.sign_in(Key(id_, secret), 403)
        for id_, secret in (
            (root.id, "x" * 40),
            (root.id, root.secret[:-1]),
            (root.id, ""),
            ("AKIANOBODYNOBODY0000", root.secret),
            ("", ""),
            (root.id, "ü" * 40),
        )
    ]
    assert {answer.body for answer in answers} == {answers[0].body}, "the same words"
    assert "set-cookie" not in answers[0].headers
    for _ in range(4):
        browser.sign_in(root)
    for _ in range(4):
        browser.sign_in(Key(root.id, "wrong"), 403)
    browser.sign_in(Key(root.id, "wrong"), 403)
    browser.sign_in(Key(root.id, "wrong"), 403)
    refused = browser.sign_in(root, 429)
    assert refused.code == "TooManyAttempts"
    browser.sign_in(Key("AKIASOMEBODYELSE0000", "wrong"), 403)
    basic = base64.b64encode(f"{root.id}:{root.secret}".encode()).decode()
    assert browser.request("GET", "/metrics", None, {"Authorization": f"Basic {basic}"}).status == 200, "still signed in"
    browser.cookie = None
    assert browser.request("GET", "/metrics", None, {"Authorization": f"Basic {basic}"}).status == 429


def test_sign_in_takes_no_nonsense(guarded):
    browser = Browser(guarded.console)
    for body in (b"", b"[]", b"{}", b'{"accessKeyId": 1, "secretAccessKey": "x"}', b"\xff"):
        assert browser.post("session", body, 400).code == "InvalidParameterValue"
    assert browser.post("session", b"x" * 5000, 413).code == "RequestEntityTooLarge"
    browser.sign_in(guarded.root)
    for _ in range(6):
        browser.request("DELETE", "/api/session", None, OWN)
        browser.sign_in(guarded.root)


def test_a_key_that_is_disabled_ends_its_sessions(guarded, account, visitor):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    browser = visitor(user.key)
    assert browser.api("session")["user"] == {"name": user.name, "arn": user.arn}
    with browser.events() as events:
        events.until("overview")
        account.govern("UpdateAccessKey", UserName=user.name, AccessKeyId=user.key.id, Status="Inactive")
        assert events.until("signed-out") == {}
        assert events.next() is None
    assert browser.get("/api/queues", expect=401).code == "SignInRequired"
    account.govern("UpdateAccessKey", UserName=user.name, AccessKeyId=user.key.id, Status="Active")
    assert browser.get("/api/queues", expect=401).code == "SignInRequired", "it is over for good"


def test_a_session_nobody_used_while_its_key_was_disabled_is_over_too(account, visitor):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    browser = visitor(user.key)
    for status in ("Inactive", "Active"):
        account.govern("UpdateAccessKey", UserName=user.name, AccessKeyId=user.key.id, Status=status)
    assert browser.get("/api/queues", expect=401).code == "SignInRequired"
    browser.sign_in(user.key)
    browser.get("/api/queues")


def test_a_key_has_twenty_sessions(account, visitor):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    bystander = visitor(account.root)
    browsers = [visitor(user.key) for _ in range(21)]
    browsers[0].get("/api/queues", expect=401)
    for browser in (*browsers[1:], bystander):
        browser.get("/api/queues")


def test_a_key_has_eight_streams(account, visitor):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    browser = visitor(user.key)
    streams = [browser.events() for _ in range(8)]
    assert {stream.status for stream in streams} == {200}
    assert browser.get("/api/events", expect=503).code == "TooManyStreams"
    with visitor(account.root).events() as others:
        assert others.status == 200
    for stream in streams:
        stream.close()

    def again() -> bool:
        with browser.events() as stream:
            return stream.status == 200

    assert eventually(again, 10, "a place that is free again")


def test_tags_and_sources_need_their_own_rights(account, visitor):
    mark = unique()
    url = account.sqs.create_queue(QueueName=f"{mark}-dead", tags={"team": "green"})["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": account.arn_of(url), "maxReceiveCount": 3})
    account.sqs.create_queue(QueueName=f"{mark}-source", Attributes={"RedrivePolicy": redrive})
    looking = ["sqs:ListQueues", "sqs:GetQueueAttributes"]
    plain = visitor(account.user(None, statement(Action=looking, Resource="*")).key)
    more = [*looking, "sqs:ListQueueTags", "sqs:ListDeadLetterSourceQueues"]
    knowing = visitor(account.user(None, statement(Action=more, Resource="*")).key)

    def found(browser: Browser, **wanted) -> list[str]:
        return [row["name"] for row in browser.api("queues", search=mark, **wanted)["queues"]]

    for browser, tags, sources in ((plain, {}, []), (knowing, {"team": "green"}, [f"{mark}-source"])):
        eventually(lambda: found(browser) == [f"{mark}-dead", f"{mark}-source"], 5, "both queues")
        row = browser.api("queues", search=f"{mark}-dead")["queues"][0]
        assert (row["tags"], row["sources"]) == (tags, len(sources))
        detail = browser.api(f"queues/{mark}-dead")
        assert (detail["tags"], detail["sources"], detail["sourceNames"]) == (tags, len(sources), sources)
        assert found(browser, tag="team") == ([f"{mark}-dead"] if tags else [])
        assert found(browser, kind="dead-letter") == ([f"{mark}-dead"] if sources else [])


def test_signing_out_ends_the_stream(account, visitor):
    browser = visitor(account.root)
    with browser.events() as events:
        events.until("overview")
        browser.request("DELETE", "/api/session", None, OWN)
        assert events.until("signed-out") == {} and events.next() is None


def test_policies_decide(guarded, account, visitor):
    url = account.queue()
    name = url.rsplit("/", 1)[1]
    account.sqs.send_message(QueueUrl=url, MessageBody="secret")
    looker = visitor(
        account.user(None, statement(Action=["sqs:ListQueues", "sqs:GetQueueAttributes"], Resource="*")).key
    )
    eventually(lambda: [row["name"] for row in looker.api("queues")["queues"]] == [name], 5, "the queue in the list")
    assert looker.api(f"queues/{name}")["visible"] == 1
    for path in (f"queues/{name}/messages", f"queues/{name}/messages/1-1", f"queues/{name}/search?text=a"):
        answer = looker.get(f"/api/{path}", expect=403)
        assert answer.code == "AccessDenied" and b"secret" not in answer.body, path
    for action in ("SendMessage", "PurgeQueue", "DeleteQueue"):
        body = {"QueueUrl": url, **({"MessageBody": "x"} if action == "SendMessage" else {})}
        assert looker.post(f"sqs/{action}", body, 403).code == "AccessDenied", action
    for path, body in (("delete", {}), ("move", {"destination": None})):
        refused = looker.post(f"queues/{name}/messages/{path}", {"sequences": ["1-1"], **body}, 403)
        assert refused.code == "AccessDenied"
    reader = visitor(account.user(None, statement(Action="sqs:ReceiveMessage", Resource="*")).key)
    (secret,) = reader.api(f"queues/{name}/messages")["messages"]
    assert secret["body"] == "secret"
    assert reader.get("/api/queues", expect=403).code == "AccessDenied"
    assert reader.get("/api/overview", expect=403).code == "AccessDenied"
    assert reader.post(f"queues/{name}/messages/delete", {"sequences": ["1-1"]}, 403).code == "AccessDenied"
    assert reader.api("session")["scopes"] == []
    with reader.events() as events:
        refused = events.until("refused")
        assert (refused["of"], refused["error"]["code"]) == ("overview", "AccessDenied")
    purger = visitor(account.user(None, statement(Action="sqs:PurgeQueue", Resource="*")).key)
    done = purger.post(f"queues/{name}/messages/delete", {"sequences": [secret["sequence"]]}).json()
    assert done == {"results": [{"sequence": secret["sequence"], "error": None}]}
    eventually(lambda: audited(guarded, action="DiscardMessages", outcome="ok", account=account.number), 5)
    eventually(lambda: audited(guarded, action="DiscardMessages", outcome="AccessDenied", account=account.number), 5)
    eventually(lambda: audited(guarded, action="ReceiveMessage", outcome="AccessDenied", account=account.number), 5)


def test_the_list_shows_what_a_user_may_see(account, visitor):
    mark = unique("mine")
    for name in (f"{mark}-a", f"{mark}-b", "others"):
        account.sqs.create_queue(QueueName=name)
    own = f"arn:aws:sqs:*:{account.number}:{mark}-*"
    user = account.user(
        None, statement(Action="sqs:ListQueues", Resource="*"), statement(Action="sqs:GetQueueAttributes", Resource=own)
    )
    browser = visitor(user.key)

    def names() -> list[str]:
        return [row["name"] for row in browser.api("queues")["queues"]]

    eventually(lambda: names() == [f"{mark}-a", f"{mark}-b"], 5, "what is a second old")
    assert browser.api("queues")["total"] == 2
    assert browser.api("overview")["queues"] == 2
    assert browser.get("/api/queues/others", expect=403).code == "AccessDenied"
    url = account.sqs.get_queue_url(QueueName=f"{mark}-b")["QueueUrl"]
    account.set_policy(
        url, statement("Deny", Principal={"AWS": user.arn}, Action="sqs:GetQueueAttributes", Resource="*")
    )
    eventually(lambda: names() == [f"{mark}-a"], 5, "the queue that was taken away")
    account.govern(
        "PutUserPolicy", UserName=user.name, PolicyName="own",
        PolicyDocument=policy(statement(Action=["sqs:ListQueues", "sqs:GetQueueAttributes"], Resource="*")),
    )
    eventually(lambda: names() == [f"{mark}-a", "others"], 5, "what was given")


def test_accounts_do_not_see_each_other(guarded, account, operator, visitor):
    other = Account(guarded, operator)
    other_name = other.queue().rsplit("/", 1)[1]
    own_name = account.queue().rsplit("/", 1)[1]
    browser = visitor(account.root)
    eventually(lambda: [row["name"] for row in browser.api("queues")["queues"]] == [own_name], 5, "the own queue alone")
    assert browser.get(f"/api/queues/{other_name}", expect=400).code == "QueueDoesNotExist"
    headers = {"x-bongsu-account": other.number}
    assert browser.get("/api/queues", expect=403, headers=headers).code == "AccessDenied"
    browser.get("/api/queues", headers={"x-bongsu-account": account.number})
    url = f"{guarded.endpoint}/{other.number}/{other_name}"
    assert browser.post("sqs/SendMessage", {"QueueUrl": url, "MessageBody": "x"}, 403).code == "AccessDenied"
    assert [scope["account"] for scope in browser.api("session")["scopes"]] == [account.number]
    overview = browser.api("overview")
    assert overview["queues"] == 1 and overview["disk"] is None and overview["process"] is None
    assert overview["latency"] == []
    refused = browser.get("/api/history?series=requests&fromMs=1&toMs=2", expect=403)
    assert refused.code == "AccessDenied"
    assert browser.get("/metrics", expect=403).code == "AccessDenied"


def test_a_message_whose_key_may_not_be_used_is_not_shown(guarded, account, visitor):
    from tests.test_access_kms import kms_of

    key = kms_of(guarded, account.root).create_key()["KeyMetadata"]
    url = account.queue(KmsMasterKeyId=key["Arn"])
    name = url.rsplit("/", 1)[1]
    account.sqs.send_message(QueueUrl=url, MessageBody="sealed")
    earlier = account.queue()
    account.sqs.send_message(QueueUrl=earlier, MessageBody="not sealed")
    account.sqs.set_queue_attributes(QueueUrl=earlier, Attributes={"KmsMasterKeyId": key["Arn"]})
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    (row,) = visitor(user.key).api(f"queues/{name}/messages")["messages"]
    assert row["body"] == "" and "AccessDenied" in row["notShown"]
    assert visitor(user.key).api(f"queues/{name}/search", text="sealed")["matches"] == []
    earlier = f"queues/{earlier.rsplit('/', 1)[1]}/messages"
    (row,) = visitor(user.key).api(earlier)["messages"]
    assert row["body"] == "" and "AccessDenied" in row["notShown"], "it can't be received either"
    whole = visitor(user.key).api(f"{earlier}/{row['sequence']}")
    assert whole["body"] == "" and "AccessDenied" in whole["notShown"]
    assert visitor(account.root).api(earlier)["messages"][0]["body"] == "not sealed"
    (row,) = visitor(account.root).api(f"queues/{name}/messages")["messages"]
    assert row["body"] == "sealed" and row["notShown"] is None
    assert visitor(account.root).api(f"queues/{name}")["encryption"] == "kms"


def test_prometheus_shows_a_key(guarded, account, operator, visitor):
    browser = Browser(guarded.console)

    def scrape(key: Key) -> Answered:
        pair = base64.b64encode(f"{key.id}:{key.secret}".encode()).decode()
        return browser.request("GET", "/metrics", None, {"Authorization": f"Basic {pair}"})

    asked = browser.request("GET", "/metrics")
    assert asked.status == 401 and asked.headers["www-authenticate"].startswith("Basic")
    assert b"bongsu_build_info" in scrape(guarded.root).body
    assert scrape(account.root).status == 403, "it names everybody's queues"
    assert scrape(Key(guarded.root.id, "wrong")).status == 403
    name = unique()
    operator("CreateUser", UserName=name)
    key = operator.new_key(UserName=name)
    refused = scrape(key)
    assert (refused.status, refused.code) == (403, "AccessDenied"), "no policy allows it"
    assert eventually(lambda: audited(guarded, action="GetMetrics", outcome="AccessDenied"), 5)
    looking = statement(Action="sqs:*", Resource="*")
    operator("PutUserPolicy", UserName=name, PolicyName="looks", PolicyDocument=policy(looking))
    user = visitor(key)
    assert user.api("overview")["process"] is None
    assert user.get("/api/history?series=requests&fromMs=1&toMs=2", expect=403).code == "AccessDenied"
    metrics = statement(Action="bongsu:GetMetrics", Resource="*")
    operator("PutUserPolicy", UserName=name, PolicyName="metrics", PolicyDocument=policy(metrics))
    assert b"bongsu_build_info" in scrape(key).body
    assert user.api("overview")["process"] is not None
    user.get("/api/history?series=requests&fromMs=1&toMs=2")
    assert browser.get("/api/queues", expect=401).code == "SignInRequired", "a scrape is no session"


# ---- TLS ----


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    home = tmp_path_factory.mktemp("console-tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", home / "key.pem", "-out", home / "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )
    return home


def test_the_console_speaks_tls_where_the_api_does(new_server, certificate):
    server = new_server(
        "--tls-cert", str(certificate / "cert.pem"), "--tls-key", str(certificate / "key.pem"), "--auth", "on",
        "--journal", "memory", "--console-listen", "127.0.0.1:0",
    ).start()
    address = console_of(server)
    assert address.startswith("https://")
    context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    browser = Browser(address, context)
    answer = browser.sign_in(root_key(server))
    assert "Secure" in answer.headers["set-cookie"].split("; ")
    assert answer.headers["set-cookie"].startswith("__Host-bongsu_console=")
    assert browser.sqs("CreateQueue", QueueName="q")["QueueUrl"] == f"{server.endpoint}/000000000000/q"
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        Browser(address.replace("https", "http")).get("/livez")
    both = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    both.set_alpn_protocols(["h2"])
    raw = socket.create_connection((browser.parts.hostname, browser.parts.port))
    with both.wrap_socket(raw, server_hostname="127.0.0.1") as stream:
        assert stream.selected_alpn_protocol() == "h2", "so that streams don't use up a browser's connections"


def test_many_at_once_get_their_answers(browser, make):
    name = make()
    failures = []

    def work(number: int):
        try:
            for _ in range(5):
                browser.get("/api/queues")
                Browser(f"http://{browser.parts.netloc}").post("sqs/SendMessage", {"QueueUrl": name, "MessageBody": str(number)})
        except AssertionError as error:
            failures.append(error)

    # An address has 32 connections at a time.
    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert browser.api(f"queues/{name}")["visible"] == 60
