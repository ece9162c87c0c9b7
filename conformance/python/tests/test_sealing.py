"""What is stored is sealed: nothing that was sent is found in the files or in the log, and the keys decide who can read it again."""

import base64
import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from support.clients import REGION, bodies, client, receive, receive_all, unique
from support.process import binary

pytestmark = pytest.mark.once

NAMES = ("master.key", "LOCK")


def kms_of(server):
    import boto3

    return boto3.client(
        "kms", endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


def needles(text: str) -> list[bytes]:
    """The forms in which a text could lie about: as it is, in UTF-16, and in base64 at each of its three phases."""
    raw = text.encode()
    found = [raw, text.encode("utf-16-le"), text.encode("utf-16-be"), raw.hex().encode()]
    for phase in range(3):
        # What stands before decides the first characters, what comes after the last ones.
        encoded = base64.b64encode(b"\0" * phase + raw)
        found.append(encoded[4 if phase else 0 : len(encoded) - 4])
    return found


def search(paths, texts) -> list[str]:
    hits = []
    for path in paths:
        content = path.read_bytes()
        hits += [f"{text!r} in {path.name}" for text in texts for needle in needles(text) if needle in content]
    return hits


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def send_known(sqs, url: str, fifo: bool = False) -> list[str]:
    """Sends messages, all of whose parts are unmistakable; says what must not be found."""
    secrets = []
    for number in range(12):
        body, text, name = (f"{kind}-{number}-{uuid.uuid4().hex}-of-nobody" for kind in ("body", "text", "name"))
        binary_value = f"bytes-{number}-{uuid.uuid4().hex}".encode()
        attributes = {
            name[:80]: {"DataType": "String.kind-of-secret", "StringValue": text},
            "bytes": {"DataType": "Binary", "BinaryValue": binary_value},
        }
        # Groups of their own, so that all can be received at once.
        group = {"MessageGroupId": f"g{number}", "MessageDeduplicationId": str(number)} if fifo else {}
        if number % 2:
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes, **group)
        else:
            entry = {"Id": "0", "MessageBody": body, "MessageAttributes": attributes, **group}
            assert not sqs.send_message_batch(QueueUrl=url, Entries=[entry]).get("Failed")
        secrets += [body, text, name[:80], binary_value.decode(), "kind-of-secret"]
    return secrets


@pytest.fixture
def loud_server(new_server):
    """Logs all that it can."""
    return new_server(environment={"RUST_LOG": "trace"})


def test_nothing_that_was_sent_is_found_in_files_or_log(loud_server):
    server = loud_server.start()
    sqs, kms = client(server.endpoint), kms_of(server)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    queues = {
        "default": {},
        "named": {"KmsMasterKeyId": key},
        "managed": {"KmsMasterKeyId": "alias/aws/sqs"},
        "ordered.fifo": {"FifoQueue": "true"},
    }
    secrets, urls = [], {}
    for name, attributes in queues.items():
        urls[name] = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        secrets += send_known(sqs, urls[name], name.endswith(".fifo"))
    plaintext = f"plaintext-{uuid.uuid4().hex}"
    blob = kms.encrypt(KeyId=key, Plaintext=plaintext.encode())["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext.encode()
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    # Received, so that the log has seen them on their way out too.
    for url in urls.values():
        assert len(receive_all(sqs, url, 12)) == 12
    secrets.append(plaintext)
    master = (server.data_dir / "master.key").read_text().strip()
    assert server.terminate() == 0
    stored = [path for path in files(server.data_dir) if path.name not in NAMES]
    assert sum(path.stat().st_size for path in stored) > 4096 and server.log.stat().st_size > 1000
    assert search([*stored, server.log], secrets) == []
    for path in [*stored, server.log]:
        content = path.read_bytes()
        for raw in (data_key, base64.b64decode(master)):
            assert raw not in content and base64.b64encode(raw) not in content, path.name


def test_the_search_finds_what_is_not_sealed(loud_server):
    """So that finding nothing means something."""
    server = loud_server.start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="plain", Attributes={"SqsManagedSseEnabled": "false"})["QueueUrl"]
    secrets = send_known(sqs, url)
    assert server.terminate() == 0
    hits = search(files(server.data_dir), secrets)
    assert all(any(repr(secret) in hit for hit in hits) for secret in secrets)
    assert needles("secret text")[4][:8] in base64.b64encode(b"secret text")
    assert any(needle in base64.b64encode(b"x secret text, and more") for needle in needles("secret text"))


def test_sealed_messages_are_there_after_a_restart(new_server):
    server = new_server().start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    for number in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=f"message {number}")
    server.kill()
    server.restart()
    assert sorted(bodies(receive_all(sqs, url, 20))) == sorted(f"message {number}" for number in range(20))


def test_what_was_stored_plain_is_read_beside_what_is_sealed(new_server):
    server = new_server().start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q", Attributes={"SqsManagedSseEnabled": "false"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="plain")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    sqs.send_message(QueueUrl=url, MessageBody="sealed")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "false"})
    sqs.send_message(QueueUrl=url, MessageBody="plain again")
    server.terminate()
    server.restart()
    assert sorted(bodies(receive_all(sqs, url, 3))) == ["plain", "plain again", "sealed"]


def refused_start(server) -> str:
    """Starts a server that must not come up; says why it did not."""
    before = len(server.log_text())
    process = server.spawn()
    assert process.wait(20) != 0
    return server.log_text()[before:]


def contents(server) -> dict[str, bytes]:
    """What a start that is refused must leave as it is; the journal itself may be closed anew."""
    return {path.name: path.read_bytes() for path in files(server.data_dir) if path.name == "master.key"}


def new_key(path: Path) -> Path:
    path.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    path.chmod(0o600)
    return path


def test_another_master_key_is_refused_and_nothing_is_changed(new_server):
    server = new_server().start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    server.terminate()
    wrong = new_key(server.home / "wrong.key")
    server.options = ("--master-key-file", str(wrong))
    said = refused_start(server)
    ids = re.findall(r"\b[0-9a-f]{16}\b", said)
    assert len(set(ids)) == 2 and "Nothing was changed" in said, said
    server.options = ()
    server.restart()
    assert bodies(receive(sqs, url)) == ["hello"]


def test_a_lost_master_key_is_told_and_not_replaced(new_server):
    server = new_server().start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    server.terminate()
    own, away = server.data_dir / "master.key", server.home / "away.key"
    assert own.stat().st_mode & 0o777 == 0o600
    own.rename(away)
    said = refused_start(server)
    assert "is missing" in said and re.search(r"\b[0-9a-f]{16}\b", said), said
    assert not own.exists() and contents(server) == {}
    # From another place it does as well.
    server.options = ("--master-key-file", str(away))
    server.restart()
    assert bodies(receive(sqs, url)) == ["hello"]


def test_a_master_key_that_others_can_read_is_refused(new_server):
    server = new_server().start()
    server.terminate()
    (server.data_dir / "master.key").chmod(0o644)
    said = refused_start(server)
    assert "chmod 600" in said, said


@pytest.mark.parametrize("source", ["environment", "command", "hex"])
def test_the_master_key_comes_from_elsewhere(new_server, source):
    raw = os.urandom(32)
    text = base64.b64encode(raw).decode()
    environment, options = {}, ()
    if source == "command":
        options = ("--master-key-command", f"echo {text}")
    else:
        environment["BONGSU_MASTER_KEY"] = raw.hex() if source == "hex" else text
    server = new_server(*options, environment=environment).start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    server.terminate()
    assert not (server.data_dir / "master.key").exists()
    server.restart()
    assert bodies(receive(sqs, url)) == ["hello"]


def test_replacing_the_master_key_keeps_everything(new_server):
    server = new_server().start()
    sqs, kms = client(server.endpoint), kms_of(server)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    urls = []
    for attributes in ({}, {"KmsMasterKeyId": key}):
        urls.append(sqs.create_queue(QueueName=unique(), Attributes=attributes)["QueueUrl"])
        sqs.send_message(QueueUrl=urls[-1], MessageBody="before")
    server.terminate()
    own, previous = server.data_dir / "master.key", server.home / "previous.key"
    own.rename(previous)
    server.options = ("--previous-master-key-file", str(previous))
    server.restart()
    assert own.exists() and own.read_bytes() != previous.read_bytes()
    for url in urls:
        sqs.send_message(QueueUrl=url, MessageBody="after")
    server.terminate()
    server.options = ()
    server.restart()
    for url in urls:
        assert sorted(bodies(receive_all(sqs, url, 2))) == ["after", "before"]
    server.terminate()
    shutil.copy(previous, own)
    assert "sealed with the master key" in refused_start(server)


def test_a_backup_leaves_the_master_key_behind(new_server):
    server = new_server().start()
    sqs = client(server.endpoint)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    without, with_key = server.home / "without", server.home / "with"

    def run(*arguments):
        done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("backup", server.data_dir, without)
    run("backup", server.data_dir, with_key, "--with-master-key")
    assert not (without / "master.key").exists() and (with_key / "master.key").stat().st_mode & 0o777 == 0o600
    assert "master key is missing" in run("restore", without, server.home / "restored")
    server.terminate()
    server.data_dir = server.home / "restored"
    assert "is missing" in refused_start(server)
    server.data_dir = with_key
    server.restart()
    assert bodies(receive(sqs, url)) == ["hello"]
