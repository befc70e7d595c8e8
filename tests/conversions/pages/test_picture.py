"""The picture of a shared link, as any reader of PNG sees it."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest

from conversions.models import Conversion, Share
from conversions.pages.picture import HEIGHT, WIDTH, picture_of

PAPER, SOURCE, TARGET = (0xF8, 0xF7, 0xF4), (0x7A, 0x72, 0x67), (0x0B, 0x6E, 0x5F)


def seen(what: Share.What, source: bytes, result: bytes) -> Any:
    conversion = Conversion(source_peaks=source, output_peaks=result)
    with av.open(io.BytesIO(picture_of(Share(conversion=conversion, what=what)))) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (HEIGHT, WIDTH, 3)
    return picture[150:]  # below the mark


def amount(picture: Any, colour: tuple[int, int, int]) -> int:
    return int(np.all(picture == colour, axis=2).sum())


@pytest.mark.parametrize("what", list(Share.What))
def test_each_has_its_colour(what: Share.What) -> None:
    picture = seen(what, bytes([200] * 900), bytes([200] * 900))
    left, right = picture[:, : WIDTH // 2 - 20], picture[:, WIDTH // 2 + 20 :]
    assert bool(amount(left, SOURCE)) == bool(what != Share.What.RESULT)
    assert bool(amount(left, TARGET)) == bool(what == Share.What.RESULT)
    assert bool(amount(right, SOURCE)) == bool(what == Share.What.ORIGINAL)
    assert bool(amount(right, TARGET)) == bool(what != Share.What.ORIGINAL)


def test_what_is_loud_is_high() -> None:
    picture = seen(Share.What.RESULT, b"", bytes([20] * 500 + [250] * 500))
    left, right = picture[:, : WIDTH // 2], picture[:, WIDTH // 2 :]
    assert 8 < amount(right, TARGET) / amount(left, TARGET) < 16


@pytest.mark.parametrize("peaks", [b"", b"\0" * 400, b"\x80", b"\xff" * 50], ids=["none", "silent", "one", "few"])
def test_there_is_one_of_whatever_there_is(peaks: bytes) -> None:
    picture = seen(Share.What.BOTH, peaks, peaks)
    assert amount(picture, PAPER) > WIDTH * HEIGHT // 4
    assert amount(picture, TARGET) > 0
