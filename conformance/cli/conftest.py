from support.access import *  # noqa: F403
from support.fixtures import *  # noqa: F403 - pytest finds fixtures by name in here
