"""A server that asks who calls, as a process: its first key, its defaults, what survives, its audit log, its commands."""

import json
import os
import stat
import subprocess

import botocore
import pytest

from support.access import DENIED, ROOT_KEY, UNKNOWN_KEY, Governor, Key, policy, root_key, signed, statement
from support.clients import JSON_TYPE, Http, client, receive_one, refused, unique
from support.process import binary, eventually

pytestmark = pytest.mark.once


def sqs_of(server, key: Key):
    return client(server.endpoint, access_key=key.id, secret_key=key.secret)


def nobody(server):
    return client(server.endpoint, signature_version=botocore.UNSIGNED)


def contents(server) -> bytes:
    """All that the server keeps, but for the master key and the audit log."""
    files = (path for path in sorted(server.data_dir.rglob("*")) if path.is_file())
    return b"".join(path.read_bytes() for path in files if path.name != "master.key" and "audit" not in path.name)


def audit_lines(server, name: str = "audit.log") -> list[dict]:
    path = server.data_dir / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def audited(server, seconds: float = 10, **members) -> dict:
    """Waits for a line of the audit log that has these members."""

    def found():
        matching = (line for line in audit_lines(server) if members.items() <= line.items())
        return next(matching, None)

    return eventually(found, seconds, f"a line with {members}")


class TestTheFirstKey:
    def test_it_is_shown_once_and_never_logged(self, new_server):
        server = new_server("--auth", "on").start()
        key = root_key(server)
        assert key.id.startswith("AKIA") and len(key.id) == 20 and len(key.secret) == 40
        sqs_of(server, key).list_queues()
        server.terminate()
        server.restart()
        sqs_of(server, key).list_queues()
        server.terminate()
        assert len(ROOT_KEY.findall(server.output_text())) == 1
        assert key.secret not in server.log_text() and key.id not in server.log_text()
        assert key.secret.encode() not in contents(server)

    def test_it_survives_a_kill(self, new_server):
        server = new_server("--auth", "on").start()
        key = root_key(server)
        govern = Governor(server.endpoint, key)
        govern("CreateUser", UserName="alice")
        anything = policy(statement(Action="*", Resource="*"))
        govern("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=anything)
        users = govern.new_key(UserName="alice")
        gone = govern.new_key(UserName="alice")
        govern("UpdateAccessKey", AccessKeyId=gone.id, Status="Inactive")
        queue = sqs_of(server, users).create_queue(QueueName="q")["QueueUrl"]
        server.kill()
        server.restart()
        for each in (key, users):
            sqs_of(server, each).send_message(QueueUrl=queue, MessageBody="m")
        refused(UNKNOWN_KEY, sqs_of(server, gone).list_queues)
        assert len(ROOT_KEY.findall(server.output_text())) == 1

    def test_a_start_that_fails_shows_no_key_and_spends_none(self, new_server):
        server = new_server("--auth", "on", "--config", "bongsu.toml")
        (server.home / "bongsu.toml").write_text("[[queues]]\nname = 'not a name'\n")
        assert server.spawn().wait(20) != 0
        assert not ROOT_KEY.search(server.output_text())
        (server.home / "bongsu.toml").write_text("")
        server.start()
        sqs_of(server, root_key(server)).list_queues()

    def test_authentication_can_be_switched_on_later(self, new_server):
        server = new_server().start()
        queue = nobody(server).create_queue(QueueName="q")["QueueUrl"]
        assert not server.output_text()
        server.terminate()
        server.options = ("--auth", "on")
        server.restart()
        refused(DENIED, nobody(server).send_message, QueueUrl=queue, MessageBody="m")
        sqs_of(server, root_key(server)).send_message(QueueUrl=queue, MessageBody="m")


class TestWhoIsAsked:
    def test_nobody_on_a_loopback_address(self, new_server):
        server = new_server().start()
        nobody(server).list_queues()
        assert "authentication is off" not in server.log_text()
        assert not (server.data_dir / "audit.log").exists()

    def test_everybody_on_other_addresses(self, new_server):
        server = new_server()
        server.listen = "0.0.0.0:0"
        server.start()
        with pytest.raises(botocore.exceptions.ClientError) as error:
            nobody(server).list_queues()
        assert error.value.response["Error"]["Code"] == "MissingAuthenticationToken"
        sqs_of(server, root_key(server)).list_queues()

    def test_nobody_on_other_addresses_with_a_warning(self, new_server):
        server = new_server("--auth", "off")
        server.listen = "0.0.0.0:0"
        server.start()
        nobody(server).list_queues()
        (warning,) = [line for line in server.log_text().splitlines() if "authentication is off" in line]
        assert "WARN" in warning

    def test_governing_works_without_authentication_too(self, new_server):
        server = new_server().start()
        govern = Governor(server.endpoint, None)
        govern("CreateUser", UserName="alice", Account="111111111111")
        assert govern("ListUsers")["Users"] == []
        assert [user["UserName"] for user in govern("ListUsers", Account="111111111111")["Users"]] == ["alice"]


class TestTheAuditLog:
    @pytest.fixture
    def server(self, new_server):
        server = new_server("--auth", "on").start()
        server.key = root_key(server)
        return server

    def test_it_says_who_did_what_and_who_was_refused_why(self, server):
        govern, sqs = Governor(server.endpoint, server.key), sqs_of(server, server.key)
        queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        line = audited(server, action="CreateQueue")
        assert line["caller"] == "arn:aws:iam::000000000000:root" and line["account"] == "000000000000"
        assert (line["resource"], line["outcome"]) == ("jobs", "ok")
        assert line["accessKeyId"] == server.key.id and line["sourceAddress"] == "127.0.0.1"
        assert line["decision"] == "allowed to the root of the account that owns it"
        assert len(line["requestId"]) == 36 and line["time"].endswith("Z") and "otocore" in line["userAgent"]

        govern("CreateUser", UserName="alice")
        key = govern.new_key(UserName="alice")
        line = audited(server, action="CreateAccessKey")
        assert line["resource"] == f"{key.id} of arn:aws:iam::000000000000:user/alice"
        text = policy(statement("Deny", Sid="no", Action="sqs:PurgeQueue", Resource="*"))
        govern("PutUserPolicy", UserName="alice", PolicyName="own", PolicyDocument=text)
        refused(DENIED, sqs_of(server, key).purge_queue, QueueUrl=queue)
        line = audited(server, action="PurgeQueue")
        assert line["decision"] == 'denied by statement 1 (Sid "no") of the identity policy "own"'
        assert line["outcome"] == "AccessDenied" and line["accessKeyId"] == key.id and line["resource"] == queue
        refused(DENIED, sqs_of(server, key).send_message, QueueUrl=queue, MessageBody="m")
        line = audited(server, action="SendMessage", outcome="AccessDenied")
        assert line["decision"] == "denied: no policy allows it"

        refused(DENIED, nobody(server).receive_message, QueueUrl=queue)
        line = audited(server, action="ReceiveMessage")
        assert line["caller"] == "anonymous" and "accessKeyId" not in line

    def test_it_says_who_failed_to_show_who_they_are(self, server):
        with pytest.raises(botocore.exceptions.ClientError):
            sqs_of(server, Key(server.key.id, "wrong")).list_queues()
        line = audited(server, action="Authenticate", outcome="SignatureDoesNotMatch")
        assert line["claimedAccessKeyId"] == server.key.id and "accessKeyId" not in line and "caller" not in line
        refused(UNKNOWN_KEY, sqs_of(server, Key("AKIAABCDEFGHIJKLMNOP", "wrong")).list_queues)
        line = audited(server, action="Authenticate", outcome="InvalidClientTokenId")
        assert line["claimedAccessKeyId"] == "AKIAABCDEFGHIJKLMNOP" and line["sourceAddress"] == "127.0.0.1"

    def test_messages_leave_no_lines(self, server):
        sqs = sqs_of(server, server.key)
        queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="m")
        message = receive_one(sqs, queue)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        sqs.delete_queue(QueueUrl=queue)
        audited(server, action="DeleteQueue")
        assert [line["action"] for line in audit_lines(server)] == ["CreateQueue", "DeleteQueue"]

    def test_it_tells_no_secrets(self, server):
        govern, sqs = Governor(server.endpoint, server.key), sqs_of(server, server.key)
        queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        govern("CreateUser", UserName="alice")
        key = govern.new_key(UserName="alice")
        text = policy(statement(Action="sqs:PurgeQueue", Resource="*", Sid="TellNobody"))
        govern("PutUserPolicy", UserName="alice", PolicyName="own", PolicyDocument=text)
        everyone = statement(Sid="TellNobody", Principal="*", Action="sqs:GetQueueUrl", Resource="*")
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(everyone)})
        sqs.send_message(QueueUrl=queue, MessageBody="a body that is ours")
        handle = receive_one(sqs, queue)["ReceiptHandle"]
        theirs = sqs_of(server, key)
        refused(DENIED, theirs.send_message, QueueUrl=queue, MessageBody="a body of theirs")
        refused(DENIED, theirs.delete_message, QueueUrl=queue, ReceiptHandle=handle)
        headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": "AmazonSQS.ListQueues"}
        headers = signed(server.key, server.endpoint.removeprefix("http://"), headers, b"other")
        assert Http(server.endpoint).request("POST", "/", b"{}", headers).status == 403
        audited(server, action="DeleteMessage")
        audited(server, action="Authenticate")
        log = (server.data_dir / "audit.log").read_text() + server.log_text()
        signature = headers["Authorization"].rsplit("=", 1)[1]
        for secret in (server.key.secret, key.secret, handle, signature, "TellNobody", "a body"):
            assert secret not in log, secret

    def test_only_its_owner_can_read_it_and_it_goes_on_after_a_restart(self, server):
        sqs_of(server, server.key).create_queue(QueueName="one")
        audited(server, resource="one")
        server.kill()
        server.restart()
        sqs_of(server, server.key).create_queue(QueueName="two")
        audited(server, resource="two")
        assert stat.S_IMODE(os.stat(server.data_dir / "audit.log").st_mode) == 0o600
        assert [line["resource"] for line in audit_lines(server)] == ["one", "two"]

    def test_a_stop_writes_what_there_is(self, server):
        sqs = sqs_of(server, server.key)
        for number in range(50):
            sqs.create_queue(QueueName=f"q{number}")
        assert server.terminate() == 0
        assert [line["resource"] for line in audit_lines(server)] == [f"q{number}" for number in range(50)]

    def test_a_flood_of_strangers_is_counted_rather_than_noted(self, server):
        http, flood = Http(server.endpoint), 1_000
        for _ in range(flood):
            assert http.json("ListQueues", {}).status == 403
        http.close()

        def counted() -> bool:
            lines = audit_lines(server)
            noted = sum(line["outcome"] == "MissingAuthenticationToken" for line in lines if "outcome" in line)
            left_out = sum(line.get("unauthenticated", 0) for line in lines)
            return noted + left_out == flood and left_out > 0

        eventually(counted, 10, "all of the flood in lines and counts")

    def test_files_make_way_for_new_ones(self, new_server):
        server = new_server("--auth", "on", "--audit-log-bytes", "65536").start()
        key = root_key(server)
        sqs = client(server.endpoint, access_key=key.id, secret_key=key.secret, user_agent="x" * 600)
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        for number in range(400):
            sqs.tag_queue(QueueUrl=queue, Tags={"n": str(number)})
        eventually(lambda: (server.data_dir / "audit.log.4").exists(), 10, "the fifth file")
        names = sorted(path.name for path in server.data_dir.glob("audit*"))
        assert names == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3", "audit.log.4"]
        assert all((server.data_dir / name).stat().st_size <= 65536 for name in names)
        assert all(audit_lines(server, name) for name in names)

    def test_it_goes_where_it_is_told_or_nowhere(self, new_server):
        server = new_server("--audit-log", "elsewhere.log").start()
        nobody(server).create_queue(QueueName="q")
        path = server.home / "elsewhere.log"
        eventually(lambda: path.exists() and path.read_text(), 10, "a line")
        (line,) = [json.loads(line) for line in path.read_text().splitlines()]
        assert (line["action"], line["caller"], line["outcome"]) == ("CreateQueue", "unchecked", "ok")
        off = new_server("--auth", "on", "--audit-log", "off").start()
        sqs_of(off, root_key(off)).create_queue(QueueName="q")
        assert not list(off.data_dir.glob("audit*"))

    def test_there_is_none_where_nothing_is_kept(self, new_server):
        server = new_server("--auth", "on", "--journal", "memory").start()
        sqs_of(server, root_key(server)).create_queue(QueueName="q")
        assert not list(server.data_dir.glob("audit*"))

    def test_a_full_disk_is_mentioned_once_and_stops_nobody(self, new_server):
        server = new_server("--auth", "on", "--audit-log", "/dev/full").start()
        sqs = sqs_of(server, root_key(server))
        for number in range(20):
            sqs.create_queue(QueueName=f"q{number}")
        assert server.terminate() == 0
        assert server.log_text().count("can't write the audit log") == 1

    def test_a_place_where_it_can_not_be_is_refused_at_once(self, new_server):
        server = new_server("--auth", "on", "--audit-log", "no/such/directory/audit.log")
        assert server.spawn().wait(20) != 0
        assert "no/such/directory/audit.log" in server.log_text()
        assert not ROOT_KEY.search(server.output_text())


class TestTheCommandLine:
    @pytest.fixture
    def server(self, new_server):
        server = new_server("--auth", "on").start()
        server.key = root_key(server)
        return server

    @pytest.fixture
    def bongsu(self, server):
        """Runs a command with the root's key: `bongsu("user", "list")`, its output, or with `code` its error."""

        def run(*arguments, code: int = 0, key: Key | None = server.key, text: str | None = None, **environment) -> str:
            variables = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": server.endpoint, **environment}
            if key:
                variables |= {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
            done = subprocess.run(
                [binary(), *map(str, arguments)], env=variables, input=text, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == code, (arguments, done)
            return done.stderr if code == 2 else done.stdout

        return run

    def key_in(self, text: str) -> Key:
        return Key(*ROOT_KEY.search(text).groups())

    def test_a_user_from_the_first_to_the_last_day(self, server, bongsu, tmp_path):
        queue = sqs_of(server, server.key).create_queue(QueueName="jobs")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:000000000000:jobs"
        assert "user/alice" in bongsu("user", "create", "alice", "--tag", "team=red")
        key = self.key_in(bongsu("key", "create", "--user", "alice"))
        refused(DENIED, sqs_of(server, key).send_message, QueueUrl=queue, MessageBody="m")
        here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
        local = statement(Action="sqs:SendMessage", Resource=arn, Condition=here)
        (tmp_path / "policy.json").write_text(policy(local))
        assert "1 statement" in bongsu("policy", "check", tmp_path / "policy.json")
        bongsu("policy", "put", "--user", "alice", "--name", "own", tmp_path / "policy.json")
        sqs_of(server, key).send_message(QueueUrl=queue, MessageBody="m")
        assert json.loads(bongsu("policy", "get", "--user", "alice", "--name", "own")) == json.loads(policy(local))
        assert bongsu("policy", "list", "--user", "alice") == "own\n"

        test = ("policy", "test", "--user", "alice", "--action", "sqs:SendMessage", "--resource", arn)
        assert bongsu(*test, "--source-ip", "127.0.0.1") == 'allowed by statement 1 of the identity policy "own"\n'
        assert bongsu(*test, "--source-ip", "10.0.0.1", code=1) == "denied: no policy allows it\n"
        found = json.loads(bongsu(*test, "--context", "aws:SourceIp=127.1.1.1", "--json"))
        assert found["Allowed"] and found["Statements"][0]["Statement"] == 1

        shown = bongsu("user", "show", "alice")
        assert all(part in shown for part in ("user/alice", "team=red", "own", f"{key.id} (active)")), shown
        bongsu("user", "tag", "alice", "level=3", "--remove", "team")
        listed = bongsu("user", "list")
        assert listed.splitlines()[0].split() == ["NAME", "ID", "MADE", "TAGS"] and "level=3" in listed

        bongsu("key", "disable", key.id)
        refused(UNKNOWN_KEY, sqs_of(server, key).send_message, QueueUrl=queue, MessageBody="m")
        assert "Inactive" in bongsu("key", "list", "--user", "alice")
        bongsu("key", "enable", key.id)
        assert "has access keys" in bongsu("user", "delete", "alice", code=2)
        bongsu("key", "delete", key.id)
        bongsu("policy", "delete", "--user", "alice", "--name", "own")
        bongsu("user", "delete", "alice")
        assert json.loads(bongsu("user", "list", "--json")) == {"Users": []}

    def test_a_policy_from_standard_input(self, bongsu):
        text = policy(statement(Principal="*", Action="sqs:SendMessage", Resource="*"))
        arn = "arn:aws:sqs:us-east-1:000000000000:nowhere"
        test = ("policy", "test", "--anonymous", "--action", "sqs:SendMessage", "--resource", arn)
        assert bongsu(*test, "--queue-policy", "-", text=text) == "allowed by statement 1 of the queue's policy\n"
        assert "no such queue" in bongsu(*test, code=1)
        assert "is no policy" in bongsu("policy", "check", "-", text=text, code=2)
        assert bongsu("policy", "check", "--queue", "-", text=text)

    def test_another_account(self, server, bongsu):
        key = self.key_in(bongsu("key", "create", "--account", "111111111111"))
        queue = sqs_of(server, key).create_queue(QueueName="q")["QueueUrl"]
        assert "/111111111111/q" in queue
        bongsu("user", "create", "bob", key=key)
        assert "bob" in bongsu("user", "list", "--account", "111111111111")
        assert "bob" not in bongsu("user", "list")
        assert "AccessDenied" in bongsu("user", "list", "--account", "222222222222", key=key, code=2)

    def test_a_refusal_says_what_to_do(self, server, bongsu):
        assert "AWS_ACCESS_KEY_ID" in bongsu("user", "list", key=None, code=2)
        assert "AWS_SECRET_ACCESS_KEY" in bongsu("user", "list", key=Key(server.key.id, "wrong"), code=2)
        assert "switched off" in bongsu("user", "list", key=Key("AKIAABCDEFGHIJKLMNOP", "wrong"), code=2)
        assert "bongsu serve" in bongsu("user", "list", "--endpoint", "http://127.0.0.1:1", code=2)
        assert "NoSuchEntity" in bongsu("user", "show", "nobody", code=2)
        assert "last active access key" in bongsu("key", "delete", server.key.id, code=2)

    def test_a_lost_root_key_is_replaced_on_the_store_itself(self, server, bongsu):
        offline = ("key", "create", "--root", "--data-dir", server.data_dir)
        assert "use" in bongsu(*offline, key=None, code=2).lower(), "a running server has the store"
        assert server.terminate() == 0
        new = self.key_in(bongsu(*offline, key=None))
        assert "two access keys" in bongsu(*offline, key=None, code=2)
        replaced = self.key_in(bongsu(*offline, "--replace", key=None))
        server.restart()
        sqs_of(server, replaced).list_queues()
        for lost in (server.key, new):
            refused(UNKNOWN_KEY, sqs_of(server, lost).list_queues)

    def test_a_directory_without_a_store_is_left_alone(self, bongsu, tmp_path):
        assert "no store" in bongsu("key", "create", "--root", "--data-dir", tmp_path, key=None, code=2)
        assert not list(tmp_path.iterdir())

    def test_the_secrets_of_keys_are_in_no_file(self, server, bongsu):
        key = self.key_in(bongsu("key", "create", "--account", "111111111111"))
        bongsu("user", "create", unique())
        server.terminate()
        kept = contents(server)
        assert key.id.encode() in kept and key.secret.encode() not in kept
        assert key.secret not in server.log_text()
