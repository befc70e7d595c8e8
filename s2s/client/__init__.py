"""Clients of convert endpoints: send a recording, hand over the answer as it comes, name what failed.

Speak the contract of `s2s.contract` over httpx. Every failure is an `EndpointError` whose class says what it means
for the bill. `Client` is for threads and safe to share between them, `AsyncClient` for an event loop of asyncio.
"""

from s2s.client.abort import Abort
from s2s.client.answer import Answer, AsyncAnswer, Concurrency
from s2s.client.async_client import AsyncClient
from s2s.client.client import Client
from s2s.client.errors import Aborted, AccountProblem, Busy, EndpointError, NotSent, Rejected, Unclear
from s2s.client.options import Timeouts
from s2s.client.recording import Audio

__all__ = [
    "Abort",
    "Aborted",
    "AccountProblem",
    "Answer",
    "AsyncAnswer",
    "AsyncClient",
    "Audio",
    "Busy",
    "Client",
    "Concurrency",
    "EndpointError",
    "NotSent",
    "Rejected",
    "Timeouts",
    "Unclear",
]
