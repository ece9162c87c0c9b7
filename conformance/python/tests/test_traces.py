"""Traces: what a collector gets over OTLP/HTTP when requests are part of a trace, and when they are not."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.clients import client, receive_one
from support.process import eventually

pytestmark = pytest.mark.once

TRACE = "5f84c7a1e7d1852db8c4fd35d88bf49a"
PARENT = "53995c3f42cd8ad8"
AWS_HEADER = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"


class Collector:
    """Takes what OTLP's exporters send, in JSON."""

    def __init__(self):
        self.spans: list[dict] = []
        self.resources: list[dict] = []
        self.headers: list[dict] = []
        self.status = 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/v1/traces" and self.headers["content-type"] == "application/json"
                if collector.status == 200:
                    collector.headers.append(dict(self.headers))
                    for resource in body["resourceSpans"]:
                        collector.resources.append(attributes(resource["resource"]))
                        for scope in resource["scopeSpans"]:
                            collector.spans += scope["spans"]
                self.send_response(collector.status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name: str, number: int = 1) -> list[dict]:
        found = lambda: [span for span in self.spans if span["name"] == name]  # noqa: E731
        eventually(lambda: len(found()) >= number, 20, f"{number} spans named {name}")
        return found()


def attributes(of: dict) -> dict[str, str]:
    return {item["key"]: next(iter(item["value"].values())) for item in of["attributes"]}


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.server.shutdown()


def add_header(sqs, name: str, value: str) -> None:
    """Each request of this client has the header from now on."""
    sqs.meta.events.register("before-sign.sqs", lambda request, **_: request.headers.add_header(name, value))


def test_a_message_is_followed_from_its_sender_to_its_receiver(new_server, collector):
    environment = {"OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=the-key", "OTEL_SERVICE_NAME": "my-queues"}
    server = new_server("--otlp-endpoint", collector.endpoint, environment=environment).start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": AWS_HEADER}}
    before = time.time_ns()
    answer = sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=header)
    after = time.time_ns()
    # The receiver doesn't even ask for the header.
    receive_one(sqs, url)
    send = collector.named("SendMessage jobs")[0]
    assert (send["traceId"], send["parentSpanId"], send["kind"]) == (TRACE, PARENT, 2)
    assert len(send["spanId"]) == 16 and send["spanId"] != PARENT
    assert before <= int(send["startTimeUnixNano"]) + 2_000_000
    assert int(send["startTimeUnixNano"]) <= int(send["endTimeUnixNano"]) <= after
    found = attributes(send)
    assert found["messaging.system"] == "aws_sqs"
    assert found["messaging.operation.name"] == "SendMessage" and found["messaging.operation.type"] == "send"
    assert found["messaging.destination.name"] == "jobs"
    assert found["aws.request_id"] == answer["ResponseMetadata"]["RequestId"]
    got = collector.named("ReceiveMessage jobs")[0]
    assert got["links"] == [{"traceId": TRACE, "spanId": PARENT}]
    assert got["traceId"] != TRACE and "parentSpanId" not in got
    assert attributes(got)["messaging.batch.message_count"] == "1"
    assert collector.resources[0]["service.name"] == "my-queues"
    assert collector.headers[0]["x-api-key"] == "the-key"


def test_headers_say_whose_child_a_span_is_and_whether_it_is_recorded(new_server, collector):
    # OpenTelemetry's own name for it does as well.
    server = new_server(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}).start()
    for name, value in (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("X-Amzn-Trace-Id", AWS_HEADER)):
        sqs = client(server.endpoint)
        add_header(sqs, name, value)
        sqs.list_queues()
    for name, value in (
        ("traceparent", f"00-{TRACE}-{PARENT}-00"),
        ("X-Amzn-Trace-Id", AWS_HEADER.replace("Sampled=1", "Sampled=0")),
    ):
        sqs = client(server.endpoint)
        add_header(sqs, name, value)
        sqs.create_queue(QueueName="unseen")
    sqs = client(server.endpoint)
    add_header(sqs, "traceparent", "nonsense")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="nowhere")
    children = collector.named("ListQueues", 2)
    assert [(span["traceId"], span["parentSpanId"]) for span in children] == [(TRACE, PARENT)] * 2
    failed = collector.named("GetQueueUrl")[0]
    assert failed["traceId"] != TRACE and attributes(failed)["error.type"] == "QueueDoesNotExist"
    assert "status" not in failed, "the client's mistake is none of the server's"
    assert not [span for span in collector.spans if span["name"].startswith("CreateQueue")]


def test_a_batch_says_how_many_and_the_last_spans_come_at_the_end(new_server, collector):
    server = new_server("--otlp-endpoint", collector.endpoint).start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "x"} for i in range(3)])
    assert server.terminate() == 0
    # All is there: the server has waited for the collector.
    batch = [span for span in collector.spans if span["name"] == "SendMessageBatch jobs"]
    assert [attributes(span)["messaging.batch.message_count"] for span in batch] == ["3"]


def test_a_collector_that_is_not_there_hurts_nobody(new_server, collector):
    collector.status = 503
    server = new_server("--otlp-endpoint", collector.endpoint).start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for _ in range(20):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    eventually(lambda: "takes no traces" in server.log_text(), what="a line in the log")
    collector.status = 200
    sqs.list_queues()
    collector.named("ListQueues")
    eventually(lambda: "were not sent" in server.log_text(), what="a line with the number")
    assert server.log_text().count("takes no traces") == 1
    collector.server.shutdown()
    collector.server.server_close()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    begun = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begun < 8


def test_nonsense_is_refused_at_the_start(new_server):
    server = new_server("--otlp-endpoint", "localhost:4318")
    process = server.spawn()
    assert process.wait(20) != 0
    assert "localhost:4318" in server.log_text()
