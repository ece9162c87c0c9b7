"""As a service: what systemd is told, and when (sd_notify(3))."""

import os
import socket
import time

import pytest

from support.clients import Http, client
from support.process import eventually

pytestmark = pytest.mark.once


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, address: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(20)
        self.states: list[dict[str, str]] = []

    def wait_for(self, name: str) -> dict[str, str]:
        """The next state that assigns `name`; those before it are kept in `states`."""
        while True:
            lines = self.socket.recv(65536).decode().split("\n")
            self.states.append(dict(line.split("=", 1) for line in lines))
            if name in self.states[-1]:
                return self.states[-1]

    def is_silent(self) -> bool:
        self.socket.settimeout(0.3)
        try:
            self.socket.recv(65536)
        except TimeoutError:
            return True
        return False


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path):
    """A manager, and the name of its socket as a service gets it."""
    if request.param == "file":
        name = str(tmp_path / "notify")
        address = name
    else:
        name = f"@bongsu-test-{os.getpid()}-{time.monotonic_ns()}"
        address = "\0" + name[1:]
    manager = Manager(address)
    yield manager, name
    manager.socket.close()


def test_ready_is_said_once_the_port_answers_and_stopping_at_sigterm(manager, new_server):
    manager, name = manager
    server = new_server(environment={"NOTIFY_SOCKET": name})
    server.spawn()
    ready = manager.wait_for("READY")
    assert ready["READY"] == "1"
    # The address is in the status that `systemctl status` shows; the port has to answer from the first moment on.
    endpoint = ready["STATUS"].partition("listening on ")[2].split(",")[0].split(" ")[0]
    assert Http(endpoint).request("GET", "/readyz").status == 200
    assert [state for state in manager.states if "READY" in state] == [ready]
    assert manager.states[0] == {"STATUS": "reading the journal"}

    queue = client(endpoint).create_queue(QueueName="q")["QueueUrl"]
    client(endpoint).send_message(QueueUrl=queue, MessageBody="kept")
    assert server.terminate() == 0
    assert manager.wait_for("STOPPING")["STOPPING"] == "1"
    assert manager.is_silent()


def test_a_start_that_fails_is_never_ready(manager, new_server):
    manager, name = manager
    first = new_server().start()
    second = new_server(data_dir=first.data_dir, environment={"NOTIFY_SOCKET": name})
    assert second.spawn().wait(20) != 0
    assert manager.wait_for("STATUS") == {"STATUS": "reading the journal"}
    assert manager.is_silent()


def test_a_manager_that_is_gone_is_no_harm(new_server, tmp_path):
    server = new_server(environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")}).start()
    assert Http(server.endpoint).request("GET", "/health").status == 200
    eventually(lambda: "can't be told" in server.log_text(), what="the warning")
    assert server.terminate() == 0


def test_sighup_without_certificates_is_not_a_way_to_reload(new_server):
    """Why the unit has no ExecReload: without TLS there is nothing to read again, and the signal ends the process."""
    server = new_server().start()
    server.process.send_signal(1)
    assert server.process.wait(20) != 0
