"""A convert endpoint for tests: speaks enough of the contract, misbehaves on demand, records what it was sent.

In a test: `with Endpoint() as endpoint: endpoint.script(Behaviour(status=503)); Client(endpoint.url).convert(...)`.
For other processes: `python -m tests.support.endpoint --port N --script FILE_OR_JSON` prints its address and answers
`GET /_record`, `POST /_script` (a `Script` as JSON) and `POST /_reset` besides.

What it bills stands in its history, as at ElevenLabs; `ledger.py` says in which shape.
"""

from tests.support.endpoint.ledger import Request
from tests.support.endpoint.multipart import Part
from tests.support.endpoint.script import (
    REVOKED,
    SYSTEM_BUSY,
    TOO_MANY,
    Behaviour,
    Fault,
    Framing,
    Script,
    detail,
    parameter_error,
)
from tests.support.endpoint.server import Endpoint

__all__ = [
    "REVOKED",
    "SYSTEM_BUSY",
    "TOO_MANY",
    "Behaviour",
    "Endpoint",
    "Fault",
    "Framing",
    "Part",
    "Request",
    "Script",
    "detail",
    "parameter_error",
]
