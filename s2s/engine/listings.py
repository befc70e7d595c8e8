"""What the engine says about itself: voices, models and a subscription that costs nothing."""

from __future__ import annotations

from collections.abc import Mapping

from s2s.engine import denoiser
from s2s.engine.errors import Refusal
from s2s.engine.voices import DEFAULT_SETTINGS, OwnVoice, Voice, catalogue, own_voice
from s2s.engine.voices.added import MOST, AddedVoices
from s2s.voice_settings import EXTRA_PARAMETERS

MODEL_ID = "timbre_local_v1"
# What a conversion takes and does nothing with. There is no field for it in the contract; docs/engine.md has ours.
# (`optimize_streaming_latency` works on /stream alone.)
IGNORED_PARAMETERS = ("model_id", "optimize_streaming_latency")
_DEFAULT_PAGE_SIZE = 10
_LARGEST_PAGE = 100
# The contract wants a number where there is no limit; this is the largest that every client can hold.
_NO_LIMIT = 2**31 - 1


def built_in() -> Mapping[str, Voice | OwnVoice]:
    """By their ids. Where noise can't be removed, nothing would be left of one's own voice cleaned up."""
    own = own_voice()
    return {**catalogue(), own.voice_id: own} if denoiser.removes() else catalogue()


def offered(added: AddedVoices) -> Mapping[str, Voice | OwnVoice]:
    return {**built_in(), **added.all()}


def find_voice(voice_id: str, added: AddedVoices) -> Voice | OwnVoice:
    """Raises Refusal 404 for an id that is not offered."""
    voice = built_in().get(voice_id) or added.find(voice_id)
    if voice is None:
        raise voice_not_found()
    return voice


def voice_not_found() -> Refusal:
    return Refusal.because(404, "voice_not_found", "No voice here has that id. GET /v1/voices lists them.")


def describe(voice: Voice | OwnVoice, base_url: str) -> dict[str, object]:
    """A voice as `GET /v1/voices/{id}` shows it."""
    was_added = voice.voice_id not in built_in()
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "category": "cloned" if was_added else "premade",
        "description": voice.description,
        "labels": dict(voice.labels),
        "preview_url": f"{base_url}/v1/voices/{voice.voice_id}/preview",
        "settings": DEFAULT_SETTINGS.model_dump(exclude=None if denoiser.removes() else set(EXTRA_PARAMETERS)),
        "available_for_tiers": [],
        "high_quality_base_model_ids": [MODEL_ID],
        "samples": None,
        "is_owner": was_added,
        "is_legacy": False,
        "is_mixed": False,
    }


def voices(added: AddedVoices, base_url: str) -> dict[str, object]:
    """`GET /v1/voices`."""
    return {"voices": [describe(voice, base_url) for voice in offered(added).values()]}


def voice_page(query: Mapping[str, str], added: AddedVoices, base_url: str) -> dict[str, object]:
    """`GET /v2/voices`: `search` in name, description and labels, `page_size`, `next_page_token`."""
    wanted = query.get("search", "").casefold()
    found = [voice for voice in offered(added).values() if wanted in _searchable(voice)]
    size = _whole_number(query, "page_size", _DEFAULT_PAGE_SIZE, 1, _LARGEST_PAGE)
    start = _whole_number(query, "next_page_token", 0, 0, _NO_LIMIT)
    has_more = start + size < len(found)
    return {
        "voices": [describe(voice, base_url) for voice in found[start : start + size]],
        "has_more": has_more,
        "total_count": len(found),
        "next_page_token": str(start + size) if has_more else None,
    }


def _searchable(voice: Voice | OwnVoice) -> str:
    return "\n".join((voice.name, voice.description, *voice.labels.values())).casefold()


def _whole_number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise Refusal.of_parameter("query", name, msg=f"Input should be a whole number from {low} to {high}")
    return int(text)


def models() -> list[dict[str, object]]:
    """`GET /v1/models`: one model, and nothing claimed that it cannot do."""
    removes = denoiser.removes()
    of_noise = "Background noise is removed where that is wanted" if removes else "Background noise is not removed"
    return [
        {
            "model_id": MODEL_ID,
            "name": "Timbre local engine",
            "description": (
                "A studio effect that changes the speaker: same words, same timing, another plausible voice. "
                f"Works in every language. {of_noise}."
            ),
            "can_do_voice_conversion": True,
            "can_do_text_to_speech": False,
            "can_be_finetuned": False,
            "can_use_style": True,
            "can_use_speaker_boost": True,
            "can_remove_background_noise": removes,
            "ignored_parameters": [*IGNORED_PARAMETERS, *([] if removes else ["remove_background_noise"])],
            "extra_parameters": sorted(EXTRA_PARAMETERS) if removes else [],
            "can_take_source_speech": True,
            "serves_pro_voices": False,
            "token_cost_factor": 0.0,
            "requires_alpha_access": False,
            "max_characters_request_free_user": 0,
            "max_characters_request_subscribed_user": 0,
            "maximum_text_length_per_request": 0,
            "languages": [],
            "model_rates": {"character_cost_multiplier": 0.0},
            "concurrency_group": "standard",
        }
    ]


def subscription(added: AddedVoices) -> dict[str, object]:
    """`GET /v1/user/subscription`: nothing is billed, and only added voices are counted."""
    return {
        "tier": "local",
        "status": "active",
        "character_count": 0,
        "character_limit": _NO_LIMIT,
        "max_character_limit_extension": 0,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "voice_slots_used": len(added.all()),
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "voice_limit": MOST,
        "voice_add_edit_counter": 0,
        "professional_voice_limit": 0,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": False,
        "current_overage": {"amount": "0", "currency": "usd"},
        "open_invoices": [],
        "has_open_invoices": False,
    }
