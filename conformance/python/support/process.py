"""The real binary as a child process: started on a free port, stopped, killed, restarted on the same data and port."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

READY_LINE = re.compile(rb"listening[^\n]*?(https?://[^\s\",/\x1b]+)[^\n]*\n")
READY_SECONDS = 30
STOP_SECONDS = 30


def binary() -> Path:
    """The binary under test: BONGSU_BIN, or where `cargo build --release` leaves it."""
    default = Path(__file__).parents[3] / "target" / "release" / "bongsu"
    return Path(os.environ.get("BONGSU_BIN", default))


def eventually(condition, seconds: float = 15, what: str = "the condition"):
    """Calls `condition` until its answer is truthy, and returns that answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s; last answer: {answer!r}"
        time.sleep(0.02)


def heed_signals():
    """Whoever runs the tests in the background, or with nohup, ignores these, and what ignores a signal hands that on."""
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_DFL)


class Server:
    """One server. Its port is chosen by the system at the first start and kept over restarts."""

    def __init__(self, *options: str, data_dir: Path | None = None, environment: dict[str, str] | None = None):
        self.home = Path(tempfile.mkdtemp(prefix="bongsu-conformance-"))
        self.data_dir = data_dir or self.home / "data"
        self.log = self.home / "server.log"
        self.output = self.home / "server.out"
        self.options = options
        self.environment = environment or {}
        self.listen = "127.0.0.1:0"
        self.endpoint = ""
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        return [str(binary()), "--listen", self.listen, "--data-dir", str(self.data_dir), *self.options]

    def spawn(self) -> subprocess.Popen:
        """Starts the process without waiting until it is ready."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BONGSU_")}
        environment = {**inherited, "NO_COLOR": "1", **self.environment}
        with self.log.open("ab") as log, self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=environment, cwd=self.home,
                preexec_fn=heed_signals,
            )
        return self.process

    def start(self) -> "Server":
        logged_before = self.log.stat().st_size if self.log.exists() else 0
        process = self.spawn()

        def ready():
            assert process.poll() is None, f"the server ended with {process.returncode}:\n{self.log_text()}"
            return READY_LINE.search(self.log.read_bytes()[logged_before:])

        self.endpoint = eventually(ready, READY_SECONDS, "the ready line")[1].decode()
        self.listen = self.endpoint.partition("://")[2]
        return self

    def kill(self) -> None:
        """SIGKILL: nothing of the process runs after this."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM, as an init system stops a service; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def restart(self) -> "Server":
        """Starts again after `kill` or `terminate`, on the same data and the same port."""
        return self.start()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def output_text(self) -> str:
        """Standard output: where the server shows what belongs in no log."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def check_log(self) -> None:
        """A panic is a bug even where the client that met it was answered somehow."""
        assert "panicked" not in self.log_text(), self.log_text()

    def discard(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_) -> None:
        self.discard()
