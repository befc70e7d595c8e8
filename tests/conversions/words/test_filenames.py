"""Names on someone's disk: one name, on every system."""

from __future__ import annotations

import sys

import pytest

from conversions.actions.submit import clean_name
from conversions.models import Conversion
from conversions.words import filenames


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("harbour news", "harbour news"),
        ("Ærøskøbing – 3. Teil", "Ærøskøbing – 3. Teil"),
        ("AC/DC", "AC-DC"),
        (r"..\..\Startup\x: y?", "-..-Startup-x- y-"),
        ('a*b"c<d>e|f', "a-b-c-d-e-f"),
        ("one\r\ntwo\x00three\x7f\u2028four", "one--two-three--four"),
        ("gpj.\u202eexe", "gpj.exe"),
        (" .hidden. . ", "hidden"),
        ("con", "-con"),
        ("NUL.txt", "-NUL.txt"),
        ("LPT¹ .x", "-LPT¹ .x"),
        ("console", "console"),
        ("..", "recording"),
        ("", "recording"),
    ],
)
def test_any_words_are_a_name(words: str, name: str) -> None:
    assert filenames.on_disk(words) == name


@pytest.mark.parametrize("letter", ["a", "ø", "語", "🎙"])
def test_a_name_has_room_on_every_filesystem(letter: str) -> None:
    conversion = Conversion(title=letter * 200, voice_name=letter * 200, output_format="mp3_44100_128")
    name = filenames.of_result(conversion)
    assert len(name.encode()) <= 255 - len(" (200)")
    assert name.endswith(f"{letter}.mp3")


def test_what_has_no_name_is_called_a_recording_in_ones_own_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("conversions.words.filenames", "conversions.actions.submit"):
        monkeypatch.setattr(sys.modules[module], "_", {"recording": "Aufnahme"}.get)
    assert filenames.on_disk("...") == clean_name("/") == "Aufnahme"
