"""Each way in which a request can fail to show who makes it, in both encodings, with requests signed by hand."""

import pytest

from support.access import (
    ENCODINGS,
    NO_TOKEN,
    UNKNOWN_KEY,
    WRONG_SIGNATURE,
    Key,
    check_refused,
    listing,
    presigned,
    signed,
)
from support.clients import FORM_TYPE, JSON_TYPE, Http, Refusal

pytestmark = [pytest.mark.once, pytest.mark.parametrize("encoding", ENCODINGS)]

INCOMPLETE = Refusal("IncompleteSignature", "IncompleteSignatureException", status=400)
MISMATCH = Refusal("SignatureDoesNotMatch", "InvalidSignatureException", status=403)
NO_SECRET = "x" * 40


@pytest.fixture
def ask(guarded, account, encoding):
    """`ask(change)` signs ListQueues, has `change` tamper with path, headers and body, and sends it."""
    http = Http(guarded.endpoint)
    host = guarded.endpoint.removeprefix("http://")

    def ask(change=None, **options):
        headers, body = listing(encoding)
        options = {"key": account.root, "host": host, "headers": headers, "body": body, **options}
        request = {"path": options.get("path", "/"), "headers": signed(**options), "body": body}
        if change:
            change(request)
        return http.request("POST", request["path"], request["body"], request["headers"])

    yield ask
    http.close()


def test_a_good_signature_is_accepted(ask):
    assert ask().status == 200
    # Signed requests may be repeated for as long as they are good, as with AWS.
    for offset_seconds in (-14 * 60, 14 * 60):
        assert ask(offset_seconds=offset_seconds).status == 200


def test_a_path_is_signed_as_it_is(ask, encoding):
    path = "/000000000000/" if encoding == "json" else "/"
    assert ask(path=path).status == 200


def test_no_signature(ask, encoding):
    def strip(request):
        del request["headers"]["Authorization"]

    check_refused(ask(strip), encoding, NO_TOKEN)


@pytest.mark.parametrize("part", ["Credential", "SignedHeaders", "Signature"])
def test_a_part_of_the_header_is_missing(ask, encoding, part):
    def strip(request):
        scheme, parts = request["headers"]["Authorization"].split(" ", 1)
        parts = [piece for piece in parts.split(", ") if not piece.startswith(f"{part}=")]
        request["headers"]["Authorization"] = f"{scheme} {', '.join(parts)}"

    message = check_refused(ask(strip), encoding, INCOMPLETE)
    assert f"Authorization header requires '{part}' parameter." in message


def test_the_date_is_missing(ask, encoding):
    def strip(request):
        del request["headers"]["X-Amz-Date"]

    message = check_refused(ask(strip), encoding, INCOMPLETE)
    assert "requires existence of either a 'X-Amz-Date' or a 'Date' header" in message


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNzd29yZA==", "Bearer hunter2", "nonsense", ""])
def test_another_kind_of_credentials(ask, encoding, header):
    def replace(request):
        request["headers"]["Authorization"] = header

    answer = ask(replace)
    refusal = NO_TOKEN if header == "" and answer.status == 403 else INCOMPLETE
    message = check_refused(answer, encoding, refusal)
    assert "hunter2" not in message and "dXNl" not in message


def test_an_unknown_key(ask, encoding):
    check_refused(ask(key=Key("AKIAABCDEFGHIJKLMNOP", NO_SECRET)), encoding, UNKNOWN_KEY)


def test_a_key_that_is_switched_off(ask, encoding, account):
    user = account.user()
    account.govern("UpdateAccessKey", AccessKeyId=user.key.id, Status="Inactive")
    check_refused(ask(key=user.key), encoding, UNKNOWN_KEY)


def test_a_wrong_secret(ask, encoding, account):
    check_refused(ask(key=Key(account.root.id, NO_SECRET)), encoding, WRONG_SIGNATURE)


def test_another_accounts_secret(ask, encoding, account, other_account):
    check_refused(ask(key=Key(account.root.id, other_account.root.secret)), encoding, WRONG_SIGNATURE)


def test_a_session_token_is_refused_as_none_are_given_out(ask, encoding):
    check_refused(ask(token="IQoJb3JpZ2luX2VjEXAMPLE"), encoding, UNKNOWN_KEY)


def test_an_old_request(ask, encoding):
    message = check_refused(ask(offset_seconds=-16 * 60), encoding, MISMATCH)
    assert message.startswith("Signature expired: ") and message.endswith("- 15 min.)"), message


def test_a_request_from_the_future(ask, encoding):
    message = check_refused(ask(offset_seconds=16 * 60), encoding, MISMATCH)
    assert message.startswith("Signature not yet current: ") and message.endswith("+ 15 min.)"), message


def test_a_scope_of_another_service(ask, encoding):
    message = check_refused(ask(service="s3"), encoding, MISMATCH)
    assert "Credential should be scoped to correct service" in message


def test_the_host_has_to_be_signed(ask, encoding):
    message = check_refused(ask(unsigned=("host",)), encoding, MISMATCH)
    assert message == "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."


def test_a_changed_body(ask, encoding):
    def change(request):
        request["body"] = request["body"].replace(b"2012-11-05", b"2012-11-06").replace(b"{}", b"{ }")

    check_refused(ask(change), encoding, WRONG_SIGNATURE)


def test_a_changed_path(ask, encoding):
    def change(request):
        request["path"] = "/x"

    check_refused(ask(change), encoding, WRONG_SIGNATURE)


def test_an_added_query(ask, encoding):
    def change(request):
        request["path"] = "/?QueueNamePrefix=a"

    check_refused(ask(change), encoding, WRONG_SIGNATURE)


@pytest.mark.parametrize("header", ["Content-Type", "X-Amz-Date"])
def test_a_changed_header(ask, encoding, header):
    def change(request):
        value = request["headers"][header]
        # Another second of the same day, or a parameter that says nothing.
        last = "1Z" if value.endswith("0Z") else "0Z"
        request["headers"][header] = value[:-2] + last if header == "X-Amz-Date" else f"{value}; a=b"

    check_refused(ask(change), encoding, WRONG_SIGNATURE)


def test_a_changed_target(ask, encoding):
    if encoding == "query":
        pytest.skip("the action is in the body there")

    def change(request):
        request["headers"]["X-Amz-Target"] = "AmazonSQS.DeleteQueue"

    check_refused(ask(change), encoding, WRONG_SIGNATURE)


def test_a_target_that_is_not_signed(ask, encoding):
    if encoding == "query":
        pytest.skip("the action is in the body there")
    answer = ask(unsigned=("x-amz-target",))
    assert answer.status == 403, answer


def test_a_signed_header_that_was_stripped(ask, encoding):
    def strip(request):
        del request["headers"]["X-Extra"]

    headers = {**listing(encoding)[0], "X-Extra": "1"}
    assert ask(headers=headers).status == 200
    check_refused(ask(strip, headers=headers), encoding, WRONG_SIGNATURE)


def test_a_signature_of_another_request(ask, encoding, account, guarded):
    """Date and key are the same, the request is not."""
    host = guarded.endpoint.removeprefix("http://")
    kind = JSON_TYPE if encoding == "json" else FORM_TYPE

    def change(request):
        other = signed(account.root, host, {"Content-Type": kind}, b"other")
        request["headers"]["Authorization"] = other["Authorization"]
        request["headers"]["X-Amz-Date"] = other["X-Amz-Date"]

    answer = ask(change)
    assert answer.status == 403, answer


def test_a_presigned_get(guarded, account, encoding):
    if encoding == "json":
        pytest.skip("a GET has no other encoding than Query")
    queue = account.queue()
    account.sqs.send_message(QueueUrl=queue, MessageBody="m")
    host, path = guarded.endpoint.removeprefix("http://"), "/" + queue.split("/", 3)[3]
    http = Http(guarded.endpoint)
    receive = {"Action": "ReceiveMessage", "Version": "2012-11-05", "WaitTimeSeconds": "5"}
    good = presigned(account.root, host, path, receive)
    answer = http.request("GET", good)
    assert answer.status == 200 and b"<Body>m</Body>" in answer.body, answer
    expired = http.request("GET", presigned(account.root, host, path, receive, 60, offset_seconds=-61))
    assert check_refused(expired, encoding, MISMATCH).startswith("Signature expired: ")
    for changed in (good.replace("ReceiveMessage", "PurgeQueue"), good.replace(path, path + "x"), good + "0"):
        answer = http.request("GET", changed)
        assert answer.status == 403, (changed, answer)
    cut = http.request("GET", good[: good.index("&X-Amz-Signature")])
    check_refused(cut, encoding, INCOMPLETE)
    for expires in ("0", "604801", "soon"):
        changed = presigned(account.root, host, path, {**receive}, expires)
        check_refused(http.request("GET", changed), encoding, INCOMPLETE)
    http.close()
