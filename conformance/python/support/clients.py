"""boto3 clients as users make them, plain HTTP beside them, and what both have to say about a refusal."""

import http.client
import json
import os
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "000000000000"
JSON_TYPE = "application/x-amz-json-1.0"
FORM_TYPE = "application/x-www-form-urlencoded"

PROTOCOL = botocore.session.get_session().get_service_model("sqs").metadata["protocol"]
"""What this environment's botocore speaks to SQS: `json` or `query`."""


def client(
    endpoint: str,
    region: str = REGION,
    access_key: str = "test",
    secret_key: str = "test",
    service: str = "sqs",
    verify: str | None = None,
    **config,
):
    """A client with no retries and no checks of its own, so that a test sees the server's own first answer."""
    options = {"retries": {"max_attempts": 0}, "parameter_validation": False, "read_timeout": 60, **config}
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        verify=verify,
        config=Config(**options),
    )


def unique(prefix: str = "queue", fifo: bool = False) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}" + (".fifo" if fifo else "")


def arn(sqs, queue_url: str) -> str:
    return attributes(sqs, queue_url, "QueueArn")["QueueArn"]


def attributes(sqs, queue_url: str, *names: str) -> dict[str, str]:
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(names) or ["All"])
    return answer.get("Attributes", {})


def counts(sqs, queue_url: str) -> tuple[int, int, int]:
    """Visible, in flight, delayed."""
    names = ("", "NotVisible", "Delayed")
    found = attributes(sqs, queue_url, *(f"ApproximateNumberOfMessages{name}" for name in names))
    return tuple(int(found[f"ApproximateNumberOfMessages{name}"]) for name in names)


def receive(sqs, queue_url: str, number: int = 10, wait: int = 0, **more) -> list[dict]:
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=number, WaitTimeSeconds=wait, **more)
    return answer.get("Messages", [])


def receive_one(sqs, queue_url: str, wait: int = 5, **more) -> dict:
    """Exactly one message, waiting for it if need be."""
    messages = receive(sqs, queue_url, 1, wait, **more)
    assert len(messages) == 1, f"{len(messages)} messages instead of one"
    return messages[0]


def receive_all(sqs, queue_url: str, expected: int, seconds: float = 20, **more) -> list[dict]:
    """Receives until there are `expected` messages; more than that, or fewer in the time, is a failure."""
    messages, deadline = [], time.monotonic() + seconds
    while len(messages) < expected:
        assert time.monotonic() < deadline, f"{len(messages)} of {expected} messages within {seconds} s"
        messages += receive(sqs, queue_url, 10, 1, **more)
    assert len(messages) == expected
    return messages


def bodies(messages: list[dict]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(sqs, queue_url: str, *messages: dict) -> None:
    for message in messages:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


@dataclass(frozen=True)
class Refusal:
    """What SQS answers instead of a result. `None` is anything."""

    code: str
    type: str
    message: str | None = None
    status: int = 400
    query_message: str | None = field(default=None, kw_only=True)

    def expected_message(self) -> str | None:
        return (self.query_message or self.message) if PROTOCOL == "query" else self.message


PREFIX = "AWS.SimpleQueueService."


def refused(refusal: Refusal, call, **parameters) -> ClientError:
    """Calls, and holds the error against everything that a caller can match on."""
    return refused_as_one_of([refusal], call, **parameters)


def refused_as_one_of(refusals: list[Refusal], call, **parameters) -> ClientError:
    """For the few refusals whose code AWS publishes nowhere: one of several that its own texts would allow."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        codes = [refusal.code for refusal in refusals]
        code = error.response["Error"]["Code"]
        assert code in codes, f"{error.response} instead of {refusals}"
        check(error, refusals[codes.index(code)])
        return error
    raise AssertionError(f"accepted, instead of {refusals}: {answer}")


def check(error: ClientError, refusal: Refusal) -> None:
    body, meta = error.response["Error"], error.response["ResponseMetadata"]
    assert body["Code"] == refusal.code, error.response
    assert meta["HTTPStatusCode"] == refusal.status, error.response
    if refusal.expected_message() is not None:
        assert body["Message"] == refusal.expected_message()
    assert body["Message"], "a refusal says why"
    assert body["Type"] == "Sender", error.response
    assert meta["RequestId"], error.response
    if PROTOCOL == "json":
        assert body["QueryErrorCode"] == refusal.type, error.response


def invalid(message: str | None = None) -> Refusal:
    return Refusal("InvalidParameterValue", "InvalidParameterValueException", message)


def invalid_value(parameter: str, value, reason: str) -> Refusal:
    return invalid(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> Refusal:
    message = f"The request must contain the parameter {parameter}."
    return Refusal("MissingParameter", "MissingRequiredParameterException", message)


NO_SUCH_QUEUE = Refusal(
    PREFIX + "NonExistentQueue",
    "QueueDoesNotExist",
    "The specified queue does not exist.",
    query_message="The specified queue does not exist for this wsdl version.",
)


@dataclass
class Answer:
    """A plain HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


class Http:
    """Plain HTTP on one kept-alive connection: requests that no SDK would send, and those that must be quick."""

    def __init__(self, endpoint: str, timeout_seconds: float = 60):
        parts = urllib.parse.urlsplit(endpoint)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)

    def request(self, method: str = "POST", path: str = "/", body: bytes = b"", headers: dict | None = None) -> Answer:
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def json(self, action: str, body, path: str = "/", headers: dict | None = None) -> Answer:
        """One JSON 1.0 call; `body` may be raw bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}", **(headers or {})}
        return self.request("POST", path, raw, head)

    def query(self, parameters: dict | bytes, path: str = "/", headers: dict | None = None) -> Answer:
        """One form-encoded Query call; `parameters` may be raw bytes."""
        raw = parameters if isinstance(parameters, bytes) else urllib.parse.urlencode(parameters).encode()
        return self.request("POST", path, raw, {"Content-Type": FORM_TYPE, **(headers or {})})

    def call(self, action: str, **parameters) -> dict:
        """A JSON call that must succeed."""
        answer = self.json(action, parameters)
        assert answer.status == 200, (action, answer)
        return answer.json() if answer.body else {}

    def close(self) -> None:
        self.connection.close()


def external_endpoint() -> str | None:
    """An already running server to test instead of a child process; suites that need to control it skip."""
    return os.environ.get("BONGSU_ENDPOINT")
