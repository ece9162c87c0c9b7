"""The MD5s that SQS answers, computed anew from what was sent."""

import hashlib
import struct


def of_body(body: str) -> str:
    return hashlib.md5(body.encode()).hexdigest()


def of_attributes(attributes: dict[str, dict]) -> str:
    digest = hashlib.md5()

    def put(data: bytes) -> None:
        digest.update(struct.pack(">I", len(data)) + data)

    for name in sorted(attributes):
        value = attributes[name]
        put(name.encode())
        put(value["DataType"].encode())
        if value["DataType"].startswith("Binary"):
            digest.update(b"\x02")
            put(value["BinaryValue"])
        else:
            digest.update(b"\x01")
            put(value["StringValue"].encode())
    return digest.hexdigest()
