"""The server's test build, on a disk that loses what is not synced: killing it is a power cut."""

import os
import subprocess
from pathlib import Path
from random import Random

from support.process import Server, binary, eventually

SMALL_STEPS = ("--segment-bytes", "6000000", "--checkpoint-bytes", "3000000")
"""So that segments are rolled, checkpoints made and segments cleaned within seconds."""


def lossy_binary() -> Path:
    """BONGSU_LOSSY_BIN, or where cargo leaves it beside the binary that ships."""
    return Path(os.environ.get("BONGSU_LOSSY_BIN", binary().with_name("bongsu-lossy")))


class LossyServer(Server):
    """As `Server`; orders to its disk go to its standard input. `orders` are those that it has from the start."""

    def __init__(self, *options: str, seed: int = 0, orders: tuple[str, ...] = ()):
        super().__init__("--cooldowns", "off", *options)
        self.seed, self.orders = seed, orders

    def command(self, *more_orders: str) -> list[str]:
        orders = [word for order in (*self.orders, *more_orders) for word in ("--order", order)]
        place = ["--listen", self.listen, "--data-dir", str(self.data_dir)]
        return [str(lossy_binary()), *place, "--seed", str(self.seed), *self.options, *orders]

    def spawn(self, *more_orders: str) -> subprocess.Popen:
        # Each life has chances of its own.
        self.seed += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*more_orders), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.home
            )
        return self.process

    def order(self, text: str) -> None:
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def cut_power(self, chance: Random) -> str:
        """Ends the server in one of the ways that power goes; says which."""
        keep_percent = chance.choice((0, 0, 50, 90, 100))
        way = chance.choice(("kill", "cut", "cut-at-sync"))
        if way == "kill":
            self.kill()
            return way
        self.order(f"cut {keep_percent}" if way == "cut" else f"cut-at-sync {chance.randrange(40)} {keep_percent}")
        self.process.wait(60)
        return f"{way} {keep_percent}"

    def cut_power_while_it_starts(self, chance: Random) -> bool:
        """Whether the power went before it was ready."""
        process = self.spawn(f"cut-at-sync {chance.randrange(12)} {chance.choice((0, 50, 100))}")
        ready_before = self.log_text().count("ready: listening")
        eventually(
            lambda: process.poll() is not None or self.log_text().count("ready: listening") > ready_before, 30,
            "the start or the end of the server",
        )
        was_ready = process.poll() is None
        self.kill()
        return not was_ready
