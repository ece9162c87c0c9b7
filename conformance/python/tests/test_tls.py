"""TLS as users meet it: boto3 and the AWS CLI with a root of their own, certificates of clients, new certificates."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, HTTPClientError, SSLError

from support.clients import client, receive_one
from support.process import eventually

pytestmark = pytest.mark.once

CLI = Path(sys.executable).with_name("aws")
NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A root, and what it signed."""

    def __init__(self, home):
        home.mkdir()
        self.home, self.root, self.key = home, home / "ca.pem", home / "ca.key"
        openssl("req", "-x509", *self.new_key(self.key), "-out", self.root, "-days", 2, "-subj", "/CN=Root",
                "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path

    def sign(self, name: str, usage: str):
        certificate, key, request = (self.home / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        extensions = self.home / f"{name}.ext"
        extensions.write_text(f"{NAMES}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        openssl("req", *self.new_key(key), "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.key, "-CAcreateserial",
                "-days", 2, "-extfile", extensions, "-out", certificate)
        return certificate, key


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def options(certificate, key) -> list[str]:
    return ["--tls-cert", str(certificate), "--tls-key", str(key)]


def secure_client(server, root, **config):
    """As `client`, but by name and told which root to trust."""
    return client(server.endpoint.replace("127.0.0.1", "localhost"), verify=str(root), **config)


def test_messages_go_through_boto3_over_https(new_server, authority):
    server = new_server(*options(*authority.sign("server", "serverAuth"))).start()
    assert server.endpoint.startswith("https://")
    sqs = secure_client(server, authority.root)
    url = sqs.create_queue(QueueName="secure")["QueueUrl"]
    assert url.startswith("https://localhost:")
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_000_000)
    assert len(receive_one(sqs, url)["Body"]) == 1_000_000
    waiter = threading.Thread(target=lambda: (time.sleep(0.5), sqs.send_message(QueueUrl=url, MessageBody="late")))
    waiter.start()
    assert receive_one(sqs, url, wait=20)["Body"] == "late"
    waiter.join()
    assert server.terminate() == 0
    server.check_log()


def test_a_server_that_the_client_does_not_trust_gets_nothing(new_server, authority, tmp_path):
    server = new_server(*options(*authority.sign("server", "serverAuth"))).start()
    other = Authority(tmp_path / "other")
    with pytest.raises(SSLError):
        secure_client(server, other.root).list_queues()


def test_the_cli_over_https(new_server, authority):
    server = new_server(*options(*authority.sign("server", "serverAuth"))).start()
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(CLI), "--endpoint-url", server.endpoint, "--ca-bundle", str(authority.root)]
    create = subprocess.run([*command, "sqs", "create-queue", "--queue-name", "cli"], env=environment,
                            capture_output=True, text=True, timeout=60)
    assert create.returncode == 0, create.stderr
    assert f"{server.endpoint}/000000000000/cli" in create.stdout


def test_clients_show_certificates_where_they_have_to(new_server, authority, tmp_path):
    clients = Authority(tmp_path / "clients")
    server = new_server(
        *options(*authority.sign("server", "serverAuth")), "--tls-client-ca", str(clients.root)
    ).start()
    own, foreign = clients.sign("worker", "clientAuth"), authority.sign("stranger", "clientAuth")
    secure_client(server, authority.root, client_cert=tuple(map(str, own))).list_queues()
    for config in ({}, {"client_cert": tuple(map(str, foreign))}):
        with pytest.raises((SSLError, HTTPClientError)):
            secure_client(server, authority.root, **config).list_queues()


def test_a_new_certificate_needs_no_restart(new_server, authority, tmp_path):
    certificate, key = authority.sign("server", "serverAuth")
    server = new_server(*options(certificate, key)).start()
    sqs = secure_client(server, authority.root)
    url = sqs.create_queue(QueueName="renewed")["QueueUrl"]
    other = Authority(tmp_path / "other")
    for new, old in zip(other.sign("server", "serverAuth"), (certificate, key)):
        os.replace(new, old)
    server.process.send_signal(signal.SIGHUP)

    def is_renewed():
        try:
            return secure_client(server, other.root).get_queue_url(QueueName="renewed")["QueueUrl"] == url
        except SSLError:
            return False

    eventually(is_renewed, what="the new certificate")
    sqs.send_message(QueueUrl=url, MessageBody="on the connection from before")
    assert server.process.poll() is None


def test_plain_http_is_told_that_it_is_wrong(new_server, authority):
    server = new_server(*options(*authority.sign("server", "serverAuth"))).start()
    with pytest.raises(ClientError) as error:
        client(server.endpoint.replace("https", "http")).list_queues()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    context = ssl.create_default_context(cafile=authority.root)
    with urllib.request.urlopen(f"{server.endpoint}/health", context=context) as answer:
        assert answer.status == 200
