"""The contract as types: formats, ranges, empty means absent, and what odd servers send."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from s2s.contract import (
    ConvertParameters,
    HistoryItem,
    HistoryPage,
    HistorySearch,
    Subscription,
    Voice,
    VoicePage,
    VoiceSearch,
)
from s2s.formats import OUTPUT_FORMATS


def test_there_are_28_formats_with_their_parts() -> None:
    assert len(OUTPUT_FORMATS) == 28
    mp3 = OUTPUT_FORMATS["mp3_44100_128"]
    assert (mp3.codec, mp3.sample_rate_hz, mp3.bitrate_kbps, mp3.media_type) == ("mp3", 44100, 128, "audio/mpeg")
    assert OUTPUT_FORMATS["pcm_16000"].bitrate_kbps is None
    assert {name for name, known in OUTPUT_FORMATS.items() if not known.streamable} == {
        f"wav_{rate}" for rate in (8000, 16000, 22050, 24000, 32000, 44100, 48000)
    }
    assert all(name == known.name for name, known in OUTPUT_FORMATS.items())


def test_empty_is_absent_as_sdk_1_9_sends_it() -> None:
    empty = ConvertParameters.model_validate({"model_id": "", "voice_settings": "", "seed": "", "output_format": ""})
    assert empty == ConvertParameters()
    assert empty.output_format == "mp3_44100_128"


def test_the_form_says_the_model_always_and_the_rest_when_given() -> None:
    assert ConvertParameters().form() == {"model_id": "eleven_multilingual_sts_v2"}
    given = ConvertParameters.model_validate(
        {"voice_settings": '{"stability": 0.5, "style": 0}', "seed": "4294967295", "remove_background_noise": "true"}
    )
    assert given.form() == {
        "model_id": "eleven_multilingual_sts_v2",
        "voice_settings": '{"stability":0.5,"style":0.0}',
        "seed": "4294967295",
        "remove_background_noise": "true",
    }
    assert ConvertParameters(enable_logging=False).query()["enable_logging"] == "false"


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": -1},
        {"seed": 2**32},
        {"seed": "x"},
        {"optimize_streaming_latency": 5},
        {"output_format": "mp3_1"},
        {"file_format": "wav"},
        {"voice_settings": "no json"},
        {"voice_settings": "[1]"},
        {"voice_settings": "[" * 100_000},
        {"voice_settings": '{"stability": 1.5}'},
        {"voice_settings": '{"speed": 2}'},
        {"enable_logging": "perhaps"},
    ],
)
def test_what_is_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ConvertParameters.model_validate(bad)


def test_one_odd_detail_does_not_cost_a_voice() -> None:
    voice = Voice.model_validate(
        {"voice_id": "a", "labels": {"accent": None, "age": "young"}, "settings": {"speed": 9}, "name": "A"}
    )
    assert (voice.labels, voice.settings) == ({"age": "young"}, None)
    assert Voice.model_validate({"voice_id": "a", "labels": None}).labels == {}


def test_dearer_formats_say_which_subscription_they_ask_for() -> None:
    asked = {name: known.tier for name, known in OUTPUT_FORMATS.items() if known.tier}
    assert asked == {"mp3_44100_192": "creator", "pcm_44100": "pro", "wav_44100": "pro"}


def test_what_is_left_out_has_the_contracts_defaults() -> None:
    left_out = ConvertParameters()
    assert left_out.output_format == "mp3_44100_128"
    assert (left_out.enable_logging, left_out.remove_background_noise, left_out.file_format) == (True, False, "other")
    assert (left_out.optimize_streaming_latency, left_out.voice_settings, left_out.seed) == (None, None, None)


def test_searches_send_what_was_given_and_turn_their_pages() -> None:
    assert VoiceSearch().query() == HistorySearch().query() == {}
    voices = VoiceSearch(search="low", page_size=5, include_total_count=False)
    assert voices.query() == {"search": "low", "page_size": "5", "include_total_count": "false"}
    assert voices.after("t").query()["next_page_token"] == "t"
    assert HistorySearch(source="STS").after("h").query() == {"source": "STS", "start_after_history_item_id": "h"}


@pytest.mark.parametrize("size", [0, 1001])
def test_pages_have_a_largest_size(size: int) -> None:
    with pytest.raises(ValidationError):
        HistorySearch(page_size=size)
    with pytest.raises(ValidationError):
        VoiceSearch(page_size=min(size, 101))


def test_the_next_page_is_where_the_last_one_ends() -> None:
    page: dict[str, object] = {"history": [{"history_item_id": "a", "date_unix": 1, "source": "Later"}], "new": 1}
    assert HistoryPage.model_validate(page).next_token is None
    assert HistoryPage.model_validate({**page, "has_more": True}).next_token == "a"
    assert HistoryPage.model_validate({**page, "has_more": True, "last_history_item_id": "b"}).next_token == "b"
    assert VoicePage.model_validate({"voices": [], "has_more": True, "next_page_token": ""}).next_token is None


def test_the_account_and_its_history_count_in_the_same_credits() -> None:
    item = {"history_item_id": "a", "date_unix": 1, "character_count_change_from": 7}
    assert HistoryItem.model_validate(item).character_cost is None
    assert HistoryItem.model_validate({**item, "character_count_change_to": 24}).character_cost == 17
    account = Subscription.model_validate({"tier": "pro", "character_count": 12, "character_limit": 10, "status": None})
    assert account.characters_left == 0
