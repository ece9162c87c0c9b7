"""Requests that no SDK sends: each gets AWS's error, and the connection lives on."""

import json
import socket
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

from support.clients import ACCOUNT, FORM_TYPE, JSON_TYPE, PREFIX, Http, unique

pytestmark = pytest.mark.once

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def the_connection_lives_on(http):
    """The next request on the same connection is answered as if nothing had been."""
    yield
    assert http.json("ListQueues", {}).status == 200


def json_error(answer, kind, status=400):
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/x-amz-json-1"), answer
    assert answer.headers["x-amzn-requestid"]
    found = answer.json()
    assert found["__type"].split("#")[-1] == kind, answer
    return found.get("message", found.get("Message"))


def xml_error(answer, code, status=400):
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("text/xml"), answer
    root = ElementTree.fromstring(answer.body)
    assert root.tag == NAMESPACE + "ErrorResponse"
    error = root.find(NAMESPACE + "Error")
    assert error.find(NAMESPACE + "Code").text == code, answer
    assert error.find(NAMESPACE + "Type").text == "Sender"
    assert error.find(NAMESPACE + "Detail") is not None
    assert root.find(NAMESPACE + "RequestId").text == answer.headers["x-amzn-requestid"]
    return error.find(NAMESPACE + "Message").text


class TestJson:
    @pytest.mark.parametrize("action", ["Foo", "sendMessage", "", "SendMessage.", "../SendMessage", "x" * 4000])
    def test_unknown_actions(self, http, action):
        json_error(http.json(action, {}), "UnknownOperationException")

    @pytest.mark.parametrize("target", ["SendMessage", "AmazonSNS.SendMessage", "AmazonSQS", "AmazonSQS.", "."])
    def test_unknown_targets(self, http, target):
        json_error(http.json("", {}, headers={"X-Amz-Target": target}), "UnknownOperationException")

    @pytest.mark.parametrize(
        "body",
        [
            b"{", b"no json", b"[]", b"1", b"null", b'"text"', b"{}{}", b"{'a': 1}", b'{"QueueName": "q"', b"\x00",
            b'{"QueueName": "\xff\xfe"}', b'{"QueueName": "\xed\xa0\x80"}', b'{"QueueName": "\\ud800"}',
            b"[" * 100_000, b'{"a":' * 100_000,
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_malformed(self, http, body):
        json_error(http.json("GetQueueUrl", body), "SerializationException")

    @pytest.mark.parametrize(
        "body",
        [
            {"QueueName": 1}, {"QueueName": ["q"]}, {"QueueName": {}}, {"QueueName": True},
        ],
        ids=str,
    )
    def test_wrong_types(self, http, body):
        json_error(http.json("GetQueueUrl", body), "SerializationException")

    @pytest.mark.parametrize("value", ["ten", [], {}, True], ids=str)
    def test_no_number(self, http, queue, value):
        body = {"QueueUrl": queue, "MaxNumberOfMessages": value}
        json_error(http.json("ReceiveMessage", body), "SerializationException")

    @pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**63, 10**400], ids=["2^31", "-2^31-1", "2^63", "10^400"])
    def test_huge_numbers(self, http, queue, value):
        answer = http.json("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": value})
        assert answer.status == 400
        assert answer.json()["__type"].split("#")[-1] in ("SerializationException", "InvalidParameterValueException")

    def test_no_list(self, http, queue):
        json_error(http.json("SendMessageBatch", {"QueueUrl": queue, "Entries": {}}), "SerializationException")
        json_error(http.json("SendMessageBatch", {"QueueUrl": queue, "Entries": ["a"]}), "SerializationException")

    def test_no_base64(self, http, queue):
        value = {"a": {"DataType": "Binary", "BinaryValue": "%%%"}}
        body = {"QueueUrl": queue, "MessageBody": "m", "MessageAttributes": value}
        json_error(http.json("SendMessage", body), "SerializationException")

    @pytest.mark.parametrize(
        ("action", "body", "parameter"),
        [
            ("SendMessage", {"QueueUrl": "URL"}, "MessageBody"),
            ("SendMessage", {"QueueUrl": "URL", "MessageBody": None}, "MessageBody"),
            ("DeleteMessage", {"QueueUrl": "URL"}, "ReceiptHandle"),
            ("ChangeMessageVisibility", {"QueueUrl": "URL", "ReceiptHandle": "r"}, "VisibilityTimeout"),
            ("SetQueueAttributes", {"QueueUrl": "URL"}, "Attributes"),
            ("TagQueue", {"QueueUrl": "URL"}, "Tags"),
            ("UntagQueue", {"QueueUrl": "URL"}, "TagKeys"),
            ("AddPermission", {"QueueUrl": "URL", "AWSAccountIds": ["1"], "Actions": ["*"]}, "Label"),
            ("RemovePermission", {"QueueUrl": "URL"}, "Label"),
            ("StartMessageMoveTask", {}, "SourceArn"),
            ("ListMessageMoveTasks", {}, "SourceArn"),
            ("CancelMessageMoveTask", {}, "TaskHandle"),
        ],
    )
    def test_what_is_required(self, http, queue, action, body, parameter):
        body = {name: queue if value == "URL" else value for name, value in body.items()}
        answer = http.json(action, body)
        message = json_error(answer, "MissingRequiredParameterException")
        assert message == f"The request must contain the parameter {parameter}."
        assert answer.headers["x-amzn-query-error"] == "MissingParameter;Sender"

    @pytest.mark.parametrize("action", ["SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteQueue"])
    def test_no_queue_is_a_queue_that_does_not_exist(self, http, action):
        for body in ({}, {"QueueUrl": ""}, {"QueueUrl": None}):
            json_error(http.json(action, body), "QueueDoesNotExist")

    @pytest.mark.parametrize("action", ["CreateQueue", "GetQueueUrl"])
    def test_no_name_is_an_invalid_one(self, http, action):
        message = json_error(http.json(action, {}), "InvalidParameterValueException")
        assert message == "Value for parameter QueueName is invalid. Reason: Must specify a queue name."

    def test_errors_carry_both_codes(self, http):
        answer = http.json("GetQueueUrl", {"QueueName": unique()})
        assert json_error(answer, "QueueDoesNotExist") == "The specified queue does not exist."
        assert answer.json()["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"
        assert answer.headers["x-amzn-query-error"] == f"{PREFIX}NonExistentQueue;Sender"

    def test_unknown_members_are_ignored(self, http):
        assert http.json("ListQueues", {"Foo": {"deep": [1, 2, {"x": None}]}, "QueueNamePrefix": None}).status == 200

    def test_other_paths_and_content_types(self, http):
        for path in ("/", f"/{ACCOUNT}/", "/a/b/c", "//", "/%2e%2e/%00", "/?x=y"):
            assert http.json("ListQueues", {}, path).status == 200, path
        for kind in (JSON_TYPE, JSON_TYPE + "; charset=utf-8", "application/json", ""):
            assert http.json("ListQueues", {}, headers={"Content-Type": kind}).status == 200, kind

    def test_an_empty_body(self, http):
        answer = http.json("ListQueues", b"")
        assert answer.status in (200, 400), answer
        if answer.status == 400:
            json_error(answer, "SerializationException")


class TestQuery:
    @pytest.mark.parametrize("action", ["Foo", "sendMessage", "x" * 4000])
    def test_unknown_actions(self, http, action):
        xml_error(http.query({"Action": action}), "InvalidAction")

    def test_no_action(self, http):
        answer = http.query({"Version": "2012-11-05"})
        assert answer.status in (400, 404), answer
        assert answer.headers["x-amzn-requestid"]

    def test_no_action_on_a_queues_path(self, http, queue):
        answer = http.request("GET", urllib.parse.urlsplit(queue).path)
        assert answer.status == 404
        assert b"UnknownOperationException" in answer.body

    @pytest.mark.parametrize(
        "form",
        [
            b"Action=GetQueueUrl&QueueName=%ff%fe", b"Action=GetQueueUrl&QueueName=\xff",
            b"Action=GetQueueUrl&QueueName=%zz", b"Action=GetQueueUrl&QueueName=%", b"Action=GetQueueUrl&&&=&a",
        ],
        ids=repr,
    )
    def test_malformed(self, http, form):
        answer = http.query(form)
        # AWS lists a malformed query string under 404, and what is missing in a well-formed one under 400.
        assert answer.status in (400, 404), answer
        assert ElementTree.fromstring(answer.body).find(f".//{NAMESPACE}Code").text

    @pytest.mark.parametrize("form", [b"\x00\xff" * 1000, b"<xml/>", b"{}", b"=", b"&"], ids=lambda f: repr(f[:8]))
    def test_no_form_at_all(self, http, form):
        answer = http.query(form)
        assert 400 <= answer.status < 500, answer
        assert answer.headers["x-amzn-requestid"]

    @pytest.mark.parametrize("value", ["ten", "", "1.5", "1e3", "0x10", "99999999999999999999"])
    def test_no_number(self, http, queue, value):
        answer = http.query({"Action": "ReceiveMessage", "QueueUrl": queue, "MaxNumberOfMessages": value})
        if value:
            assert answer.status == 400, answer
            code = ElementTree.fromstring(answer.body).find(f".//{NAMESPACE}Code").text
            assert code in ("InvalidParameterValue", "MalformedInput"), answer

    @pytest.mark.parametrize(
        ("action", "parameter"),
        [("SendMessage", "MessageBody"), ("DeleteMessage", "ReceiptHandle"), ("RemovePermission", "Label")],
    )
    def test_what_is_required(self, http, queue, action, parameter):
        message = xml_error(http.query({"Action": action, "QueueUrl": queue}), "MissingParameter")
        assert message == f"The request must contain the parameter {parameter}."

    def test_no_queue_is_an_invalid_address(self, http):
        xml_error(http.query({"Action": "SendMessage", "MessageBody": "b"}), "InvalidAddress", 404)

    def test_a_missing_queue(self, http):
        message = xml_error(
            http.query({"Action": "GetQueueUrl", "QueueName": unique()}), PREFIX + "NonExistentQueue"
        )
        assert message == "The specified queue does not exist for this wsdl version."

    def test_a_gap_or_a_huge_index_in_a_list(self, http, queue):
        form = {"Action": "GetQueueAttributes", "QueueUrl": queue}
        for index in (2, 4_000_000_000, 99_999_999_999_999_999_999):
            answer = http.query({**form, f"AttributeName.{index}": "QueueArn"})
            assert answer.status in (200, 400), answer

    def test_thousands_of_parameters(self, http, queue):
        form = {"Action": "GetQueueAttributes", "QueueUrl": queue}
        form |= {f"AttributeName.{n}": "QueueArn" for n in range(1, 20_000)}
        assert http.query(form).status in (200, 400, 404)


class TestHttp:
    def test_eight_mebibytes_are_read(self, http, queue):
        """Escaping swells a body: `\\u000d` is six characters for one."""
        body = json.dumps({"QueueUrl": queue, "MessageBody": "\r" * MIB}).replace("\\r", "\\u000d").encode()
        assert 6 * MIB < len(body) < 8 * MIB
        assert http.json("SendMessage", body).status == 200
        padding = b" " * (8 * MIB - len(body))
        assert http.json("SendMessage", padding + body).status == 200

    @pytest.mark.parametrize("excess", [1, MIB, 24 * MIB])
    def test_beyond_that_they_are_refused(self, endpoint, queue, excess):
        """With an answer: whether the connection can live on is the server's choice then."""
        body = json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode()
        http = Http(endpoint)
        try:
            answer = http.json("SendMessage", b" " * (8 * MIB + excess - len(body)) + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise AssertionError("closed without an answer") from error
        assert answer.status in (400, 413), answer
        assert answer.headers["x-amzn-requestid"]
        assert answer.json()["__type"]

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "FOO"])
    def test_other_methods(self, http, method):
        answer = http.request(method, "/")
        assert 400 <= answer.status < 500 or (method == "OPTIONS" and answer.status in (200, 204)), answer
        assert answer.headers["x-amzn-requestid"]

    def test_a_get_of_nothing(self, http):
        for path in ("/", "/favicon.ico", "/a", f"/{ACCOUNT}/{unique()}", "/_aws/foo"):
            answer = http.request("GET", path)
            assert 400 <= answer.status < 500 or (path == "/" and answer.status == 200), (path, answer)

    def test_odd_authorization(self, http):
        for value in (
            "", "x", "Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=",
            "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=", "AWS4-HMAC-SHA256 " + "x" * 8000,
        ):
            answer = http.json("ListQueues", {}, headers={"Authorization": value})
            assert answer.status in (200, 400, 403), (value, answer)
            assert answer.headers["x-amzn-requestid"]

    def test_a_header_of_many_kilobytes(self, http):
        assert http.json("ListQueues", {}, headers={"X-Anything": "x" * 16_000}).status == 200

    def raw(self, endpoint, request: bytes) -> bytes:
        parts = urllib.parse.urlsplit(endpoint)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
            try:
                connection.sendall(request)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It may have answered and closed while we still wrote.
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
                if b"\r\n\r\n" in answer:
                    break
        return answer

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"\x00\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(5000)) + b"\r\n",
            b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        ],
        ids=["binary", "no version", "version 9.9", "length x", "length -1", "huge header", "many headers", "huge path"],
    )
    def test_broken_http_gets_an_http_error(self, endpoint, request_bytes):
        answer = self.raw(endpoint, request_bytes)
        assert answer.startswith(b"HTTP/1.1 4"), answer[:200]

    def test_a_request_without_a_host(self, endpoint):
        body = b"{}"
        request = (
            b"POST / HTTP/1.0\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
            b"Content-Length: 2\r\n\r\n" + body
        )
        assert b" 200 " in self.raw(endpoint, request).split(b"\r\n")[0]

    def test_a_body_in_chunks(self, endpoint):
        request = (
            b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n"
            b"X-Amz-Target: AmazonSQS.ListQueues\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
        )
        assert b" 200 " in self.raw(endpoint, request).split(b"\r\n")[0]

    def test_expect_continue(self, endpoint):
        parts = urllib.parse.urlsplit(endpoint)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.0\r\n"
                b"X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
            connection.sendall(b"{}")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")

    def test_requests_in_one_go_are_answered_in_order(self, endpoint):
        def request(name):
            body = json.dumps({"QueueName": name}).encode()
            head = (
                f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {JSON_TYPE}\r\nX-Amz-Target: AmazonSQS.CreateQueue\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            return head.encode() + body

        names = [unique("pipelined") for _ in range(5)]
        parts = urllib.parse.urlsplit(endpoint)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
            connection.sendall(b"".join(map(request, names)))
            answer = b""
            while answer.count(b"QueueUrl") < 5:
                chunk = connection.recv(65_536)
                assert chunk, answer
                answer += chunk
        positions = [answer.index(name.encode()) for name in names]
        assert positions == sorted(positions)

    def test_form_type_is_not_needed_for_a_get(self, http):
        assert http.request("GET", "/?Action=ListQueues", headers={"Content-Type": FORM_TYPE}).status == 200
