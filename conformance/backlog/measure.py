"""How a deep backlog costs: receive+delete rate, memory, restart time, disk, beside a shallow one, in one run.

    python3 conformance/backlog/measure.py [--messages 1000000] [--shallow 1000] [--rounds 5] [--drain]

Only the standard library is used. The server is `target/release/bongsu`, on a free port, with a data directory of its own
that is removed at the end. Prints one line a figure.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BODY = "m" * 1024


class Server:
    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.start()

    def start(self):
        began = time.monotonic()
        command = [ROOT / "target/release/bongsu", "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data_dir]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                break
        else:
            raise SystemExit("the server did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        return time.monotonic() - began

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024

    def disk_mib(self):
        return sum(file.stat().st_blocks * 512 for file in pathlib.Path(self.data_dir).rglob("*")) / (1 << 20)


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, action, **request):
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        self.connection.request("POST", "/", json.dumps(request), headers)
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{action}: {response.status} {body[:200]}")
        return json.loads(body) if body else {}


def fill(port, queue, messages, threads=4):
    def work(batches):
        client = Client(port)
        entries = [{"Id": str(number), "MessageBody": BODY} for number in range(10)]
        for _ in range(batches):
            client.call("SendMessageBatch", QueueUrl=queue, Entries=entries)

    running = [threading.Thread(target=work, args=(messages // 10 // threads,)) for _ in range(threads)]
    [thread.start() for thread in running]
    [thread.join() for thread in running]


def drain_rate(port, queue, messages):
    """Messages per second received and deleted, ten at a time, by one client."""
    client = Client(port)
    done, began = 0, time.monotonic()
    while done < messages:
        received = client.call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        if not received:
            break
        entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(received)]
        client.call("DeleteMessageBatch", QueueUrl=queue, Entries=entries)
        done += len(received)
    return done / (time.monotonic() - began)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--shallow", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--drain", action="store_true", help="drain the backlog at the end (minutes)")
    options = arguments.parse_args()
    data_dir = tempfile.mkdtemp(prefix="bongsu-backlog-")
    server = Server(data_dir)
    try:
        client = Client(server.port)
        for queue in ["deep", "shallow"]:
            client.call("CreateQueue", QueueName=queue)
        print(f"resident, idle: {server.resident_mib():.1f} MiB")
        began = time.monotonic()
        fill(server.port, "deep", options.messages)
        print(f"filled: {options.messages} messages of 1 KiB in {time.monotonic() - began:.0f} s")
        print(f"resident, full: {server.resident_mib():.1f} MiB; disk {server.disk_mib():.0f} MiB")
        rates = {"deep": [], "shallow": []}
        for _ in range(options.rounds):
            fill(server.port, "shallow", options.shallow, threads=1)
            rates["shallow"].append(drain_rate(server.port, "shallow", options.shallow))
            rates["deep"].append(drain_rate(server.port, "deep", options.shallow))
        medians = {queue: statistics.median(found) for queue, found in rates.items()}
        print(f"receive+delete: {medians['shallow']:.0f} msg/s with {options.shallow}, {medians['deep']:.0f} msg/s with "
              f"{options.messages}: ratio {medians['deep'] / medians['shallow']:.2f}")
        server.kill()
        restart_s = server.start()
        print(f"restart after SIGKILL: {restart_s:.2f} s; resident {server.resident_mib():.1f} MiB")
        counts = Client(server.port).call("GetQueueAttributes", QueueUrl="deep", AttributeNames=["All"])["Attributes"]
        expected = options.messages - options.rounds * options.shallow
        found = int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"])
        print(f"messages after restart: {found} of {expected}")
        if options.drain:
            rate = drain_rate(server.port, "deep", options.messages)
            print(f"drained the rest at {rate:.0f} msg/s; resident {server.resident_mib():.1f} MiB; "
                  f"disk {server.disk_mib():.0f} MiB")
        return 0 if found == expected else 1
    finally:
        server.kill()
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
