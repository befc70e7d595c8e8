"""Voices that the scripted endpoint makes from samples: `POST /v1/voices/add`, `DELETE /v1/voices/{voice_id}`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.support.endpoint.ledger import Ledger


def add(ledger: Ledger, fields: Mapping[str, str]) -> str:
    """The answer. The voice is listed from now on."""
    with ledger.lock:
        ledger.made_ever += 1
        voice_id = f"made-{ledger.made_ever}"
        labels = json.loads(fields.get("labels", "{}"))
        ledger.voices.append(
            {"voice_id": voice_id, "name": fields["name"], "category": "cloned", "labels": labels, **ledger.made_with}
        )
    return json.dumps({"voice_id": voice_id, "requires_verification": ledger.verifies})


def delete(ledger: Ledger, path: str) -> bool:
    """False: there is no such voice."""
    voice_id = path.removeprefix("/v1/voices/")
    with ledger.lock:
        left = [voice for voice in ledger.voices if voice["voice_id"] != voice_id]
        was_there = len(left) < len(ledger.voices)
        ledger.voices = left
    return was_there
