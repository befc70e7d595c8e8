"""S3-compatible servers as processes of their own. nanio checks signatures and their age, and ignores what a signed
address says about disposition; moto does it the other way round."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from bin.groups import free_port

BUCKET = "recordings"
_COMMANDS = {
    "nanio": "nanio serve --host 127.0.0.1 --port {port} --data-dir {folder} --log-level warning",
    "moto": "moto.server -H 127.0.0.1 -p {port}",
}


@dataclass
class S3:
    """A running server with an empty bucket, and what the product needs to know of it."""

    url: str
    process: subprocess.Popen[bytes]
    access_key_id: str = "tester"
    secret_access_key: str = field(default="not-a-secret-of-anyone", repr=False)

    @property
    def place(self) -> dict[str, str]:
        return {
            "bucket": BUCKET,
            "endpoint_url": self.url,
            "region": "us-east-1",
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }

    @property
    def environment(self) -> dict[str, str]:
        return {f"S3_{name.upper()}": value for name, value in self.place.items()}

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(signature_version="s3v4"),
        )

    def stored_keys(self) -> list[str]:
        return [item["Key"] for item in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@contextlib.contextmanager
def running_s3(name: str) -> Iterator[S3]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="timbre-s3-") as folder:
        command = [sys.executable, "-m", *_COMMANDS[name].format(port=port, folder=folder).split()]
        keys = {"NANIO_ACCESS_KEY": S3.access_key_id, "NANIO_SECRET_KEY": "not-a-secret-of-anyone"}
        process = subprocess.Popen(command, env=os.environ | keys, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            server = S3(f"http://127.0.0.1:{port}", process)
            server.client().create_bucket(Bucket=BUCKET)
            yield server
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the S3 server ended at once"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the S3 server does not answer")
