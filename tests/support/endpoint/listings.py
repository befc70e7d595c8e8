"""What the scripted endpoint answers to GETs of the contract: voices, models, history, subscription."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Entry = dict[str, Any]

MODELS = ("eleven_multilingual_sts_v2", "eleven_english_sts_v2")
SUBSCRIPTION = {"tier": "creator", "status": "active", "character_count": 1_500, "character_limit": 100_000}


def voices() -> list[Entry]:
    return [
        {"voice_id": voice_id, "name": name, "category": "premade", "labels": {"accent": "none"}}
        for voice_id, name in (("21m00Tcm4TlvDq8ikWAM", "Rachel"), ("JBFqnCBsd6RMkjVDRZzb", "George"))
    ]


def listing(path: str, query: Mapping[str, str], voices: Sequence[Entry], history: Sequence[Entry]) -> str | None:
    """The JSON at `path`; None if there is nothing."""
    if path == "/v1/voices":
        return json.dumps({"voices": voices})
    if path == "/v2/voices":
        return json.dumps(_voice_page(query, voices))
    if path == "/v1/models":
        return json.dumps([{"model_id": name, "can_do_voice_conversion": True} for name in MODELS])
    if path == "/v1/history":
        return json.dumps(_history_page(query, history))
    if path == "/v1/user/subscription":
        return json.dumps(SUBSCRIPTION)
    voice = next((voice for voice in voices if path == f"/v1/voices/{voice['voice_id']}"), None)
    return json.dumps(voice) if voice else None


def _voice_page(query: Mapping[str, str], voices: Sequence[Entry]) -> Entry:
    found = [voice for voice in voices if query.get("search", "").casefold() in voice["name"].casefold()]
    start = int(query.get("next_page_token", "0"))
    end = start + int(query.get("page_size", "10"))
    return {
        "voices": found[start:end],
        "has_more": end < len(found),
        "total_count": len(found),
        "next_page_token": str(end) if end < len(found) else None,
    }


def _history_page(query: Mapping[str, str], history: Sequence[Entry]) -> Entry:
    filters = {name: query[name] for name in ("voice_id", "source") if name in query}
    found = [item for item in history if all(item.get(name) == value for name, value in filters.items())]
    ids = [item["history_item_id"] for item in found]
    after = query.get("start_after_history_item_id")
    start = ids.index(after) + 1 if after in ids else 0
    page = found[start : start + int(query.get("page_size", "100"))]
    return {
        "history": page,
        "has_more": start + len(page) < len(found),
        "last_history_item_id": page[-1]["history_item_id"] if page else None,
    }
