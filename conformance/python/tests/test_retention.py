"""Messages that nobody deletes go away by themselves. A minute is the least that can be asked for."""

import time

import pytest

from support.clients import counts, receive
from support.process import eventually

pytestmark = [pytest.mark.once, pytest.mark.slow]


def test_messages_expire(sqs, make_queue):
    """Also those that were sent when the period was longer, and those in flight."""
    short = make_queue(MessageRetentionPeriod="60")
    shortened = make_queue(VisibilityTimeout="43200")
    kept = make_queue(MessageRetentionPeriod="120")
    begun = time.monotonic()
    for queue in (short, shortened, kept):
        for body in ("one", "two"):
            sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert len(receive(sqs, shortened, 1)) == 1
    sqs.set_queue_attributes(QueueUrl=shortened, Attributes={"MessageRetentionPeriod": "60"})
    eventually(lambda: time.monotonic() - begun > 50, 60, "most of the minute")
    assert counts(sqs, short) == (2, 0, 0)
    assert counts(sqs, shortened) == (1, 1, 0)
    eventually(lambda: counts(sqs, short) == counts(sqs, shortened) == (0, 0, 0), 30, "the expiry")
    assert time.monotonic() - begun >= 59
    assert receive(sqs, short) == receive(sqs, shortened) == []
    assert counts(sqs, kept) == (2, 0, 0)
