"""What people bring keeps its time, its length and its level: each kind of the corpus against what it was made of."""

from __future__ import annotations

import io

import numpy as np
import pytest

from s2s.audio import decode, examine
from tests.recordings.kinds import KINDS, Kind
from tests.recordings.made import content, source
from tests.support.lag import found_at, level_db


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_sound_lies_where_its_source_has_it(kind: Kind):
    true = source(kind.rate_hz)
    found = examine(io.BytesIO(content(kind)))
    heard = np.concatenate(list(decode(io.BytesIO(content(kind)), sample_rate_hz=kind.rate_hz)))
    assert round(found.samples * kind.rate_hz / found.sample_rate_hz) == len(heard)
    lag, alike = found_at(heard, true)
    assert lag == pytest.approx(kind.late, abs=kind.within)
    assert min(0, kind.late) <= len(heard) - len(true) <= kind.longer
    assert alike >= kind.alike
    there, here = max(0, lag), max(0, -lag)
    assert level_db(heard[there : there + len(true)]) == pytest.approx(level_db(true[here:]), abs=kind.level_db)
