"""The client of an endpoint: one for each address and key, so that connections are pooled."""

from __future__ import annotations

from functools import lru_cache

from s2s.client import Client
from voices.models import Endpoint


@lru_cache(maxsize=32)
def _client(base_url: str, api_key: str | None) -> Client:
    return Client(base_url, api_key)


def client_for(endpoint: Endpoint) -> Client:
    return _client(endpoint.base_url, endpoint.api_key)
