"""Queues themselves: creating, finding, listing, attributes, tags, permissions, purging, deleting."""

import json
import time

import pytest

from support.clients import (
    ACCOUNT, NO_SUCH_QUEUE, PREFIX, REGION, Refusal, arn, attributes, bodies, counts, invalid, invalid_value,
    receive, receive_one, refused, refused_as_one_of, unique,
)
from support.process import eventually

DEFAULTS = {
    "VisibilityTimeout": "30", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
}
READ_ONLY = {
    "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
}
FIFO_DEFAULTS = {
    "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
UNKNOWN_ATTRIBUTE = Refusal("InvalidAttributeName", "InvalidAttributeName")
BAD_VALUE = Refusal("InvalidAttributeValue", "InvalidAttributeValue")


class TestCreate:
    def test_defaults(self, sqs, make_queue):
        before = int(time.time())
        name = unique()
        url = make_queue(name)
        assert url.endswith(f"/{ACCOUNT}/{name}")
        found = attributes(sqs, url)
        assert found.items() >= DEFAULTS.items()
        assert set(found) == set(DEFAULTS) | READ_ONLY
        assert found["QueueArn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        assert before - 1 <= int(found["CreatedTimestamp"]) <= time.time() + 1, "in seconds"
        assert found["LastModifiedTimestamp"] == found["CreatedTimestamp"]

    def test_fifo_defaults(self, sqs, make_queue):
        found = attributes(sqs, make_queue(fifo=True))
        assert found.items() >= {**DEFAULTS, **FIFO_DEFAULTS}.items()
        assert set(found) == set(DEFAULTS) | set(FIFO_DEFAULTS) | READ_ONLY

    @pytest.mark.parametrize("name", ["a", "a" * 80, "A-b_9", "-", "_", "fifo", "0"])
    def test_good_names(self, sqs, patient_sqs, name):
        url = patient_sqs.create_queue(QueueName=name)["QueueUrl"]
        assert patient_sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
        patient_sqs.delete_queue(QueueUrl=url)

    @pytest.mark.parametrize("name", ["a" * 81, "a.b", "a b", "a/b", "봉수", "a.FIFO", "a:b", ".fifo.x"])
    def test_bad_names(self, sqs, name):
        refused(invalid(), sqs.create_queue, QueueName=name)

    def test_fifo_names(self, sqs, make_queue):
        longest = unique().ljust(75, "x") + ".fifo"
        make_queue(longest, fifo=True)
        fifo = {"FifoQueue": "true"}
        refused(invalid(), sqs.create_queue, QueueName="x" * 76 + ".fifo", Attributes=fifo)
        refused(invalid(), sqs.create_queue, QueueName=unique(), Attributes=fifo)
        refused(invalid(), sqs.create_queue, QueueName=".fifo", Attributes=fifo)
        refused(invalid(), sqs.create_queue, QueueName=unique(fifo=True))

    def test_equal_attributes_are_idempotent(self, sqs, make_queue):
        name = unique()
        url = make_queue(name, DelaySeconds="1", VisibilityTimeout="7")
        for same in ({}, {"DelaySeconds": "1"}, {"VisibilityTimeout": "7", "DelaySeconds": "1"}):
            assert sqs.create_queue(QueueName=name, Attributes=same)["QueueUrl"] == url

    def test_different_attributes_are_refused(self, sqs, make_queue):
        name = unique()
        make_queue(name, DelaySeconds="1")
        message = "A queue already exists with the same name and a different value for attribute DelaySeconds"
        refusal = Refusal("QueueAlreadyExists", "QueueNameExists", message)
        refused(refusal, sqs.create_queue, QueueName=name, Attributes={"DelaySeconds": "2"})

    def test_attributes_that_were_changed_count(self, sqs, make_queue):
        name = unique()
        url = make_queue(name)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
        assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] == url
        refusal = Refusal("QueueAlreadyExists", "QueueNameExists")
        refused(refusal, sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "30"})

    def test_a_fifo_queue_is_only_made_as_one(self, sqs):
        refused(
            Refusal(
                "InvalidAttributeName", "InvalidAttributeName",
                "You can specify the DeduplicationScope only when FifoQueue is set to true.",
            ),
            sqs.create_queue, QueueName=unique(), Attributes={"DeduplicationScope": "queue"},
        )
        refused(
            Refusal(
                "InvalidAttributeName", "InvalidAttributeName",
                "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
            ),
            sqs.create_queue, QueueName=unique(), Attributes={"FifoThroughputLimit": "perQueue"},
        )
        refused(
            UNKNOWN_ATTRIBUTE,
            sqs.create_queue, QueueName=unique(), Attributes={"ContentBasedDeduplication": "true"},
        )

    def test_with_tags(self, sqs, make_queue):
        url = make_queue(tags={"team": "checkout"})
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "checkout"}


ROUND_TRIPS = [
    ("VisibilityTimeout", ["0", "43200"], ["-1", "43201", "x", "1.5", ""]),
    ("DelaySeconds", ["0", "900"], ["-1", "901", "x", ""]),
    ("MaximumMessageSize", ["1024", "262144", "1048576"], ["1023", "1048577", "x", ""]),
    ("MessageRetentionPeriod", ["60", "1209600"], ["59", "1209601", "x", ""]),
    ("ReceiveMessageWaitTimeSeconds", ["0", "20"], ["-1", "21", "x", ""]),
    ("KmsMasterKeyId", ["alias/aws/sqs", "1234abcd-12ab-34cd-56ef-1234567890ab"], []),
    ("KmsDataKeyReusePeriodSeconds", ["60", "86400"], ["59", "86401", "x", ""]),
    ("SqsManagedSseEnabled", ["true", "false"], ["yes", ""]),
]
FIFO_ROUND_TRIPS = [
    ("ContentBasedDeduplication", ["true", "false"], ["yes", ""]),
    ("DeduplicationScope", ["messageGroup", "queue"], ["group", ""]),
]


def cases(rows, column):
    return [(row[0], value) for row in rows for value in row[column]]


class TestAttributes:
    @pytest.mark.parametrize(("name", "value"), cases(ROUND_TRIPS, 1))
    def test_set_and_get(self, sqs, queue, name, value):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert attributes(sqs, queue, name) == {name: value}
        assert attributes(sqs, queue)[name] == value

    @pytest.mark.parametrize(("name", "value"), cases(ROUND_TRIPS, 1))
    def test_create_and_get(self, sqs, make_queue, name, value):
        assert attributes(sqs, make_queue(**{name: value}), name) == {name: value}

    @pytest.mark.parametrize(("name", "value"), cases(FIFO_ROUND_TRIPS, 1))
    def test_fifo_set_and_get(self, sqs, make_queue, name, value):
        queue = make_queue(fifo=True)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert attributes(sqs, queue, name) == {name: value}

    @pytest.mark.parametrize(("name", "value"), cases(ROUND_TRIPS, 2))
    def test_bad_values(self, sqs, queue, name, value):
        before = attributes(sqs, queue, name)
        refused(BAD_VALUE, sqs.set_queue_attributes, QueueUrl=queue, Attributes={name: value})
        refused(BAD_VALUE, sqs.create_queue, QueueName=unique(), Attributes={name: value})
        assert attributes(sqs, queue, name) == before

    @pytest.mark.parametrize(("name", "value"), cases(FIFO_ROUND_TRIPS, 2))
    def test_bad_fifo_values(self, sqs, make_queue, name, value):
        refused(BAD_VALUE, sqs.set_queue_attributes, QueueUrl=make_queue(fifo=True), Attributes={name: value})

    def test_throughput_per_group_needs_deduplication_per_group(self, sqs, make_queue):
        queue = make_queue(fifo=True)
        both = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
        per_group = {"FifoThroughputLimit": "perMessageGroupId"}
        refused_as_one_of([invalid(), BAD_VALUE], sqs.set_queue_attributes, QueueUrl=queue, Attributes=per_group)
        assert attributes(sqs, queue)["FifoThroughputLimit"] == "perQueue"
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=both)
        assert attributes(sqs, queue).items() >= both.items()

    def test_nothing_changes_when_one_of_several_is_bad(self, sqs, queue):
        both = {"VisibilityTimeout": "7", "DelaySeconds": "901"}
        refused(BAD_VALUE, sqs.set_queue_attributes, QueueUrl=queue, Attributes=both)
        assert attributes(sqs, queue).items() >= DEFAULTS.items()

    @pytest.mark.parametrize("name", ["Foo", "visibilitytimeout", *sorted(READ_ONLY)])
    def test_unknown_and_read_only_names(self, sqs, queue, name):
        refused(UNKNOWN_ATTRIBUTE, sqs.set_queue_attributes, QueueUrl=queue, Attributes={name: "1"})
        refused(UNKNOWN_ATTRIBUTE, sqs.create_queue, QueueName=unique(), Attributes={name: "1"})

    def test_a_queue_never_changes_its_type(self, sqs, queue, make_queue):
        unknown = Refusal("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute FifoQueue.")
        for value in ("true", "false"):
            refused(unknown, sqs.set_queue_attributes, QueueUrl=queue, Attributes={"FifoQueue": value})
        message = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
        refusal = Refusal("InvalidAttributeValue", "InvalidAttributeValue", message)
        fifo = make_queue(fifo=True)
        refused(refusal, sqs.set_queue_attributes, QueueUrl=fifo, Attributes={"FifoQueue": "false"})

    def test_names_choose(self, sqs, queue):
        assert set(attributes(sqs, queue, "QueueArn", "DelaySeconds")) == {"QueueArn", "DelaySeconds"}
        refused(UNKNOWN_ATTRIBUTE, sqs.get_queue_attributes, QueueUrl=queue, AttributeNames=["Foo"])

    def test_nothing_asked_for_is_nothing_answered(self, sqs, queue):
        assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue)
        assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])
        assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["FifoQueue"])

    def test_a_change_is_dated(self, sqs, queue):
        created = attributes(sqs, queue)["CreatedTimestamp"]
        eventually(lambda: int(time.time()) > int(created), what="the next second")
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"})
        found = attributes(sqs, queue)
        assert found["CreatedTimestamp"] == created
        assert int(found["LastModifiedTimestamp"]) > int(created)

    def test_encryption_is_of_one_kind(self, sqs, make_queue):
        queue = make_queue(KmsMasterKeyId="testKeyId", SqsManagedSseEnabled="false")
        message = (
            "You can use one type of server-side encryption (SSE) at one time. "
            "You can either enable KMS SSE or SQS SSE."
        )
        refusal = Refusal("InvalidAttributeName", "InvalidAttributeName", message)
        both = {"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"}
        refused(refusal, sqs.set_queue_attributes, QueueUrl=queue, Attributes=both)
        refused(refusal, sqs.create_queue, QueueName=unique(), Attributes=both)

    def test_a_key_turns_managed_encryption_off(self, sqs, make_queue):
        queue = make_queue(KmsMasterKeyId="testKeyId", KmsDataKeyReusePeriodSeconds="6000")
        names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
        found = attributes(sqs, queue, *names)
        assert dict(zip(names, ("testKeyId", "6000", "false"))) == found

    def test_policies_come_back_to_the_byte(self, sqs, queue):
        statement = {
            "Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn(sqs, queue)
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        for text in (json.dumps(document), json.dumps(document, indent=4), json.dumps(document, sort_keys=True)):
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
            assert attributes(sqs, queue, "Policy") == {"Policy": text}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
        assert "Policy" not in attributes(sqs, queue)

    @pytest.mark.parametrize("text", ["no json", "[]", '{"Version": "2012-10-17"}', "x" * 8193])
    def test_bad_policies(self, sqs, queue, text):
        refused(BAD_VALUE, sqs.set_queue_attributes, QueueUrl=queue, Attributes={"Policy": text})
        assert "Policy" not in attributes(sqs, queue)

    def test_a_policy_has_limits(self, sqs, queue):
        def document(statements, principals):
            return json.dumps({
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": f"s{n}", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                        "Principal": {"AWS": [f"{account:012}" for account in range(1, principals + 1)]},
                    }
                    for n in range(statements)
                ],
            })

        for good in (document(20, 1), document(1, 50)):
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": good})
        for bad in (document(21, 1), document(1, 51)):
            either = [BAD_VALUE, Refusal("OverLimit", "OverLimit", status=403)]
            refused_as_one_of(either, sqs.set_queue_attributes, QueueUrl=queue, Attributes={"Policy": bad})

    def test_counts(self, sqs, make_queue):
        queue = make_queue()
        entries = [{"Id": str(n), "MessageBody": "m", "DelaySeconds": 900 if n < 2 else 0} for n in range(6)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        assert counts(sqs, queue) == (4, 0, 2)
        receive_one(sqs, queue)
        assert counts(sqs, queue) == (3, 1, 2)


class TestFind:
    def test_get_url_by_name(self, sqs, queue):
        name = queue.rsplit("/", 1)[1]
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
        assert sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == queue
        refused(NO_SUCH_QUEUE, sqs.get_queue_url, QueueName=unique())

    def test_list_by_prefix_and_in_pages(self, sqs, make_queue):
        prefix = unique("list")
        urls = sorted(make_queue(f"{prefix}-{n}") for n in range(5))
        assert sorted(sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == urls
        found, token, pages = [], {}, 0
        while pages == 0 or token:
            page = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2, **token)
            assert len(page["QueueUrls"]) <= 2
            found += page["QueueUrls"]
            token, pages = ({"NextToken": page["NextToken"]} if page.get("NextToken") else {}), pages + 1
        assert sorted(found) == urls and pages == 3
        assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=unique("nothing"))
        assert "NextToken" not in sqs.list_queues(QueueNamePrefix=prefix)

    def test_the_sdks_paginator(self, sqs, make_queue):
        prefix = unique("page")
        urls = sorted(make_queue(f"{prefix}-{n}") for n in range(3))
        pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 1})
        assert sorted(url for page in pages for url in page.get("QueueUrls", [])) == urls

    @pytest.mark.parametrize("number", [0, -1, 1001])
    def test_page_sizes(self, sqs, number):
        refused(invalid(), sqs.list_queues, MaxResults=number)

    def test_a_bad_token(self, sqs):
        refused(invalid(), sqs.list_queues, MaxResults=1, NextToken="garbage")


class TestTags:
    def test_tag_list_untag(self, sqs, queue):
        assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)
        tags = {"team": "checkout", "Team": "other", "empty": "", "봉수": "불"}
        sqs.tag_queue(QueueUrl=queue, Tags=tags)
        assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == tags
        sqs.tag_queue(QueueUrl=queue, Tags={"team": "search"})
        assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {**tags, "team": "search"}
        sqs.untag_queue(QueueUrl=queue, TagKeys=["team", "absent"])
        assert set(sqs.list_queue_tags(QueueUrl=queue)["Tags"]) == set(tags) - {"team"}
        sqs.untag_queue(QueueUrl=queue, TagKeys=list(tags))
        assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)

    def test_fifty_and_no_more(self, sqs, queue):
        sqs.tag_queue(QueueUrl=queue, Tags={f"key{n}": str(n) for n in range(50)})
        assert len(sqs.list_queue_tags(QueueUrl=queue)["Tags"]) == 50
        sqs.tag_queue(QueueUrl=queue, Tags={"key0": "again"})
        refused(invalid(), sqs.tag_queue, QueueUrl=queue, Tags={"one more": "1"})

    def test_creating_a_queue_again_leaves_its_tags_alone(self, sqs, make_queue):
        name = unique()
        url = make_queue(name, tags={"a": "1"})
        assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
        assert sqs.create_queue(QueueName=name, tags={"a": "1"})["QueueUrl"] == url
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}


class TestPermissions:
    def add(self, sqs, queue, label, accounts=("111122223333",), actions=("SendMessage",)):
        sqs.add_permission(QueueUrl=queue, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))

    def policy(self, sqs, queue):
        return json.loads(attributes(sqs, queue, "Policy")["Policy"])

    def test_one_account_and_action(self, sqs, queue):
        self.add(sqs, queue, "label")
        queue_arn = arn(sqs, queue)
        assert self.policy(sqs, queue) == {
            "Version": "2008-10-17",
            "Id": f"{queue_arn}/SQSDefaultPolicy",
            "Statement": [{
                "Sid": "label", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "SQS:SendMessage", "Resource": queue_arn,
            }],
        }

    def test_several(self, sqs, queue):
        self.add(sqs, queue, "label", ("111122223333", "444455556666"), ("SendMessage", "ReceiveMessage"))
        (statement,) = self.policy(sqs, queue)["Statement"]
        accounts = ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]
        assert statement["Principal"] == {"AWS": accounts}
        assert statement["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage"]

    def test_every_action(self, sqs, queue):
        self.add(sqs, queue, "label", actions=("*",))
        (statement,) = self.policy(sqs, queue)["Statement"]
        assert statement["Action"] == "SQS:*"

    def test_labels(self, sqs, queue):
        self.add(sqs, queue, "one")
        self.add(sqs, queue, "two")
        again = {"Label": "one", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}
        refused(invalid_value("Label", "one", "Already exists."), sqs.add_permission, QueueUrl=queue, **again)
        sqs.remove_permission(QueueUrl=queue, Label="one")
        assert [statement["Sid"] for statement in self.policy(sqs, queue)["Statement"]] == ["two"]
        refused(invalid_value("Label", "one", "can't find label."), sqs.remove_permission, QueueUrl=queue, Label="one")
        sqs.remove_permission(QueueUrl=queue, Label="two")
        assert "Policy" not in attributes(sqs, queue)

    @pytest.mark.parametrize("action", ["CreateQueue", "Foo", "sendmessage", "AddPermission"])
    def test_actions_that_cannot_be_given(self, sqs, queue, action):
        refused(
            invalid(), sqs.add_permission,
            QueueUrl=queue, Label="l", AWSAccountIds=["111122223333"], Actions=[action],
        )

    def test_seven_actions_and_no_more(self, sqs, queue):
        actions = [
            "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
            "GetQueueUrl", "PurgeQueue", "ListDeadLetterSourceQueues",
        ]
        parameters = {"QueueUrl": queue, "Label": "l", "AWSAccountIds": ["111122223333"]}
        refused(Refusal("OverLimit", "OverLimit", status=403), sqs.add_permission, **parameters, Actions=actions)
        sqs.add_permission(**parameters, Actions=actions[:7])

    @pytest.mark.parametrize("account", ["", "12", "abcdefghijkl", "1111222233334"])
    def test_bad_accounts(self, sqs, queue, account):
        refused(
            invalid(), sqs.add_permission, QueueUrl=queue, Label="l", AWSAccountIds=[account], Actions=["SendMessage"]
        )


class TestPurgeAndDelete:
    def test_purge(self, sqs, queue):
        for delay in (0, 0, 900):
            sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=delay)
        held = receive_one(sqs, queue)
        sqs.purge_queue(QueueUrl=queue)
        assert counts(sqs, queue) == (0, 0, 0)
        assert receive(sqs, queue) == []
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=held["ReceiptHandle"])
        sqs.send_message(QueueUrl=queue, MessageBody="after")
        assert bodies(receive(sqs, queue)) == ["after"]

    def test_once_in_a_minute(self, sqs, queue):
        name = queue.rsplit("/", 1)[1]
        sqs.purge_queue(QueueUrl=queue)
        message = f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
        refusal = Refusal(PREFIX + "PurgeQueueInProgress", "PurgeQueueInProgress", message, 403)
        refused(refusal, sqs.purge_queue, QueueUrl=queue)

    def test_deleted_is_gone(self, sqs, make_queue):
        name = unique()
        url = make_queue(name)
        sqs.send_message(QueueUrl=url, MessageBody="m")
        sqs.delete_queue(QueueUrl=url)
        refused(NO_SUCH_QUEUE, sqs.get_queue_url, QueueName=name)
        refused(NO_SUCH_QUEUE, sqs.receive_message, QueueUrl=url)
        refused(NO_SUCH_QUEUE, sqs.delete_queue, QueueUrl=url)
        assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)

    def test_a_name_rests_for_a_minute(self, sqs, make_queue):
        name = unique()
        sqs.delete_queue(QueueUrl=make_queue(name))
        refusal = Refusal(PREFIX + "QueueDeletedRecently", "QueueDeletedRecently")
        refused(refusal, sqs.create_queue, QueueName=name)

    @pytest.mark.once
    @pytest.mark.slow
    def test_after_a_minute_both_are_possible(self, sqs, make_queue):
        purged, name = make_queue(), unique()
        sqs.purge_queue(QueueUrl=purged)
        sqs.delete_queue(QueueUrl=make_queue(name))
        begun = time.monotonic()

        def accepted():
            try:
                sqs.purge_queue(QueueUrl=purged)
                return make_queue(name)
            except (sqs.exceptions.PurgeQueueInProgress, sqs.exceptions.QueueDeletedRecently):
                time.sleep(0.5)

        eventually(accepted, 70, "the end of the cool-downs")
        assert time.monotonic() - begun >= 58

    def test_without_cooldowns(self, patient_sqs):
        name = unique()
        url = patient_sqs.create_queue(QueueName=name)["QueueUrl"]
        for _ in range(3):
            patient_sqs.send_message(QueueUrl=url, MessageBody="m")
            patient_sqs.purge_queue(QueueUrl=url)
            assert counts(patient_sqs, url) == (0, 0, 0)
        for _ in range(3):
            patient_sqs.send_message(QueueUrl=url, MessageBody="m")
            patient_sqs.delete_queue(QueueUrl=url)
            assert patient_sqs.create_queue(QueueName=name)["QueueUrl"] == url
            assert counts(patient_sqs, url) == (0, 0, 0), "a new queue has nothing of the old one"
        patient_sqs.delete_queue(QueueUrl=url)

    def test_a_handle_of_an_earlier_queue_of_that_name_is_worth_nothing(self, patient_sqs):
        name = unique()
        url = patient_sqs.create_queue(QueueName=name)["QueueUrl"]
        patient_sqs.send_message(QueueUrl=url, MessageBody="old")
        old = receive_one(patient_sqs, url)
        patient_sqs.delete_queue(QueueUrl=url)
        patient_sqs.create_queue(QueueName=name)
        patient_sqs.send_message(QueueUrl=url, MessageBody="new")
        try:
            patient_sqs.delete_message(QueueUrl=url, ReceiptHandle=old["ReceiptHandle"])
        except patient_sqs.exceptions.ReceiptHandleIsInvalid:
            pass  # Either is right; what matters is the message.
        assert bodies(receive(patient_sqs, url)) == ["new"]
        patient_sqs.delete_queue(QueueUrl=url)


CALLS = {
    "add_permission": {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]},
    "change_message_visibility": {"ReceiptHandle": "r", "VisibilityTimeout": 1},
    "change_message_visibility_batch": {"Entries": [{"Id": "a", "ReceiptHandle": "r", "VisibilityTimeout": 1}]},
    "delete_message": {"ReceiptHandle": "r"},
    "delete_message_batch": {"Entries": [{"Id": "a", "ReceiptHandle": "r"}]},
    "delete_queue": {},
    "get_queue_attributes": {"AttributeNames": ["All"]},
    "list_dead_letter_source_queues": {},
    "list_queue_tags": {},
    "purge_queue": {},
    "receive_message": {},
    "remove_permission": {"Label": "l"},
    "send_message": {"MessageBody": "m"},
    "send_message_batch": {"Entries": [{"Id": "a", "MessageBody": "m"}]},
    "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
    "tag_queue": {"Tags": {"a": "1"}},
    "untag_queue": {"TagKeys": ["a"]},
}


@pytest.mark.parametrize("operation", CALLS)
def test_a_missing_queue_is_the_same_error_everywhere(sqs, endpoint, operation):
    url = f"{endpoint}/{ACCOUNT}/{unique('missing')}"
    error = refused(NO_SUCH_QUEUE, getattr(sqs, operation), QueueUrl=url, **CALLS[operation])
    assert isinstance(error, sqs.exceptions.QueueDoesNotExist), "typed, as the SDK's users catch it"
