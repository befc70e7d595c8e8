"""The client of an endpoint: one for each address and key, in each thread.

A connection serves one call, so there is nothing to share. Clients of all threads would share a pool, which looks
through its connections, one of each call that is under way, when a call begins and again when it ends.
"""

from __future__ import annotations

import threading
from functools import lru_cache

from django.utils.translation import gettext as _

from s2s.client import AccountProblem, Client, NotSent
from s2s.client.address import read_address
from voices.models import Endpoint


class _Own(threading.local):
    """This thread's clients."""

    def __init__(self) -> None:
        self.client = lru_cache(maxsize=32)(_new_client)


def _new_client(base_url: str, api_key: str | None) -> Client:
    try:
        read_address(base_url).host.encode("idna")  # as every resolver writes it first
    except ValueError as error:
        words = _("The endpoint's address can't be read, so nothing was sent.")
        raise NotSent(words, code="address", message=str(error)) from error
    try:
        return Client(base_url, api_key)
    except ValueError as error:
        words = _("The endpoint's key has characters that can't be sent: was something else pasted with it?")
        raise AccountProblem(words, code="invalid_api_key", message=str(error)) from error


def client_for(endpoint: Endpoint) -> Client:
    """Raises `NotSent` for an address that is none, `AccountProblem` for a key that can't be sent."""
    return _own.client(endpoint.base_url, endpoint.api_key)


_own = _Own()
