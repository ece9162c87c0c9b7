"""Keys with AWS CLI v1, as people make them: `aws kms create-key`."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.clients import ACCOUNT, REGION, unique

CLI = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(endpoint):
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(*arguments, fails=False):
        command = [CLI, "--endpoint-url", endpoint, "--output", "json", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, done
        return done.stderr.strip() if fails else json.loads(done.stdout or "{}")

    return run


def test_a_queue_with_a_key_of_its_own(aws):
    key = aws("kms", "create-key", "--description", "orders")["KeyMetadata"]
    assert key["Arn"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key['KeyId']}"
    alias, name = "alias/" + unique("cli"), unique("cli")
    aws("kms", "create-alias", "--alias-name", alias, "--target-key-id", key["KeyId"])
    assert alias in [one["AliasName"] for one in aws("kms", "list-aliases")["Aliases"]]
    assert key["KeyId"] in [one["KeyId"] for one in aws("kms", "list-keys")["Keys"]]
    queue = aws("sqs", "create-queue", "--queue-name", name, "--attributes", f"KmsMasterKeyId={alias}")["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", queue, "--message-body", "sealed")
    aws("kms", "disable-key", "--key-id", key["KeyId"])
    said = aws("sqs", "receive-message", "--queue-url", queue, fails=True)
    assert f"(KMS.DisabledException) when calling the ReceiveMessage operation: {key['Arn']} is disabled." in said
    aws("kms", "enable-key", "--key-id", key["KeyId"])
    received = aws("sqs", "receive-message", "--queue-url", queue)["Messages"]
    assert [message["Body"] for message in received] == ["sealed"]
    aws("sqs", "delete-queue", "--queue-url", queue)


def test_encrypting_a_secret(aws, tmp_path):
    key = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    (tmp_path / "plain").write_bytes(b"a secret")
    context = ("--encryption-context", "purpose=test")
    sealed = aws("kms", "encrypt", "--key-id", key, "--plaintext", f"fileb://{tmp_path}/plain", *context)
    (tmp_path / "sealed").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    opened = aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{tmp_path}/sealed", *context)
    assert base64.b64decode(opened["Plaintext"]) == b"a secret"
    refused = aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{tmp_path}/sealed", fails=True)
    assert "(InvalidCiphertextException) when calling the Decrypt operation" in refused
    deleted = aws("kms", "schedule-key-deletion", "--key-id", key, "--pending-window-in-days", 7)
    assert deleted["KeyState"] == "PendingDeletion"
