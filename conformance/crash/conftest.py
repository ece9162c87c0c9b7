import random

import pytest

from support.fixtures import *  # noqa: F403 - pytest finds fixtures by name in here


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=15, help="how often the server is killed under load")
    parser.addoption("--cuts", type=int, default=8, help="how often the power is cut under load")
    parser.addoption("--messages", type=int, default=10_000, help="messages that are sent while it is killed")
    parser.addoption("--seed", type=int, default=None, help="repeat the choices of an earlier run")


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


@pytest.fixture
def cuts(request):
    return request.config.getoption("--cuts")


@pytest.fixture
def messages(request):
    return request.config.getoption("--messages")


@pytest.fixture
def chance(request):
    """Where a kill strikes and what a client leaves undone. The timing of threads can't be repeated, the choices can."""
    seed = request.config.getoption("--seed")
    if seed is None:
        seed = random.SystemRandom().getrandbits(32)
    print(f"\nseed={seed}")
    return random.Random(seed)
