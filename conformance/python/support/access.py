"""Who gets in: servers that ask, keys and users on them, and requests signed by hand, so that each part can be wrong."""

import datetime
import hashlib
import hmac
import json
import random
import re
import urllib.parse
import xml.etree.ElementTree as xml
from dataclasses import dataclass

import botocore
import pytest
from botocore.config import Config  # noqa: F401 - for tests that need signatures of their own

from support.clients import FORM_TYPE, JSON_TYPE, REGION, Answer, Http, Refusal, client, external_endpoint, unique
from support.process import Server, eventually

OPERATOR = "000000000000"
"""The server's default account, whose root governs it."""
ROOT_KEY = re.compile(r"AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)")

DENIED = Refusal("AccessDenied", "AccessDeniedException", status=403)
NO_TOKEN = Refusal(
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "Request is missing Authentication Token",
    status=403,
)
UNKNOWN_KEY = Refusal(
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
    status=403,
)
WRONG_SIGNATURE = Refusal(
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.",
    status=403,
)


@dataclass(frozen=True)
class Key:
    id: str
    secret: str


def root_key(server: Server) -> Key:
    """What a server shows on its standard output when it first asks for keys."""
    found = eventually(lambda: ROOT_KEY.search(server.output_text()), 10, "the root's key on standard output")
    return Key(*found.groups())


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(key: Key, scope: str, date: str, canonical: str) -> str:
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed(canonical.encode())}"
    signing_key = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        signing_key = mac(signing_key, part)
    return mac(signing_key, to_sign).hex()


def timestamp(offset_seconds: float = 0) -> str:
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_seconds)
    return now.strftime("%Y%m%dT%H%M%SZ")


def signed(
    key: Key,
    host: str,
    headers: dict[str, str],
    body: bytes = b"",
    method: str = "POST",
    path: str = "/",
    service: str = "sqs",
    offset_seconds: float = 0,
    token: str | None = None,
    unsigned: tuple[str, ...] = (),
) -> dict[str, str]:
    """The headers of a signed request; all are covered by the signature but those named in `unsigned`."""
    date = timestamp(offset_seconds)
    headers = {**headers, "Host": host, "X-Amz-Date": date}
    if token:
        headers["X-Amz-Security-Token"] = token
    covered = sorted((name.lower(), value) for name, value in headers.items() if name.lower() not in unsigned)
    names = ";".join(name for name, _ in covered)
    lines = "".join(f"{name}:{value}\n" for name, value in covered)
    scope = f"{date[:8]}/{REGION}/{service}/aws4_request"
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{hashed(body)}"
    sealed = signature(key, scope, date, canonical)
    authorization = f"AWS4-HMAC-SHA256 Credential={key.id}/{scope}, SignedHeaders={names}, Signature={sealed}"
    return {**headers, "Authorization": authorization}


def presigned(
    key: Key, host: str, path: str, parameters: dict[str, str], expires: int = 300, offset_seconds: float = 0
) -> str:
    """The path and query of a GET that carries its signature."""
    date = timestamp(offset_seconds)
    scope = f"{date[:8]}/{REGION}/sqs/aws4_request"
    parameters = {
        **parameters,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.id}/{scope}",
        "X-Amz-Date": date,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    quoted = sorted((quote(name), quote(value)) for name, value in parameters.items())
    query = "&".join(f"{name}={value}" for name, value in quoted)
    canonical = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\n{hashed(b'')}"
    return f"{path}?{query}&X-Amz-Signature={signature(key, scope, date, canonical)}"


def quote(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


ENCODINGS = ("json", "query")


def listing(encoding: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of ListQueues, unsigned."""
    if encoding == "json":
        return {"Content-Type": JSON_TYPE, "X-Amz-Target": "AmazonSQS.ListQueues"}, b"{}"
    return {"Content-Type": FORM_TYPE}, b"Action=ListQueues&Version=2012-11-05"


def check_refused(answer: Answer, encoding: str, refusal: Refusal) -> str:
    """Holds a plain answer against a refusal; returns its message."""
    assert answer.status == refusal.status, (answer.status, answer.body)
    if encoding == "json":
        body = answer.json()
        assert body["__type"].endswith(f"#{refusal.type}"), body
        assert answer.headers["x-amzn-query-error"] == f"{refusal.code};Sender"
        message = body["message"]
    else:
        namespace = {"q": "http://queue.amazonaws.com/doc/2012-11-05/"}
        error = xml.fromstring(answer.body).find("q:Error", namespace)
        assert error.find("q:Code", namespace).text == refusal.code, answer.body
        assert error.find("q:Type", namespace).text == "Sender"
        message = error.find("q:Message", namespace).text
    if refusal.message is not None:
        assert message == refusal.message
    assert answer.headers["x-amzn-requestid"]
    return message


class Governor:
    """Calls the actions that govern a server, as the holder of a key (or, without one, unsigned)."""

    def __init__(self, endpoint: str, key: Key | None):
        self.host = endpoint.removeprefix("http://")
        self.endpoint = endpoint
        self.key = key

    def request(self, action: str, members: dict) -> Answer:
        body = json.dumps(members).encode()
        headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"Bongsu.{action}"}
        if self.key:
            headers = signed(self.key, self.host, headers, body, service="bongsu")
        http = Http(self.endpoint)
        try:
            return http.request("POST", "/", body, headers)
        finally:
            http.close()

    def __call__(self, action: str, **members) -> dict:
        answer = self.request(action, members)
        assert answer.status == 200, (action, answer)
        return answer.json()

    def refused(self, action: str, code: str, status: int, **members) -> str:
        """The message of a refusal."""
        answer = self.request(action, members)
        assert answer.status == status, (action, answer)
        assert answer.json()["__type"] == code, (action, answer)
        assert answer.json()["message"] or code == "UnknownOperationException", answer
        return answer.json()["message"]

    def new_key(self, **members) -> Key:
        made = self("CreateAccessKey", **members)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])


def statement(effect: str = "Allow", **members) -> dict:
    return {"Effect": effect, **members}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Account:
    """An account of its own on a shared server."""

    def __init__(self, server: Server, operator: Governor):
        self.server = server
        self.number = f"{random.randrange(10**12):012}"
        self.root = operator.new_key(Account=self.number)
        self.govern = Governor(server.endpoint, self.root)
        self.sqs = self.client(self.root)

    def client(self, key: Key, **more):
        return client(self.server.endpoint, access_key=key.id, secret_key=key.secret, **more)

    def user(self, name: str | None = None, *statements: dict, tags: dict | None = None) -> "User":
        name = name or unique("user")
        listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        made = self.govern("CreateUser", UserName=name, Tags=listed)["User"]
        if statements:
            self.govern("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = self.govern.new_key(UserName=name)
        return User(name, made["Arn"], made["UserId"], key, self.client(key))

    def queue(self, **attributes) -> str:
        return self.sqs.create_queue(QueueName=unique(), Attributes=attributes)["QueueUrl"]

    def set_policy(self, queue_url: str, *statements: dict) -> None:
        text = policy(*statements) if statements else ""
        self.sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": text})

    def arn_of(self, queue_url: str) -> str:
        return f"arn:aws:sqs:{REGION}:{self.number}:{queue_url.rsplit('/', 1)[1]}"

    @property
    def root_arn(self) -> str:
        return f"arn:aws:iam::{self.number}:root"


@dataclass
class User:
    name: str
    arn: str
    id: str
    key: Key
    sqs: object


@pytest.fixture(scope="session")
def guarded():
    """A server that asks who calls, shared by the tests of one process; `root` is the key it showed."""
    if external_endpoint():
        pytest.skip("needs a server process of its own")
    with Server("--auth", "on", "--cooldowns", "off") as server:
        server.root = root_key(server)
        yield server
        server.check_log()


@pytest.fixture(scope="session")
def operator(guarded):
    return Governor(guarded.endpoint, guarded.root)


@pytest.fixture
def account(guarded, operator):
    return Account(guarded, operator)


@pytest.fixture
def other_account(guarded, operator):
    return Account(guarded, operator)


@pytest.fixture
def stranger(guarded):
    """A boto3 client without credentials."""
    return client(guarded.endpoint, signature_version=botocore.UNSIGNED)
