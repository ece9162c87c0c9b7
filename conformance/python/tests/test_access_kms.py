"""Who may use which key, where the server asks who calls: with the API of KMS, and by sending to queues that keys seal."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.access import Key, policy, statement
from support.clients import REGION, bodies, receive, unique

SQS_ALL = statement(Action="sqs:*", Resource="*")


def kms_of(server, key: Key):
    return boto3.client(
        "kms",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def kms(account):
    return kms_of(account.server, account.root)


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]


def denied(call, code: str = "AccessDeniedException", **parameters) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400), error
    return error["Error"]["Message"]


def test_a_user_needs_a_policy_for_each_action(account, key):
    user = account.user(None, statement(Action=["kms:DescribeKey", "kms:Encrypt"], Resource=key["Arn"]))
    kms = kms_of(account.server, user.key)
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Arn"] == key["Arn"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    said = denied(kms.decrypt, CiphertextBlob=blob)
    assert user.arn in said and "kms:decrypt" in said.lower() and key["Arn"] in said
    for call, parameters in (
        (kms.create_key, {}),
        (kms.list_keys, {}),
        (kms.list_aliases, {}),
        (kms.disable_key, {"KeyId": key["KeyId"]}),
        (kms.schedule_key_deletion, {"KeyId": key["KeyId"]}),
        (kms.put_key_policy, {"KeyId": key["KeyId"], "PolicyName": "default", "Policy": policy(statement(Principal="*", Action="kms:*", Resource="*"))}),
        (kms.generate_data_key, {"KeyId": key["KeyId"], "KeySpec": "AES_256"}),
        (kms.create_alias, {"AliasName": "alias/" + unique(), "TargetKeyId": key["KeyId"]}),
        # Older SDKs do not know it.
        *([(kms.rotate_key_on_demand, {"KeyId": key["KeyId"]})] if hasattr(kms, "rotate_key_on_demand") else []),
        (kms.tag_resource, {"KeyId": key["KeyId"], "Tags": []}),
        (kms.generate_random, {"NumberOfBytes": 8}),
    ):
        denied(call, **parameters)


def test_a_key_s_policy_lets_users_in_and_keeps_them_out(account, kms, key):
    user = account.user()
    theirs = kms_of(account.server, user.key)
    denied(theirs.describe_key, KeyId=key["KeyId"])
    root = statement(Principal={"AWS": account.root_arn}, Action="kms:*", Resource="*")
    allow = statement(Principal={"AWS": user.arn}, Action="kms:DescribeKey", Resource="*")
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy(root, allow))
    assert theirs.describe_key(KeyId=key["KeyId"])
    deny = statement("Deny", Principal={"AWS": user.arn}, Action="kms:*", Resource="*")
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy(root, allow, deny))
    denied(theirs.describe_key, KeyId=key["KeyId"])


def test_who_sends_and_receives_needs_the_key_too(account, key):
    url = account.queue(KmsMasterKeyId=key["KeyId"])
    account.sqs.send_message(QueueUrl=url, MessageBody="by the root")
    without = account.user(None, SQS_ALL)
    said = denied(without.sqs.send_message, "KMS.AccessDeniedException", QueueUrl=url, MessageBody="m")
    assert "kms:generatedatakey" in said.lower() and key["Arn"] in said
    entries = [{"Id": "0", "MessageBody": "m"}]
    denied(without.sqs.send_message_batch, "KMS.AccessDeniedException", QueueUrl=url, Entries=entries)
    denied(without.sqs.receive_message, "KMS.AccessDeniedException", QueueUrl=url)
    receiver = account.user(None, SQS_ALL, statement(Action="kms:Decrypt", Resource=key["Arn"]))
    denied(receiver.sqs.send_message, "KMS.AccessDeniedException", QueueUrl=url, MessageBody="m")
    assert bodies(receive(receiver.sqs, url)) == ["by the root"]
    both = statement(Action=["kms:GenerateDataKey", "kms:Decrypt"], Resource=key["Arn"])
    sender = account.user(None, SQS_ALL, both)
    sender.sqs.send_message(QueueUrl=url, MessageBody="by a user")
    assert bodies(receive(receiver.sqs, url)) == ["by a user"]


def test_sqs_s_own_key_asks_nobody(account):
    user = account.user(None, SQS_ALL)
    for attributes in ({}, {"KmsMasterKeyId": "alias/aws/sqs"}):
        url = account.queue(**attributes)
        user.sqs.send_message(QueueUrl=url, MessageBody="m")
        assert bodies(receive(user.sqs, url)) == ["m"]


def test_a_message_of_an_earlier_key_is_for_those_who_may_use_that(account, kms, key):
    url = account.queue(KmsMasterKeyId=key["KeyId"])
    account.sqs.send_message(QueueUrl=url, MessageBody="of the first key")
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    user = account.user(None, SQS_ALL)
    denied(user.sqs.receive_message, "KMS.AccessDeniedException", QueueUrl=url)
    assert bodies(receive(account.sqs, url)) == ["of the first key"]


def test_a_key_of_another_account(account, other_account, kms, key):
    user = other_account.user(None, SQS_ALL, statement(Action="kms:*", Resource="*"))
    url = other_account.queue(KmsMasterKeyId=key["Arn"])
    denied(user.sqs.send_message, "KMS.AccessDeniedException", QueueUrl=url, MessageBody="m")
    uses = ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey", "kms:DisableKey"]
    share = statement(Principal={"AWS": other_account.root_arn}, Action=uses, Resource="*")
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy(share))
    user.sqs.send_message(QueueUrl=url, MessageBody="shared")
    assert bodies(receive(user.sqs, url)) == ["shared"]
    theirs = kms_of(account.server, user.key)
    assert theirs.describe_key(KeyId=key["Arn"])["KeyMetadata"]["AWSAccountId"] == account.number
    # What governs a key is its own account's, whatever its policy says.
    denied(theirs.disable_key, KeyId=key["Arn"])


def test_strangers_have_no_keys(account, key, stranger, guarded):
    from botocore import UNSIGNED

    kms = boto3.client("kms", endpoint_url=guarded.endpoint, region_name=REGION, config=Config(signature_version=UNSIGNED))
    for call, parameters in ((kms.list_keys, {}), (kms.describe_key, {"KeyId": key["Arn"]})):
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        assert caught.value.response["Error"]["Code"] in (
            "AccessDeniedException",
            "MissingAuthenticationTokenException",
        )
    url = account.queue(KmsMasterKeyId=key["KeyId"])
    account.set_policy(url, statement(Principal="*", Action="sqs:*", Resource="*"))
    denied(stranger.send_message, "KMS.AccessDeniedException", QueueUrl=url, MessageBody="m")


def test_a_policy_can_not_lock_its_owner_out(account, kms, key):
    shut = policy(statement(Effect="Deny", Principal="*", Action="kms:*", Resource="*"))
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=shut)
    denied(kms.describe_key, KeyId=key["KeyId"])
    assert kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"] == shut
    opened = policy(statement(Principal="*", Action="kms:DescribeKey", Resource="*"))
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=opened)
    kms.describe_key(KeyId=key["KeyId"])


def test_an_alias_is_not_taken_from_a_key_that_is_forbidden(account, kms, key):
    own = kms.create_key()["KeyMetadata"]
    alias = "alias/" + unique()
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    user = account.user(
        None,
        statement(Action="kms:UpdateAlias", Resource="*"),
        statement(Effect="Deny", Action="kms:*", Resource=key["Arn"]),
    )
    denied(kms_of(account.server, user.key).update_alias, AliasName=alias, TargetKeyId=own["KeyId"])


def test_conditions_see_the_tags_of_keys(account, kms):
    protected = kms.create_key(Tags=[{"TagKey": "protected", "TagValue": "true"}])["KeyMetadata"]
    other = kms.create_key()["KeyMetadata"]
    deny = {"StringEquals": {"aws:ResourceTag/protected": "true"}}
    user = account.user(
        None,
        statement(Action="kms:*", Resource="*"),
        statement(Effect="Deny", Action="kms:*", Resource="*", Condition=deny),
        statement(Effect="Deny", Action="*", Resource="*", Condition={"StringEquals": {"aws:RequestTag/owner": "root"}}),
    )
    theirs = kms_of(account.server, user.key)
    denied(theirs.disable_key, KeyId=protected["KeyId"])
    denied(theirs.untag_resource, KeyId=protected["KeyId"], TagKeys=["protected"])
    theirs.disable_key(KeyId=other["KeyId"])
    owner = [{"TagKey": "owner", "TagValue": "root"}]
    denied(theirs.tag_resource, KeyId=other["KeyId"], Tags=owner)
    denied(theirs.create_key, Tags=owner)


def test_conditions_see_the_tags_of_a_queues_key(account, kms):
    tags = [{"TagKey": "vault", "TagValue": "closed"}]
    closed = kms.create_key(Tags=tags)["KeyMetadata"]
    url = account.queue(KmsMasterKeyId=closed["KeyId"])
    account.sqs.send_message(QueueUrl=url, MessageBody="kept")
    deny = {"StringEquals": {"aws:ResourceTag/vault": "closed"}}
    allow_all = statement(Action=["sqs:*", "kms:*"], Resource="*")
    user = account.user(None, allow_all, statement(Effect="Deny", Action="kms:Decrypt", Resource="*", Condition=deny))
    denied(user.sqs.receive_message, "KMS.AccessDeniedException", QueueUrl=url)
    kms.untag_resource(KeyId=closed["KeyId"], TagKeys=["vault"])
    assert bodies(receive(user.sqs, url)) == ["kept"]
