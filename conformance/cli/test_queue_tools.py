"""`bongsu queue`, `import` and `completions` as people type them: each command is a process of its own, against the real server."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import boto3
import pytest

from support.access import root_key
from support.clients import ACCOUNT, counts, unique
from support.process import Server, binary, eventually


@pytest.fixture
def environment(endpoint, tmp_path):
    """What a command finds around it: nothing but the endpoint."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": endpoint}


class Done:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def bongsu(environment):
    """`bongsu("queue", "list")`: what it said; the exit code has to be `code`."""

    def run(*arguments, code: int = 0, text: str | None = None, **variables) -> Done:
        process = subprocess.run(
            [binary(), *map(str, arguments)],
            env={**environment, **variables},
            input="" if text is None else text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert process.returncode == code, (arguments, process)
        return Done(process)

    return run


@pytest.fixture
def queue(bongsu):
    name = unique("tools")
    bongsu("queue", "create", name)
    yield name
    bongsu("queue", "delete", name, "--yes")


def names_in(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()[1:]]


class TestQueues:
    def test_a_queue_from_the_first_to_the_last_day(self, bongsu, sqs, endpoint):
        name = unique("day")
        url = bongsu("queue", "create", name, "--visibility", "1m", "--retention", "2d", "--tag", "team=red").out.strip()
        assert url == f"{endpoint}/{ACCOUNT}/{name}"
        assert bongsu("queue", "create", name, "--visibility", "60").out.strip() == url, "the same again"
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert (found["VisibilityTimeout"], found["MessageRetentionPeriod"]) == ("60", "172800")
        for naming in (name, url, found["QueueArn"]):
            shown = bongsu("queue", "show", naming).out
            assert re.search(r"retention +2 d\n", shown) and re.search(r"tags +team=red\n", shown), shown
        assert bongsu("queue", "show", name, "--json").json()["Tags"] == {"team": "red"}
        bongsu("queue", "delete", name, "--yes")
        assert "there is no queue" in bongsu("queue", "show", name, code=1).err

    def test_every_attribute_of_a_fifo_queue(self, bongsu, sqs):
        dead, name = unique("dead", fifo=True), unique("all")
        bongsu("queue", "create", dead)
        made = bongsu(
            "queue", "create", name, "--fifo", "--content-deduplication", "--high-throughput", "--visibility", "90s",
            "--retention", "1h", "--delay", "5", "--wait", "20s", "--max-size", "64KiB", "--dead-letter", dead,
            "--max-receives", 4, "--attribute", "SqsManagedSseEnabled=false", "--json",
        ).json()
        url = made["QueueUrl"]
        assert url.endswith(f"/{name}.fifo")
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        expected = {
            "FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId", "VisibilityTimeout": "90", "MessageRetentionPeriod": "3600",
            "DelaySeconds": "5", "ReceiveMessageWaitTimeSeconds": "20", "MaximumMessageSize": "65536",
            "SqsManagedSseEnabled": "false",
        }
        assert {key: found[key] for key in expected} == expected
        redrive = json.loads(found["RedrivePolicy"])
        assert redrive == {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{dead}", "maxReceiveCount": 4}
        assert f"dead letters of  {name}.fifo" in bongsu("queue", "show", dead).out
        assert f"{name}.fifo" in bongsu("queue", "show", dead, "--json").json()["DeadLetterSourceQueues"]
        listed = bongsu("queue", "list", name).out
        assert f"dead letters to {dead} after 4" in listed
        bongsu("queue", "delete", f"{name}.fifo", dead, "-y")

    def test_lists_by_prefix_and_tag(self, bongsu):
        prefix = unique("list")
        for number, color in enumerate(["red", "blue", "red"]):
            bongsu("queue", "create", f"{prefix}-{number}", "--tag", f"color={color}")
        assert names_in(bongsu("queue", "list", prefix).out) == [f"{prefix}-{n}" for n in range(3)]
        assert names_in(bongsu("queue", "list", "--prefix", prefix, "--tag", "color=red").out) == [f"{prefix}-0", f"{prefix}-2"]
        assert bongsu("queue", "list", prefix, "--tag", "colour", "--names").out == ""
        assert bongsu("queue", "list", prefix, "--names").out.splitlines() == [f"{prefix}-{n}" for n in range(3)]
        listed = bongsu("queue", "list", prefix, "--json").json()["Queues"]
        assert [queue["Attributes"]["ApproximateNumberOfMessages"] for queue in listed] == ["0", "0", "0"]
        nothing = bongsu("queue", "list", unique("nothing"))
        assert nothing.out == "" and "no such queue" in nothing.err
        bongsu("queue", "delete", *(f"{prefix}-{n}" for n in range(3)), "--yes")

    def test_more_queues_than_a_page(self, bongsu, new_server):
        with new_server() as server:
            sqs = boto3.client(
                "sqs", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
            )
            for number in range(1003):
                sqs.create_queue(QueueName=f"q{number}")
            listed = bongsu("queue", "list", "--endpoint", server.endpoint, "--json").json()["Queues"]
            assert len({queue["Name"] for queue in listed}) == 1003

    def test_what_the_server_refuses(self, bongsu, queue):
        refused = bongsu("queue", "create", queue, "--visibility", "7s", code=1).err
        assert "QueueNameExists" in refused and "VisibilityTimeout" in refused
        assert "InvalidParameterValue" in bongsu("queue", "create", "no blanks please", code=1).err

    def test_what_is_typed_wrong(self, bongsu, queue):
        for arguments, reason in [
            (["create", "x", "--visibility", "soon"], "30s"),
            (["create", "x", "--content-deduplication"], "--fifo"),
            (["create", "http://h/x"], "by its name"),
            (["show", "arn:aws:sns:r:1:topic"], "no queue's ARN"),
            (["show", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:x", "--region", "us-east-1"], "another region"),
            (["send", queue], "BODY"),
            (["purge", queue], "--yes"),
            (["list", "--client-cert", "x"], "belong together"),
            (["list", "--profile", "nobody"], "no profile nobody"),
            (["list", "--endpoint", "ftp://h"], "http://127.0.0.1:9324"),
        ]:
            assert reason in bongsu("queue", *arguments, code=2).err, arguments

    def test_a_name_that_is_nearly_right(self, bongsu):
        name = unique("nearly", fifo=True)
        bongsu("queue", "create", name)
        error = bongsu("queue", "show", name.removesuffix(".fifo"), code=1).err
        assert f"Did you mean {name}?" in error
        bongsu("queue", "delete", name, "--yes")

    def test_nobody_listens(self, bongsu):
        error = bongsu("queue", "list", "--endpoint", "http://127.0.0.1:1", code=1).err
        assert "bongsu serve --listen 127.0.0.1:1" in error

    def test_a_reader_who_has_seen_enough(self, environment, bongsu, queue):
        bongsu("queue", "send", queue, "-", "--each-line", text="".join(f"{'x' * 100_000}{n}\n" for n in range(20)))
        command = f"{binary()} queue browse {queue} --full | head -c 10"
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], env=environment, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")


class TestMessages:
    def test_send_and_receive(self, bongsu, queue, sqs):
        sent = bongsu(
            "queue", "send", queue, '{"total": 3}', "--attribute", "kind=order", "--attribute", "count:Number=3",
            "--attribute", "raw:Binary=aGk=", "--group", "tenant", "--json",
        ).json()
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        received = bongsu("queue", "receive", queue, "--visibility", "0", "--json").lines()
        (message,) = received
        assert (message["MessageId"], message["Body"]) == (sent["MessageId"], '{"total": 3}')
        assert message["MessageAttributes"] == {
            "kind": {"DataType": "String", "StringValue": "order"},
            "count": {"DataType": "Number", "StringValue": "3"},
            "raw": {"DataType": "Binary", "BinaryValue": "aGk="},
        }
        assert message["Attributes"]["MessageGroupId"] == "tenant"
        shown = bongsu("queue", "receive", queue, "--delete").out
        assert "received 2 times" in shown and "count (Number) = 3" in shown and '"total": 3' in shown
        assert counts(sqs, url) == (0, 0, 0)
        assert "no message came" in bongsu("queue", "receive", queue).err

    def test_a_body_from_a_file_and_from_standard_input(self, bongsu, queue, tmp_path):
        body = "봉수\n둘째 줄\n"
        (tmp_path / "body").write_text(body)
        bongsu("queue", "send", queue, "--file", tmp_path / "body")
        bongsu("queue", "send", queue, "-", text=body)
        bodies = [m["Body"] for m in bongsu("queue", "receive", queue, "--delete", "--json").lines()]
        assert bodies == [body, body]
        assert "no/such" in bongsu("queue", "send", queue, "--file", "no/such", code=2).err

    def test_each_line_is_a_message(self, bongsu, queue, sqs, tmp_path):
        lines = tmp_path / "lines"
        lines.write_text("".join(f"message {n}\n" for n in range(1234)) + "\n\nlast")
        assert bongsu("queue", "send", queue, "--file", lines, "--each-line").out == "sent 1,235 messages\n"
        assert counts(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"]) == (1235, 0, 0)
        raw = bongsu("queue", "receive", queue, "--max", 2000, "--raw", "--delete").out.splitlines()
        assert raw == [f"message {n}" for n in range(1234)] + ["last"]

    def test_lines_that_are_refused_are_named(self, bongsu, queue):
        text = "good\n" + "x" * (1024 * 1024 + 1) + "\n"
        done = bongsu("queue", "send", queue, "-", "--each-line", text=text, code=1)
        assert "BatchRequestTooLong" in done.err
        assert "sent 1 message, from lines 1 to 1" in done.err
        done = bongsu("queue", "send", queue, "-", "--each-line", "--json", text="good\nbad\x01\n", code=1)
        assert done.json()["Sent"] == 1
        assert [failed["Line"] for failed in done.json()["Failed"]] == [2]

    def test_a_fifo_queue_in_order(self, bongsu):
        name = unique("order", fifo=True)
        bongsu("queue", "create", name, "--content-deduplication")
        assert "--group" in bongsu("queue", "send", name, "x", code=2).err
        text = "".join(f"{n}\n" for n in range(35))
        bongsu("queue", "send", name, "-", "--each-line", "--group", "g", text=text)
        assert bongsu("queue", "receive", name, "-n", 35, "--raw", "--delete").out == text
        bongsu("queue", "delete", name, "--yes")

    def test_browsing_touches_nothing(self, bongsu, queue, sqs):
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        bongsu("queue", "send", queue, "flying")
        bongsu("queue", "receive", queue)
        bongsu("queue", "send", queue, "late", "--delay", "10m")
        bongsu("queue", "send", queue, "there", "--attribute", "color=red")

        def bodies(*options):
            found = bongsu("queue", "browse", queue, "--json", *options).json()["Messages"]
            return {message["Body"] for message in found}

        for _ in range(3):
            assert bodies() == {"there"}
        assert bodies("--in-flight") == {"there", "flying"}
        assert bodies("--delayed") == {"there", "late"}
        assert bodies("--all") == {"there", "flying", "late"}
        assert bodies("--all", "--search", "red") == {"there"}
        shown = bongsu("queue", "browse", queue, "--all", "-n", 2)
        assert "in flight" in shown.out and "2 of 3 messages" in shown.err
        assert counts(sqs, url) == (1, 1, 1)
        (message,) = bongsu("queue", "receive", queue, "--json").lines()
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"

    def test_following(self, environment, bongsu, queue):
        command = [binary(), "queue", "receive", queue, "--follow", "--delete", "--raw", "-n", "3"]
        follower = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for body in ("one", "two", "three"):
            bongsu("queue", "send", queue, body)
            assert follower.stdout.readline() == f"{body}\n"
        assert follower.wait(30) == 0

    def test_following_outlives_a_restart_of_the_server(self, new_server, environment):
        with new_server() as server:
            environment = {**environment, "AWS_ENDPOINT_URL": server.endpoint}

            def run(*arguments):
                subprocess.run([binary(), "queue", *arguments], env=environment, check=True, timeout=60, capture_output=True)

            run("create", "q")
            run("send", "q", "one")
            command = [binary(), "queue", "receive", "q", "--follow", "--delete", "--raw", "-n", "2"]
            follower = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            assert follower.stdout.readline() == "one\n"
            server.kill()
            assert "trying again" in follower.stderr.readline()
            server.restart()
            run("send", "q", "two")
            assert follower.stdout.readline() == "two\n"
            assert follower.wait(30) == 0

    def test_purging(self, bongsu, sqs):
        name = unique("purge")
        bongsu("queue", "create", name)
        bongsu("queue", "send", name, "x")
        assert bongsu("queue", "purge", name, "--yes").out == f"purged {name} (1 message)\n"
        assert counts(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"]) == (0, 0, 0)
        assert "PurgeQueueInProgress" in bongsu("queue", "purge", name, "--yes", code=1).err
        bongsu("queue", "delete", name, "--yes")

    def test_watching(self, bongsu, queue):
        bongsu("queue", "send", queue, "x")
        looks = bongsu("queue", "watch", queue, "--looks", 2, "--json").lines()
        assert [(look["Name"], look["Visible"]) for look in looks] == [(queue, 1), (queue, 1)]
        assert "visible 1  in flight 0" in bongsu("queue", "watch", "--prefix", queue, "--looks", 1).out


class TestDeadLetters:
    @pytest.fixture
    def dead(self, bongsu, sqs):
        """A dead-letter queue with 30 messages of `SOURCE`."""
        dead = unique("dead")
        source = f"{dead}-source"
        bongsu("queue", "create", dead)
        bongsu("queue", "create", source, "--dead-letter", dead, "--max-receives", 1, "--visibility", "0")
        bongsu("queue", "send", source, "-", "--each-line", text="".join(f"{n}\n" for n in range(30)))
        url = sqs.get_queue_url(QueueName=dead)["QueueUrl"]

        def all_dead():
            bongsu("queue", "receive", source, "-n", 30, "--visibility", "0")
            return counts(sqs, url)[0] == 30

        eventually(all_dead, 30)
        yield dead
        bongsu("queue", "delete", source, dead, "--yes")

    def test_back_to_where_they_came_from(self, bongsu, dead):
        assert bongsu("queue", "redrive", dead).out == "moved 30 messages\n"
        assert "sent" in bongsu("queue", "browse", f"{dead}-source", "-n", 1).out
        (task,) = bongsu("queue", "redrive", dead, "--status", "--json").json()["Results"]
        assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 30)
        assert "completed" in bongsu("queue", "redrive", dead, "--status").out

    def test_elsewhere_slowly_and_not_to_the_end(self, bongsu, dead, queue, sqs):
        bongsu("queue", "redrive", dead, "--to", queue, "--rate", 5, "--detach")
        running = bongsu("queue", "redrive", dead, "--status", "--json").json()["Results"][0]
        assert running["Status"] == "RUNNING" and running["MaxNumberOfMessagesPerSecond"] == 5
        assert "already a task running" in bongsu("queue", "redrive", dead, code=1).err
        eventually(lambda: counts(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"])[0] > 0)
        assert "stopped" in bongsu("queue", "redrive", dead, "--cancel").out
        assert "are being moved" in bongsu("queue", "redrive", dead, "--cancel", code=1).err
        assert counts(sqs, sqs.get_queue_url(QueueName=dead)["QueueUrl"])[0] > 0

    def test_interrupted_the_move_goes_on(self, environment, bongsu, dead):
        command = [binary(), "queue", "redrive", dead, "--rate", "10"]
        waiting = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def status():
            tasks = bongsu("queue", "redrive", dead, "--status", "--json").json()["Results"]
            return tasks and tasks[0]["Status"]

        eventually(lambda: status() == "RUNNING")
        time.sleep(0.3)  # Nothing shows from outside that it waits for the end by now.
        waiting.send_signal(signal.SIGINT)
        assert "the move goes on" in waiting.stderr.read()
        assert waiting.wait(10) == 0
        eventually(lambda: status() == "COMPLETED")

    def test_a_queue_that_takes_none_but_has_some(self, bongsu, dead):
        error = bongsu("queue", "redrive", f"{dead}-source", code=1).err
        assert f"bongsu queue redrive {dead}" in error


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, environment, *arguments, **variables):
        self.process, self.main = None, None
        pid, self.main = pty.fork()
        if pid == 0:
            # Whoever runs the tests in the background ignores it, and what ignores it is inherited.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(binary(), ["bongsu", *arguments], {**environment, "TERM": "xterm", **variables})
        self.pid, self.seen = pid, ""

    def expect(self, text: str, seconds: float = 20) -> str:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if select.select([self.main], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.main, 4096).decode(errors="replace")
                except OSError:  # The command has ended.
                    assert text in self.seen, self.seen
        return self.seen

    def type(self, text: str):
        os.write(self.main, text.encode())

    def code(self, seconds: float = 20) -> int:
        deadline = time.monotonic() + seconds
        while (ended := os.waitpid(self.pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            # Who is not read from can't end either.
            if select.select([self.main], [], [], 0.05)[0]:
                try:
                    os.read(self.main, 4096)
                except OSError:  # The command has ended.
                    time.sleep(0.01)
        os.close(self.main)
        return os.waitstatus_to_exitcode(ended[1])


class TestOnATerminal:
    def test_who_deletes_is_asked(self, environment, bongsu):
        name = unique("asked")
        bongsu("queue", "create", name)
        bongsu("queue", "send", name, "x")
        terminal = Terminal(environment, "queue", "delete", name)
        terminal.expect(f"delete {name} with 1 message?")
        terminal.type("n\n")
        terminal.expect("nothing was done")
        assert terminal.code() == 1
        terminal = Terminal(environment, "queue", "delete", name)
        terminal.expect("[y/N]")
        terminal.type("yes\n")
        terminal.expect(f"deleted {name}")
        assert terminal.code() == 0

    def test_colours_and_none(self, environment, queue):
        terminal = Terminal(environment, "queue", "list", queue)
        assert "\x1b[" in terminal.expect(queue)
        terminal.code()
        terminal = Terminal(environment, "queue", "list", queue, NO_COLOR="1")
        assert "\x1b[" not in terminal.expect(queue)
        terminal.code()

    def test_bodies_do_not_steer_the_terminal(self, environment, bongsu, queue):
        # Of control characters only tab, line feed and carriage return are allowed in bodies; U+009B begins a sequence too.
        bongsu("queue", "send", queue, "before\x9b31mred\u202eafter")
        terminal = Terminal(environment, "queue", "browse", queue)
        seen = terminal.expect("after")
        assert "\x9b" not in seen and "\u202e" not in seen
        terminal.code()

    def test_watching_in_place_until_interrupted(self, environment, queue):
        terminal = Terminal(environment, "queue", "watch", queue)
        terminal.expect("Ctrl-C ends")
        assert f"{queue}" in terminal.expect("\x1b[2K")
        terminal.type("\x03")
        assert terminal.code() == -signal.SIGINT

    def test_who_interrupts_a_redrive_may_stop_it(self, environment, bongsu, sqs):
        dead, source = unique("dead"), unique("source")
        bongsu("queue", "create", dead)
        bongsu("queue", "create", source, "--dead-letter", dead)
        bongsu("queue", "send", dead, "-", "--each-line", text="x\n" * 100)
        terminal = Terminal(environment, "queue", "redrive", dead, "--to", source, "--rate", "5")
        terminal.expect("running")
        terminal.type("\x03")
        terminal.expect("stop the move")
        terminal.type("y\n")
        terminal.expect("moved before")
        assert terminal.code() == 0
        assert counts(sqs, sqs.get_queue_url(QueueName=dead)["QueueUrl"])[0] > 0
        bongsu("queue", "delete", source, dead, "--yes")


class TestWhoAsks:
    @pytest.fixture
    def guarded(self, new_server):
        with new_server("--auth", "on") as server:
            server.key = root_key(server)
            yield server

    def test_credentials_and_endpoint_from_the_files_of_the_aws_cli(self, bongsu, guarded, tmp_path):
        aws = tmp_path / ".aws"
        aws.mkdir()
        (aws / "credentials").write_text(
            f"[work]\naws_access_key_id = {guarded.key.id}\naws_secret_access_key = {guarded.key.secret}\n"
            f"[wrong]\naws_access_key_id = {guarded.key.id}\naws_secret_access_key = nonsense\n"
        )
        (aws / "config").write_text(
            f"[profile work]\nregion = eu-west-1\nservices = here\n[services here]\nsqs =\n  endpoint_url = {guarded.endpoint}\n"
        )
        nowhere = {"AWS_ENDPOINT_URL": ""}
        made = bongsu("queue", "create", "q", "--profile", "work", **nowhere).out
        assert made.strip() == f"{guarded.endpoint}/{ACCOUNT}/q"
        shown = bongsu("queue", "show", "q", AWS_PROFILE="work", **nowhere).out
        assert f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q" in shown
        assert "there is no queue q" in bongsu("queue", "show", "q", "--region", "us-east-1", "--profile", "work", code=1, **nowhere).err
        bongsu("queue", "send", "q", "hidden from strangers", "--profile", "work", **nowhere)
        browsed = bongsu("queue", "browse", "q", "--all", "--profile", "work", **nowhere).out
        assert "hidden from strangers" in browsed, "a signature covers what else is asked for"
        moved = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "c"), "AWS_CONFIG_FILE": str(tmp_path / "f")}
        shutil.move(aws / "credentials", tmp_path / "c")
        shutil.move(aws / "config", tmp_path / "f")
        assert "q" in bongsu("queue", "list", "--profile", "work", **nowhere, **moved).out
        refused = bongsu("queue", "list", "--profile", "wrong", "--endpoint", guarded.endpoint, code=1, **moved).err
        assert "does not belong to the access key id" in refused
        assert '"Users": []' in bongsu("user", "list", "--json", "--profile", "work", **nowhere, **moved).out

    def test_without_credentials_one_is_told_what_to_do(self, bongsu, guarded):
        refused = bongsu("queue", "list", "--endpoint", guarded.endpoint, code=1).err
        assert "no credentials were found" in refused and "--profile" in refused

    def test_an_arn_says_which_region(self, bongsu, environment):
        name = unique("region")
        bongsu("queue", "create", name, "--region", "eu-north-1")
        arn = f"arn:aws:sqs:eu-north-1:{ACCOUNT}:{name}"
        assert arn in bongsu("queue", "show", arn).out
        bongsu("queue", "delete", arn, "--yes")

    def test_a_queue_url_says_which_server(self, bongsu, queue, endpoint):
        url = f"{endpoint}/{ACCOUNT}/{queue}"
        assert queue in bongsu("queue", "show", url, AWS_ENDPOINT_URL="").out

    def test_tls(self, bongsu, tmp_path):
        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

        def new_key(path):
            return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path]

        root, certificate, request = tmp_path / "root.pem", tmp_path / "cert.pem", tmp_path / "request.pem"
        key, root_key_file, extensions = tmp_path / "key.pem", tmp_path / "root.key", tmp_path / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("req", "-x509", *new_key(root_key_file), "-out", root, "-days", 2, "-subj", "/CN=Root",
                "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
        openssl("req", *new_key(key), "-out", request, "-subj", "/CN=localhost")
        openssl("x509", "-req", "-in", request, "-CA", root, "-CAkey", root_key_file, "-CAcreateserial",
                "-days", 2, "-extfile", extensions, "-out", certificate)  # fmt: skip
        with Server("--tls-cert", str(certificate), "--tls-key", str(key)) as server:
            assert server.endpoint.startswith("https://")
            bongsu("queue", "create", "q", "--endpoint", server.endpoint, "--ca-bundle", root)
            listed = bongsu("queue", "list", "--endpoint", server.endpoint, AWS_CA_BUNDLE=str(root)).out
            assert names_in(listed) == ["q"]
            assert "--ca-bundle" in bongsu("queue", "list", "--endpoint", server.endpoint, code=1).err


ELASTICMQ = """
include classpath("application.conf")
node-address { protocol = http, host = localhost, port = 9324, context-path = "" }
queues {
  PREFIX-orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 1 second
    delay = ${?ORDERS_DELAY}
    receiveMessageWait = 5 seconds
    deadLettersQueue { name = "PREFIX-orders-dead", maxReceiveCount = 3 }
    fifo = true
    contentBasedDeduplication = true
    copyTo = "audit"
    tags { team = "fulfil" }
  }
  PREFIX-orders-dead { fifo = true }
}
"""

SCRIPT = """#!/bin/bash
set -e
create() { awslocal sqs create-queue --queue-name "PREFIX-$1" --attributes "VisibilityTimeout=${2:-30}"; }
rm -rf "$HOME/must-not-be-run"
create plain
for q in a b; do create "$q" 77; done
ARN=$(awslocal sqs get-queue-attributes --queue-url "$(awslocal sqs get-queue-url --queue-name PREFIX-a --output text)" \\
  --attribute-names QueueArn --query Attributes.QueueArn --output text)
awslocal sqs set-queue-attributes --queue-url http://localhost:4566/000000000000/PREFIX-b \\
  --attributes "{\\"RedrivePolicy\\":\\"{\\\\\\"deadLetterTargetArn\\\\\\":\\\\\\"$ARN\\\\\\",\\\\\\"maxReceiveCount\\\\\\":\\\\\\"5\\\\\\"}\\"}"
awslocal sns create-topic --name t
"""


class TestImport:
    @pytest.fixture
    def file(self, tmp_path):
        def write(name: str, text: str):
            self.prefix = unique("imp")
            path = tmp_path / name
            path.write_text(text.replace("PREFIX", self.prefix))
            return path

        return write

    def outcomes(self, done: Done) -> dict[str, str]:
        return {queue["Name"].removeprefix(self.prefix + "-"): queue["Outcome"] for queue in done.json()["Queues"]}

    def attributes(self, sqs, name: str) -> dict:
        url = sqs.get_queue_url(QueueName=f"{self.prefix}-{name}")["QueueUrl"]
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def test_an_elasticmq_configuration(self, bongsu, file, sqs):
        path = file("elasticmq.conf", ELASTICMQ)
        tried = bongsu("import", path, "--dry-run")
        assert "would be made" in tried.out and f"{path}:13: not taken over:" in tried.err and "copyTo = audit" in tried.err
        assert names_in(bongsu("queue", "list", self.prefix).out) == [], "nothing was made"
        assert "nothing was made" in bongsu("import", path, "--strict", code=1).err
        done = bongsu("import", path, "--json", ORDERS_DELAY="7 s")
        assert self.outcomes(done) == {"orders.fifo": "made", "orders-dead.fifo": "made"}
        found = self.attributes(sqs, "orders.fifo")
        expected = {"VisibilityTimeout": "10", "DelaySeconds": "7", "ReceiveMessageWaitTimeSeconds": "5",
                    "ContentBasedDeduplication": "true", "FifoQueue": "true"}  # fmt: skip
        assert {key: found[key] for key in expected} == expected
        redrive = json.loads(found["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{self.prefix}-orders-dead.fifo") and redrive["maxReceiveCount"] == 3
        again = bongsu("import", path, "--json", ORDERS_DELAY="7 s")
        assert self.outcomes(again) == {"orders.fifo": "there already", "orders-dead.fifo": "there already"}
        other = bongsu("import", path, code=1)
        assert "DelaySeconds 7 instead of 1: --update changes it" in other.out
        assert self.outcomes(bongsu("import", path, "--json", "--update"))["orders.fifo"] == "changed"
        assert self.attributes(sqs, "orders.fifo")["DelaySeconds"] == "1"

    def test_a_script_is_read_and_not_run(self, bongsu, file, sqs, tmp_path):
        kept = tmp_path / "must-not-be-run"
        kept.mkdir()
        path = file("init.sh", SCRIPT)
        done = bongsu("import", path, "--json")
        assert self.outcomes(done) == {"plain": "made", "a": "made", "b": "made"}
        assert kept.exists()
        assert self.attributes(sqs, "a")["VisibilityTimeout"] == "77"
        redrive = json.loads(self.attributes(sqs, "b")["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{self.prefix}-a") and redrive["maxReceiveCount"] == 5
        lost = [note["Text"] for note in done.json()["Notes"] if not note["TakenOver"]]
        assert lost == ["sns create-topic: only queues are taken over"]

    def test_the_configuration_that_is_printed_is_the_servers(self, bongsu, file, new_server, tmp_path):
        path = file("elasticmq.conf", ELASTICMQ)
        config = tmp_path / "bongsu.toml"
        config.write_text(bongsu("import", path, "--toml").out)
        with new_server("--config", str(config)) as server:
            shown = bongsu("queue", "show", f"{self.prefix}-orders.fifo", "--endpoint", server.endpoint, "--json").json()
            assert shown["Attributes"]["VisibilityTimeout"] == "10"
            assert json.loads(shown["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 3
            # It can be imported too, and finds all as it is.
            again = bongsu("import", config, "--endpoint", server.endpoint, "--json")
            assert set(self.outcomes(again).values()) == {"there already"}

    def test_files_that_are_none(self, bongsu, file):
        for name, text, reason in [
            ("a.conf", "queues {\n a {", "a.conf:2: an object is not closed"),
            ("a.sh", "\necho 'x", "a.sh:2: a quote is not closed"),
            ("a.toml", "\nx = ", "a.toml:2: "),
        ]:
            assert reason in bongsu("import", file(name, text), code=2).err
        assert "none.conf" in bongsu("import", "none.conf", code=2).err

    def test_from_standard_input(self, bongsu, sqs):
        self.prefix = unique("imp")
        done = bongsu("import", "-", "--json", text=f"queues {{ {self.prefix}-x {{ }} }}")
        assert self.outcomes(done) == {"x": "made"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completions(bongsu, shell):
    script = bongsu("completions", shell).out
    assert "redrive" in script and "dead-letter" in script


def test_completions_are_a_script_that_bash_reads(bongsu, tmp_path):
    script = tmp_path / "bongsu.bash"
    script.write_text(bongsu("completions", "bash").out)
    completed = subprocess.run(
        ["bash", "-c", f"source {script}; COMP_WORDS=(bongsu queue re); COMP_CWORD=2; _bongsu bongsu re queue; echo ${{COMPREPLY[@]}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert completed.stdout.split() == ["receive", "redrive"]
