"""Which bucket, where, and with whose key: what the environment says about S3. Knows no Django: settings read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

# One client serves all threads of a process; each needs a connection of its own.
_CONNECTIONS = 64


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3. Without a key boto3 looks for one itself (instance role, web identity, shared file)."""

    bucket: str
    endpoint_url: str = ""
    # Where browsers reach the same S3, if that isn't where we do.
    public_endpoint_url: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    # "path" or "virtual"; "" takes the one that is right for most: AWS wants the bucket in the name of the host (else
    # signed addresses lead to the wrong region), others mostly have no such names.
    addressing_style: str = ""

    @property
    def config(self) -> Config:
        return Config(
            signature_version="s3v4",
            s3={"addressing_style": self.addressing_style or ("path" if self.endpoint_url else "virtual")},
            max_pool_connections=_CONNECTIONS,
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Newer checksums travel in a way that many S3-compatible servers don't read.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    def public_client(self) -> Any:
        """Signs addresses for browsers."""
        session = boto3.Session(self.access_key_id or None, self.secret_access_key or None)
        return session.client(
            "s3",
            region_name=self.region or None,
            endpoint_url=self.public_endpoint_url or self.endpoint_url or None,
            config=self.config,
        )

    def public_origin(self) -> str:
        """Scheme, host and port of the addresses that browsers get, for the Content-Security-Policy."""
        # Signing needs no network, and any key: so the host is boto3's own choice, not a guess of ours.
        unnamed = Bucket(**(vars(self) | {"access_key_id": "none", "secret_access_key": "none"}))
        client = unnamed.public_client()
        parts = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": self.bucket, "Key": "a"}))
        return f"{parts.scheme}://{parts.netloc}"
