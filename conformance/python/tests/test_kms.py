"""Keys: the API of AWS KMS on the same endpoint, and what keys do to queues."""

import time

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.clients import ACCOUNT, PROTOCOL, REGION, bodies, client, counts, receive, receive_all, unique

pytestmark = pytest.mark.skipif(PROTOCOL != "json", reason="SQS's older protocol makes no difference to keys")


def kms_client(endpoint: str, region: str = REGION, access_key: str = "test"):
    return boto3.client(
        "kms",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


@pytest.fixture
def kms(endpoint):
    return kms_client(endpoint)


@pytest.fixture
def key(kms):
    return kms.create_key(Description="a test's")["KeyMetadata"]


def refused(code: str, call, message: str | None = None, **parameters) -> dict:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert error["Message"] == message
    return error


def alias_name() -> str:
    return "alias/" + unique("key")


def test_a_key_is_made_and_described(kms):
    tags = [{"TagKey": "team", "TagValue": "one"}]
    made = kms.create_key(Description="orders", Tags=tags)["KeyMetadata"]
    assert made["Arn"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{made['KeyId']}"
    assert made["AWSAccountId"] == ACCOUNT and made["Description"] == "orders"
    assert (made["KeyState"], made["Enabled"], made["KeyManager"]) == ("Enabled", True, "CUSTOMER")
    assert (made["KeyUsage"], made["KeySpec"], made["Origin"]) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "AWS_KMS")
    assert abs(made["CreationDate"].timestamp() - time.time()) < 60
    for name in (made["KeyId"], made["Arn"]):
        assert kms.describe_key(KeyId=name)["KeyMetadata"] == made
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == tags
    kms.update_key_description(KeyId=made["KeyId"], Description="others")
    assert kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["Description"] == "others"


def test_keys_are_listed_in_pages(endpoint):
    kms = kms_client(endpoint, access_key="111122223333")
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert {one["KeyId"] for page in pages for one in page["Keys"]} == made
    assert kms_client(endpoint, "eu-west-1", "111122223333").list_keys()["Keys"] == []
    refused("ValidationException", kms.list_keys, Limit=1001)


def test_aliases(kms, key):
    other, name = kms.create_key()["KeyMetadata"], alias_name()
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:{name}"
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == key["KeyId"]
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyId"] == key["KeyId"]
    refused(
        "AlreadyExistsException",
        kms.create_alias,
        f"An alias with the name {arn} already exists",
        AliasName=name,
        TargetKeyId=other["KeyId"],
    )
    listed = kms.list_aliases(KeyId=key["KeyId"])["Aliases"]
    assert [(one["AliasName"], one["AliasArn"], one["TargetKeyId"]) for one in listed] == [(name, arn, key["KeyId"])]
    kms.update_alias(AliasName=name, TargetKeyId=other["Arn"])
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == other["KeyId"]
    kms.delete_alias(AliasName=name)
    refused("NotFoundException", kms.describe_key, f"Alias {arn} is not found.", KeyId=name)
    refused("NotFoundException", kms.delete_alias, AliasName=name)
    refused("ValidationException", kms.create_alias, AliasName="name", TargetKeyId=key["KeyId"])
    refused("ValidationException", kms.create_alias, AliasName="alias/a b", TargetKeyId=key["KeyId"])
    refused("NotAuthorizedException", kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=key["KeyId"])


def test_what_does_not_exist(kms):
    missing = "12345678-1234-1234-1234-123456789012"
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{missing}"
    refused("NotFoundException", kms.describe_key, f"Key '{arn}' does not exist", KeyId=missing)
    refused("NotFoundException", kms.describe_key, "Invalid keyId 'nothing'", KeyId="nothing")
    refused("NotFoundException", kms.enable_key, KeyId=arn)
    refused("ValidationException", kms.describe_key)
    refused("UnsupportedOperationException", kms.create_key, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    refused("UnsupportedOperationException", kms.create_key, MultiRegion=True)
    refused("UnknownOperationException", kms.list_grants, KeyId=missing)


def test_encrypting_and_decrypting(kms, key):
    context = {"queue": "orders", "stage": "test"}
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"hello", EncryptionContext=context)
    assert sealed["KeyId"] == key["Arn"] and b"hello" not in sealed["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"hello", key["Arn"])
    blob = sealed["CiphertextBlob"]
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob, EncryptionContext={"queue": "orders"})
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"nonsense")
    changed = blob[:-1] + bytes([blob[-1] ^ 1])
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=changed, EncryptionContext=context)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=context, KeyId=other)
    assert kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 4096)["CiphertextBlob"]
    refused("ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x" * 4097)
    refused("ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"")
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other)
    assert moved["SourceKeyId"] == key["Arn"] and moved["KeyId"].endswith(other)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"hello"


def test_data_keys(kms, key):
    for parameters, size in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)):
        made = kms.generate_data_key(KeyId=key["Arn"], **parameters)
        assert len(made["Plaintext"]) == size
        assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], KeySpec="AES_256")
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == 32
    refused("ValidationException", kms.generate_data_key, KeyId=key["KeyId"])
    refused("ValidationException", kms.generate_data_key, KeyId=key["KeyId"], NumberOfBytes=1025)
    first, second = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(first) == 32 and first != second


def test_a_disabled_key_does_nothing(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"hello")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    said = f"{key['Arn']} is disabled."
    refused("DisabledException", kms.encrypt, said, KeyId=key["KeyId"], Plaintext=b"x")
    refused("DisabledException", kms.decrypt, said, CiphertextBlob=blob)
    refused("DisabledException", kms.generate_data_key, said, KeyId=key["KeyId"], KeySpec="AES_256")
    refused("DisabledException", kms.enable_key_rotation, said, KeyId=key["KeyId"])
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"


def test_deletion_is_scheduled_and_cancelled(kms, key):
    refused("ValidationException", kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=6)
    refused("ValidationException", kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=31)
    scheduled = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert (scheduled["KeyId"], scheduled["KeyState"]) == (key["Arn"], "PendingDeletion")
    assert abs(scheduled["DeletionDate"].timestamp() - time.time() - 7 * 86400) < 60
    said = f"{key['Arn']} is pending deletion."
    refused("KMSInvalidStateException", kms.encrypt, said, KeyId=key["KeyId"], Plaintext=b"x")
    refused("KMSInvalidStateException", kms.enable_key, said, KeyId=key["KeyId"])
    refused("KMSInvalidStateException", kms.schedule_key_deletion, said, KeyId=key["KeyId"])
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    refused("KMSInvalidStateException", kms.cancel_key_deletion, KeyId=key["KeyId"])


def test_rotation(kms, key):
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert status["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert status["KeyRotationEnabled"] is True and status["RotationPeriodInDays"] == 90
    assert abs(status["NextRotationDate"].timestamp() - time.time() - 90 * 86400) < 60
    refused("ValidationException", kms.enable_key_rotation, KeyId=key["KeyId"], RotationPeriodInDays=89)
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"before")["CiphertextBlob"]
    assert kms.rotate_key_on_demand(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    kms.disable_key_rotation(KeyId=key["KeyId"])
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False
    for _ in range(24):
        kms.rotate_key_on_demand(KeyId=key["KeyId"])
    refused("LimitExceededException", kms.rotate_key_on_demand, KeyId=key["KeyId"])


def test_policies_and_tags(kms, key):
    policy = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")
    assert policy["PolicyName"] == "default" and f"arn:aws:iam::{ACCOUNT}:root" in policy["Policy"]
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=text)
    assert kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"] == text
    refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key["KeyId"], Policy="{}")
    assert kms.list_key_policies(KeyId=key["KeyId"])["PolicyNames"] == ["default"]
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": name, "TagValue": "v"} for name in ("a", "b")])
    kms.untag_resource(KeyId=key["KeyId"], TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "b", "TagValue": "v"}]
    refused("TagException", kms.tag_resource, KeyId=key["KeyId"], Tags=[{"TagKey": "aws:x", "TagValue": "v"}])
    many = [{"TagKey": str(number), "TagValue": "v"} for number in range(50)]
    refused("LimitExceededException", kms.tag_resource, KeyId=key["KeyId"], Tags=many)


def test_the_default_key_is_sqs_s_own(endpoint):
    access_key = "444455556666"
    sqs, kms = client(endpoint, access_key=access_key), kms_client(endpoint, access_key=access_key)
    assert kms.list_aliases()["Aliases"] == []
    url = sqs.create_queue(QueueName=unique())["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    [alias] = kms.list_aliases()["Aliases"]
    assert alias["AliasName"] == "alias/aws/sqs"
    managed = kms.describe_key(KeyId="alias/aws/sqs")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS" and managed["KeyState"] == "Enabled"
    assert kms.get_key_rotation_status(KeyId=managed["KeyId"])["KeyRotationEnabled"] is True
    for call, parameters in (
        (kms.disable_key, {}),
        (kms.schedule_key_deletion, {"PendingWindowInDays": 7}),
        (kms.put_key_policy, {"Policy": kms.get_key_policy(KeyId=managed["KeyId"])["Policy"]}),
        (kms.encrypt, {"Plaintext": b"x"}),
    ):
        refused("AccessDeniedException", call, KeyId=managed["KeyId"], **parameters)
    assert bodies(receive(sqs, url)) == ["hello"]


def key_forms(key, alias):
    return [key["KeyId"], key["Arn"], alias, f"arn:aws:kms:{REGION}:{ACCOUNT}:{alias}"]


def test_a_queue_names_its_key_in_four_ways(sqs, kms, key, make_queue):
    alias = alias_name()
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    for form in key_forms(key, alias):
        url = make_queue(KmsMasterKeyId=form)
        sqs.send_message(QueueUrl=url, MessageBody=form)
        assert bodies(receive(sqs, url)) == [form]


@pytest.mark.parametrize("fifo", [False, True])
def test_nothing_goes_in_or_out_while_the_key_is_disabled_and_nothing_is_lost(sqs, kms, key, make_queue, fifo):
    url = make_queue(fifo=fifo, KmsMasterKeyId=key["KeyId"], VisibilityTimeout="0")
    group = {"MessageGroupId": "g"} if fifo else {}

    def send(number):
        more = {**group, "MessageDeduplicationId": str(number)} if fifo else {}
        sqs.send_message(QueueUrl=url, MessageBody=f"message {number}", **more)

    for number in range(5):
        send(number)
    said = f"{key['Arn']} is disabled."
    kms.disable_key(KeyId=key["KeyId"])
    entries = [{"Id": "0", "MessageBody": "refused", **group, **({"MessageDeduplicationId": "r"} if fifo else {})}]
    for _ in range(3):
        for call, parameters in (
            (sqs.receive_message, {"MaxNumberOfMessages": 10}),
            (sqs.send_message, {"MessageBody": "refused", **group, **({"MessageDeduplicationId": "r"} if fifo else {})}),
            (sqs.send_message_batch, {"Entries": entries}),
        ):
            error = refused("KMS.DisabledException", call, said, QueueUrl=url, **parameters)
            assert error["QueryErrorCode"] == "KmsDisabled"
    assert counts(sqs, url) == (5, 0, 0)
    kms.enable_key(KeyId=key["KeyId"])
    send(5)
    found = receive_all(sqs, url, 6, VisibilityTimeout=60, AttributeNames=["All"])
    assert sorted(bodies(found)) == [f"message {number}" for number in range(6)]
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in found} == {"1"}, "refusals don't count"


def test_a_key_to_be_deleted_and_one_that_is_not_there(sqs, kms, key, make_queue):
    url = make_queue(KmsMasterKeyId=key["Arn"])
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    said = f"{key['Arn']} is pending deletion."
    refused("KMS.InvalidStateException", sqs.send_message, said, QueueUrl=url, MessageBody="x")
    refused("KMS.InvalidStateException", sqs.receive_message, said, QueueUrl=url)
    missing = alias_name()
    other = make_queue(KmsMasterKeyId=missing)
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:{missing}"
    refused("KMS.NotFoundException", sqs.send_message, f"Alias {arn} is not found.", QueueUrl=other, MessageBody="x")
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    kms.enable_key(KeyId=key["KeyId"])
    kms.create_alias(AliasName=missing, TargetKeyId=key["KeyId"])
    sqs.send_message(QueueUrl=other, MessageBody="there now")
    assert bodies(receive(sqs, url)) == ["hello"] and bodies(receive(sqs, other)) == ["there now"]


def test_messages_of_an_earlier_key_come_back_when_it_can_be_used(sqs, kms, key, make_queue):
    url = make_queue(KmsMasterKeyId=key["KeyId"])
    sqs.send_message(QueueUrl=url, MessageBody="sealed by the first key")
    second = kms.create_key()["KeyMetadata"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": second["KeyId"]})
    sqs.send_message(QueueUrl=url, MessageBody="sealed by the second")
    kms.disable_key(KeyId=key["KeyId"])
    refused("KMS.DisabledException", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
    # What was handed out and could not be shown is there again at once.
    assert counts(sqs, url) == (2, 0, 0)
    kms.enable_key(KeyId=key["KeyId"])
    assert len(receive_all(sqs, url, 2)) == 2


def test_a_waiting_receive_meets_a_key_that_was_disabled_meanwhile(endpoint, sqs, kms, key, make_queue):
    import threading

    url = make_queue(KmsMasterKeyId=key["KeyId"])
    outcome = []

    def wait():
        try:
            outcome.append(client(endpoint).receive_message(QueueUrl=url, WaitTimeSeconds=10))
        except ClientError as error:
            outcome.append(error.response["Error"]["Code"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    # Delayed, so that it comes out when the key can't be used any more.
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=1)
    kms.disable_key(KeyId=key["KeyId"])
    waiting.join(20)
    assert outcome == ["KMS.DisabledException"]
    assert counts(sqs, url) == (1, 0, 0)
    kms.enable_key(KeyId=key["KeyId"])
    assert bodies(receive(sqs, url, wait=2)) == ["late"]


def test_a_rotated_key_reads_what_it_sealed_before(sqs, kms, key, make_queue):
    url = make_queue(KmsMasterKeyId=key["KeyId"])
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"message {number}")
        kms.rotate_key_on_demand(KeyId=key["KeyId"])
    assert sorted(bodies(receive_all(sqs, url, 3))) == ["message 0", "message 1", "message 2"]


def test_a_message_keeps_its_key_in_the_dead_letter_queue(sqs, kms, key, make_queue):
    dead = make_queue()
    target = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn":"{target}","maxReceiveCount":1}}'
    url = make_queue(KmsMasterKeyId=key["KeyId"], RedrivePolicy=policy, VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="unlucky")
    assert bodies(receive(sqs, url)) == ["unlucky"] and receive(sqs, url) == []
    kms.disable_key(KeyId=key["KeyId"])
    refused("KMS.DisabledException", sqs.receive_message, QueueUrl=dead)
    kms.enable_key(KeyId=key["KeyId"])
    assert bodies(receive(sqs, dead, wait=2)) == ["unlucky"]


def test_a_look_at_a_queue_shows_messages_that_can_t_be_opened(endpoint, sqs, kms, key, make_queue, http):
    url = make_queue(KmsMasterKeyId=key["KeyId"])
    sqs.send_message(QueueUrl=url, MessageBody="hidden")
    kms.disable_key(KeyId=key["KeyId"])
    from urllib.parse import quote

    answer = http.request("GET", f"/_aws/sqs/messages?QueueUrl={quote(url)}", headers={"Accept": "application/json"})
    shown = answer.json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]
    attributes = {one["Name"]: one["Value"] for one in shown["Attribute"]}
    assert shown["Body"] == "" and attributes["NotShown"] == f"KMS.DisabledException: {key['Arn']} is disabled."
    assert attributes["IsVisible"] == "true"


def test_keys_of_other_accounts(endpoint):
    owner, guest = "777788889999", "888899990000"
    key = kms_client(endpoint, access_key=owner).create_key()["KeyMetadata"]
    kms, sqs = kms_client(endpoint, access_key=guest), client(endpoint, access_key=guest)
    refused("AccessDeniedException", kms.disable_key, KeyId=key["Arn"])
    refused("NotFoundException", kms.describe_key, KeyId=key["KeyId"])
    url = sqs.create_queue(QueueName=unique(), Attributes={"KmsMasterKeyId": key["Arn"]})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="shared")
    assert bodies(receive(sqs, url)) == ["shared"]


def test_keys_are_there_after_a_restart(new_server):
    server = new_server().start()
    kms, sqs = kms_client(server.endpoint), client(server.endpoint)
    key, name = kms.create_key(Description="kept")["KeyMetadata"], alias_name()
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    url = sqs.create_queue(QueueName="q", Attributes={"KmsMasterKeyId": name})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="before")
    blob = kms.encrypt(KeyId=name, Plaintext=b"hello")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    server.kill()
    server.restart()
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("KMS.DisabledException", sqs.receive_message, QueueUrl=url)
    kms.enable_key(KeyId=key["KeyId"])
    assert bodies(receive(sqs, url)) == ["before"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"


def test_this_is_the_protocol_that_sdks_speak():
    assert botocore.session.get_session().get_service_model("kms").metadata["jsonVersion"] == "1.1"
