"""Fixtures of all Python suites: servers of one test process, clients for them, and queues with names of their own."""

import os
import time

import pytest

from support.clients import Http, client, external_endpoint, unique
from support.process import Server

# Nothing of the machine's own AWS configuration may reach a test.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def pytest_collection_modifyitems(config, items):
    """Tests that wait for a minute of AWS's go first, one at the head of each process's share, so that all is done in one."""
    shares = getattr(config.option, "numprocesses", None) or getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    size = -(-len(items) // shares) if items else 1
    for index, item in enumerate(slow):
        quick.insert(min((index % shares) * size, len(quick)), item)
    items[:] = quick


@pytest.fixture(scope="session")
def endpoint():
    """A server as it is out of the box, shared by the tests of one process."""
    external = external_endpoint()
    if external:
        yield external
        return
    server = Server()
    with server:
        yield server.endpoint
        assert server.process.poll() is None, f"the server died:\n{server.log_text()}"
        assert server.terminate() == 0, server.log_text()
        server.check_log()


@pytest.fixture(scope="session")
def endpoint_without_cooldowns():
    external = external_endpoint()
    if external:
        yield external
        return
    with Server("--cooldowns", "off") as server:
        yield server.endpoint
        server.check_log()


@pytest.fixture
def new_server():
    """Makes servers that the test controls itself: `new_server("--option", …)`, not yet started."""
    if external_endpoint():
        pytest.skip("needs a server process of its own")
    servers = []

    def make(*options, **more):
        servers.append(Server(*options, **more))
        return servers[-1]

    yield make
    for server in servers:
        try:
            server.check_log()
        finally:
            server.discard()


@pytest.fixture(scope="session")
def sqs(endpoint):
    return client(endpoint)


@pytest.fixture(scope="session")
def patient_sqs(endpoint_without_cooldowns):
    """A client of the server that purges and re-creates without a pause."""
    return client(endpoint_without_cooldowns)


@pytest.fixture
def http(endpoint):
    connection = Http(endpoint)
    yield connection
    connection.close()


@pytest.fixture
def make_queue(sqs):
    """Creates a queue with a new name: `make_queue(fifo=True, VisibilityTimeout="1")`; deleted after the test."""
    made = []

    def make(name: str | None = None, fifo: bool = False, tags: dict | None = None, **attributes) -> str:
        if fifo:
            attributes["FifoQueue"] = "true"
        parameters = {"tags": tags} if tags else {}
        url = sqs.create_queue(QueueName=name or unique(fifo=fifo), Attributes=attributes, **parameters)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def fifo_queue(make_queue):
    return make_queue(fifo=True, ContentBasedDeduplication="true")


@pytest.fixture
def stopwatch():
    """Seconds since the test began or since the last look."""
    last = [time.monotonic()]

    def look() -> float:
        now = time.monotonic()
        took, last[0] = now - last[0], now
        return took

    return look
