"""What goes into a message comes out of it: bodies, attributes, system attributes, digests, sizes."""

import re

import pytest

from support.clients import (
    PREFIX, PROTOCOL, Refusal, bodies, delete, invalid, receive, receive_all, receive_one, refused,
)
from support.digests import of_attributes, of_body

LARGEST = 1_048_576

BODIES = {
    "plain": "Hello World!",
    "json": '{"a": [1, 2.5, null, "\\u0041"], "b": "quote \\" slash / backslash \\\\"}',
    "xml": "<a href=\"x\">&amp; ]]> &#13; 'quoted'</a>",
    "form": "a=b&c=d+e%20f",
    "white space": "  leading\tand\n\nlines \r\n trailing  ",
    "carriage returns": "\r\r\n\n\r",
    "one space": " ",
    "korean": "봉수가 올랐다",
    "beyond the basic plane": "🔥\U00010000\U0010fffd",
    "edges of the allowed ranges": "\x20\ud7ff\ue000\ufffd",
    "controls that text has": "\x7f\x80\x85\x9f\u2028\u2029",
    "combining": "e\u0301 \u200f\u202e right to left",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_come_back_unchanged(sqs, queue, body):
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert sent["MD5OfMessageBody"] == of_body(body)
    message = receive_one(sqs, queue)
    assert message["Body"] == body
    assert message["MD5OfBody"] == of_body(body)
    assert message["MessageId"] == sent["MessageId"]


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ufffe", "\uffff"])
def test_other_characters_are_refused(sqs, queue, character):
    refusal = Refusal("InvalidMessageContents", "InvalidMessageContents")
    refused(refusal, sqs.send_message, QueueUrl=queue, MessageBody=f"a{character}b")
    assert receive(sqs, queue) == []


@pytest.mark.parametrize("size", [1, 65_536, 262_144, 262_145, LARGEST])
def test_sizes(sqs, queue, size):
    body = ("0123456789abcde\n" * (size // 16 + 1))[:size]
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert receive_one(sqs, queue)["Body"] == body


def test_a_body_that_escaping_swells(sqs, queue):
    """1 MiB of a character that JSON and XML write in six."""
    body = "\r" * LARGEST
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert receive_one(sqs, queue)["Body"] == body


def test_ten_of_the_largest_that_fit_come_in_one_answer(sqs, queue):
    """104,857 × 10 is what fits into a batch."""
    entries = [{"Id": str(n), "MessageBody": str(n) * 104_857} for n in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    assert sorted(bodies(receive_all(sqs, queue, 10))) == [str(n) * 104_857 for n in range(10)]


@pytest.mark.parametrize("size", [LARGEST + 1, LARGEST + 4096])
def test_too_large(sqs, queue, size):
    message = f"One or more parameters are invalid. Reason: Message must be shorter than {LARGEST} bytes."
    refused(invalid(message), sqs.send_message, QueueUrl=queue, MessageBody="x" * size)


def test_the_queues_own_limit(sqs, make_queue):
    queue = make_queue(MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024)
    message = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    refused(invalid(message), sqs.send_message, QueueUrl=queue, MessageBody="x" * 1025)


def test_size_counts_utf8_bytes_and_attributes(sqs, make_queue):
    queue = make_queue(MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=queue, MessageBody="é" * 512)
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="é" * 513)
    # Name, type and value: 4 + 6 + 14.
    attribute = {"name": {"DataType": "String", "StringValue": "v" * 14}}
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1000, MessageAttributes=attribute)
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="x" * 1001, MessageAttributes=attribute)


def test_the_trace_header_is_not_counted(sqs, make_queue):
    queue = make_queue(MaximumMessageSize="1024")
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024, MessageSystemAttributes=trace)


ATTRIBUTES = {
    "Text": {"DataType": "String", "StringValue": "some text 봉수\r\n"},
    "Number": {"DataType": "Number", "StringValue": "-12.50"},
    "Number.int": {"DataType": "Number.int", "StringValue": "42"},
    "String-label": {"DataType": "String.my-label", "StringValue": "labelled"},
    "Binary": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    "Binary_gif": {"DataType": "Binary.gif", "BinaryValue": b"GIF89a\x00"},
    "a.b.c": {"DataType": "String", "StringValue": "dots"},
}


def test_attributes_of_every_type(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="body", MessageAttributes=ATTRIBUTES)
    assert sent["MD5OfMessageAttributes"] == of_attributes(ATTRIBUTES)
    message = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == ATTRIBUTES
    assert message["MD5OfMessageAttributes"] == of_attributes(ATTRIBUTES)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["All"], list(ATTRIBUTES)),
        (["ALL"], list(ATTRIBUTES)),
        (["all"], list(ATTRIBUTES)),
        ([".*"], list(ATTRIBUTES)),
        (["Text"], ["Text"]),
        (["Text", "Number"], ["Text", "Number"]),
        (["Number.*"], ["Number", "Number.int"]),
        (["Binary_.*", "Text"], ["Text", "Binary_gif"]),
        (["Text", "absent"], ["Text"]),
        (["absent"], []),
        ([], []),
    ],
    ids=str,
)
def test_names_choose_attributes(sqs, queue, names, chosen):
    """The digest is of what is handed out, so that a client can check it."""
    sqs.send_message(QueueUrl=queue, MessageBody="body", MessageAttributes=ATTRIBUTES)
    message = receive_one(sqs, queue, MessageAttributeNames=names)
    assert set(message.get("MessageAttributes", {})) == set(chosen)
    if chosen:
        assert message["MD5OfMessageAttributes"] == of_attributes({name: ATTRIBUTES[name] for name in chosen})
    else:
        assert "MD5OfMessageAttributes" not in message


def test_digests_are_absent_when_there_is_nothing_to_digest(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="body")
    assert "MD5OfMessageAttributes" not in sent
    assert "MD5OfMessageSystemAttributes" not in sent
    assert "SequenceNumber" not in sent
    message = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}


def test_ten_attributes_and_no_more(sqs, queue):
    def named(count):
        return {f"name{n}": {"DataType": "String", "StringValue": "v"} for n in range(count)}

    sqs.send_message(QueueUrl=queue, MessageBody="body", MessageAttributes=named(10))
    assert len(receive_one(sqs, queue, MessageAttributeNames=["All"])["MessageAttributes"]) == 10
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="body", MessageAttributes=named(11))


def test_a_name_of_256_characters(sqs, queue):
    attribute = {"n" * 256: {"DataType": "String", "StringValue": "v"}}
    sqs.send_message(QueueUrl=queue, MessageBody="body", MessageAttributes=attribute)
    assert receive_one(sqs, queue, MessageAttributeNames=["All"])["MessageAttributes"] == attribute


BAD_NAMES = [
    "n" * 257, "AWS.name", "aws.name", "Amazon.name", "aMaZoN.name", ".leading", "trailing.", "doubled..dot",
    "space d", "sla/sh", "봉수", "colon:",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_attribute_names(sqs, queue, name):
    attribute = {name: {"DataType": "String", "StringValue": "v"}}
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="body", MessageAttributes=attribute)


BAD_VALUES = {
    "empty type": {"DataType": "", "StringValue": "v"},
    "unknown type": {"DataType": "Text", "StringValue": "v"},
    "type in lower case": {"DataType": "string", "StringValue": "v"},
    "no number": {"DataType": "Number", "StringValue": "forty"},
    "a forbidden character": {"DataType": "String", "StringValue": "a\x01b"},
    "binary without a value": {"DataType": "Binary"},
    "binary for string": {"DataType": "String", "BinaryValue": b"v"},
    "string for binary": {"DataType": "Binary", "StringValue": "v"},
    "type of 257": {"DataType": "String." + "x" * 250, "StringValue": "v"},
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_bad_attribute_values(sqs, queue, value):
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="body", MessageAttributes={"name": value})


def test_an_empty_string_is_no_value(sqs, queue):
    refused(
        invalid("Message (user) attribute 'empty' must contain a non-empty value of type 'String'."),
        sqs.send_message,
        QueueUrl=queue,
        MessageBody="body",
        MessageAttributes={"empty": {"DataType": "String", "StringValue": ""}},
    )


@pytest.mark.parametrize("names", [["All"], ["ALL"]])
def test_system_attributes_of_a_standard_queue(sqs, queue, names):
    sqs.send_message(QueueUrl=queue, MessageBody="body")
    found = receive_one(sqs, queue, AttributeNames=names)["Attributes"]
    assert set(found) == {
        "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
    }


def test_system_attributes_of_a_fifo_queue(sqs, make_queue):
    queue = make_queue(fifo=True)
    sent = sqs.send_message(QueueUrl=queue, MessageBody="b", MessageGroupId="g", MessageDeduplicationId="d")
    found = receive_one(sqs, queue, AttributeNames=["All"])["Attributes"]
    assert found["MessageGroupId"] == "g"
    assert found["MessageDeduplicationId"] == "d"
    assert found["SequenceNumber"] == sent["SequenceNumber"]
    assert re.fullmatch(r"\d{20}", sent["SequenceNumber"])
    assert set(found) == {
        "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
        "MessageGroupId", "MessageDeduplicationId", "SequenceNumber",
    }


def test_system_attributes_by_name(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="body")
    found = receive_one(sqs, queue, AttributeNames=["SentTimestamp", "ApproximateReceiveCount"])["Attributes"]
    assert set(found) == {"SentTimestamp", "ApproximateReceiveCount"}


@pytest.mark.skipif(PROTOCOL == "query", reason="that model is older than the parameter")
@pytest.mark.parametrize("names", [["All"], ["ALL"]])
def test_system_attributes_by_their_newer_parameter(sqs, queue, names):
    sqs.send_message(QueueUrl=queue, MessageBody="body")
    assert "SenderId" in receive_one(sqs, queue, MessageSystemAttributeNames=names)["Attributes"]


def test_an_unknown_system_attribute_is_refused(sqs, queue):
    refusal = Refusal("InvalidAttributeName", "InvalidAttributeName")
    refused(refusal, sqs.receive_message, QueueUrl=queue, AttributeNames=["Foo"])


def test_the_trace_header_as_a_parameter(sqs, queue):
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    user = {"name": {"DataType": "String", "StringValue": "v"}}
    sent = sqs.send_message(
        QueueUrl=queue, MessageBody="body", MessageSystemAttributes=trace, MessageAttributes=user
    )
    assert sent["MD5OfMessageSystemAttributes"] == of_attributes(trace)
    assert sent["MD5OfMessageAttributes"] == of_attributes(user)
    message = receive_one(sqs, queue, AttributeNames=["AWSTraceHeader"], MessageAttributeNames=["All"])
    assert message["Attributes"] == {"AWSTraceHeader": trace["AWSTraceHeader"]["StringValue"]}
    assert message["MD5OfMessageAttributes"] == of_attributes(user)


def test_the_trace_header_as_a_header(sqs, http, queue):
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    sent = http.json("SendMessage", {"QueueUrl": queue, "MessageBody": "b"}, headers={"X-Amzn-Trace-Id": trace})
    assert sent.status == 200, sent
    assert receive_one(sqs, queue, AttributeNames=["All"])["Attributes"]["AWSTraceHeader"] == trace


def test_no_other_system_attribute_can_be_sent(sqs, queue):
    value = {"SenderId": {"DataType": "String", "StringValue": "me"}}
    refused(invalid(), sqs.send_message, QueueUrl=queue, MessageBody="body", MessageSystemAttributes=value)


def test_a_batch_answers_each_entry(sqs, queue):
    entries = [
        {"Id": "plain", "MessageBody": "one"},
        {"Id": "with_attributes", "MessageBody": "two", "MessageAttributes": ATTRIBUTES},
        {"Id": "delayed-1", "MessageBody": "three", "DelaySeconds": 900},
    ]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert not answer.get("Failed")
    by_id = {entry["Id"]: entry for entry in answer["Successful"]}
    assert set(by_id) == {"plain", "with_attributes", "delayed-1"}
    assert len({entry["MessageId"] for entry in by_id.values()}) == 3
    assert by_id["plain"]["MD5OfMessageBody"] == of_body("one")
    assert "MD5OfMessageAttributes" not in by_id["plain"]
    assert by_id["with_attributes"]["MD5OfMessageAttributes"] == of_attributes(ATTRIBUTES)
    assert sorted(bodies(receive_all(sqs, queue, 2))) == ["one", "two"]


def test_message_ids_are_legal_batch_entry_ids(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(10)])
    messages = receive_all(sqs, queue, 10)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", message["MessageId"]) for message in messages)
    entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10


def test_one_oversized_entry_fails_alone(sqs, make_queue):
    queue = make_queue(MaximumMessageSize="1024")
    entries = [{"Id": "fits", "MessageBody": "x" * 1024}, {"Id": "not", "MessageBody": "x" * 1025}]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["fits"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("not", "InvalidParameterValue", True)
    assert failed["Message"]
    assert bodies(receive_all(sqs, queue, 1)) == ["x" * 1024]


def test_one_bad_entry_fails_alone(sqs, queue):
    entries = [
        {"Id": "good", "MessageBody": "good"},
        {"Id": "characters", "MessageBody": "a\x01b"},
        {"Id": "delay", "MessageBody": "late", "DelaySeconds": 901},
    ]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    failed = {entry["Id"]: (entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]}
    assert failed == {"characters": ("InvalidMessageContents", True), "delay": ("InvalidParameterValue", True)}


BATCHES = {
    "none": ([], PREFIX + "EmptyBatchRequest", "EmptyBatchRequest", None),
    "twice the same id": (
        [{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}],
        PREFIX + "BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", None,
    ),
    "twenty": (
        [{"Id": str(n), "MessageBody": "m"} for n in range(20)],
        PREFIX + "TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 20.",
    ),
    "one byte too long": (
        [{"Id": "a", "MessageBody": "x" * 524_288}, {"Id": "b", "MessageBody": "x" * 524_289}],
        PREFIX + "BatchRequestTooLong", "BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    ),
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_bad_batches_fail_whole(sqs, queue, batch):
    entries, code, kind, message = batch
    refused(Refusal(code, kind, message), sqs.send_message_batch, QueueUrl=queue, Entries=entries)
    assert receive(sqs, queue) == []


@pytest.mark.parametrize("entry_id", ["", "a b", "a:b", "x" * 81, "봉수", "a.b"])
@pytest.mark.parametrize("action", ["send", "delete", "change"])
def test_bad_entry_ids(sqs, queue, action, entry_id):
    message = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )
    refusal = Refusal(PREFIX + "InvalidBatchEntryId", "InvalidBatchEntryId", message)
    call, entry = {
        "send": (sqs.send_message_batch, {"MessageBody": "m"}),
        "delete": (sqs.delete_message_batch, {"ReceiptHandle": "r"}),
        "change": (sqs.change_message_visibility_batch, {"ReceiptHandle": "r", "VisibilityTimeout": 1}),
    }[action]
    refused(refusal, call, QueueUrl=queue, Entries=[{"Id": entry_id, **entry}])


def test_batches_of_deletes_and_changes_have_the_same_limits(sqs, queue):
    many = [{"Id": str(n), "ReceiptHandle": "r"} for n in range(11)]
    message = "Maximum number of entries per request are 10. You have sent 11."
    refusal = Refusal(PREFIX + "TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest", message)
    empty = Refusal(PREFIX + "EmptyBatchRequest", "EmptyBatchRequest")
    twice = Refusal(PREFIX + "BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct")
    for call, more in (
        (sqs.delete_message_batch, {}),
        (sqs.change_message_visibility_batch, {"VisibilityTimeout": 1}),
    ):
        entries = [{**entry, **more} for entry in many]
        refused(refusal, call, QueueUrl=queue, Entries=entries)
        refused(empty, call, QueueUrl=queue, Entries=[])
        refused(twice, call, QueueUrl=queue, Entries=[entries[0], entries[0]])


def test_receipt_handles_change_and_are_never_forged(sqs, make_queue):
    queue, other = make_queue(VisibilityTimeout="0"), make_queue()
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    first, second = receive_one(sqs, queue), receive_one(sqs, queue)
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    handle = second["ReceiptHandle"]
    bad = Refusal("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", status=404)
    middle = len(handle) // 2
    swapped = "A" if handle[middle] != "A" else "B"
    forged = handle[:middle] + swapped + handle[middle + 1 :]
    for candidate in ("garbage", forged, handle[:-4], "x" * 2000, "봉수"):
        refused(bad, sqs.delete_message, QueueUrl=queue, ReceiptHandle=candidate)
    refused(bad, sqs.delete_message, QueueUrl=other, ReceiptHandle=handle)
    refused(bad, sqs.change_message_visibility, QueueUrl=queue, ReceiptHandle=forged, VisibilityTimeout=1)
    answer = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": "forged", "ReceiptHandle": forged}, {"Id": "real", "ReceiptHandle": handle}],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["real"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("forged", "ReceiptHandleIsInvalid")]
    assert receive(sqs, queue) == []


def test_deleting_twice_succeeds(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    message = receive_one(sqs, queue)
    delete(sqs, queue, message, message)


def test_an_old_handle_deletes_nothing_that_was_received_again(sqs, make_queue):
    queue = make_queue(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    old, current = receive_one(sqs, queue), receive_one(sqs, queue)
    delete(sqs, queue, old)
    assert len(receive(sqs, queue)) == 1, "the delete of the old receive took the message"
    assert current["ReceiptHandle"] != old["ReceiptHandle"]


def test_an_expired_handle_deletes_what_was_not_received_again(sqs, make_queue):
    queue = make_queue(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    delete(sqs, queue, receive_one(sqs, queue))
    assert receive(sqs, queue) == []


def test_receive_hands_out_up_to_ten(sqs, queue):
    for start in (0, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    one = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert len(one) == 1, "one is the default"
    assert len(receive(sqs, queue, 4)) <= 4
    assert len(receive(sqs, queue, 10)) <= 10
