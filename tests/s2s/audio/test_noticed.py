"""What is unusual about a recording goes through processes and the database unchanged."""

from __future__ import annotations

import json

from s2s.audio import Noticed
from s2s.audio.noticed import Track


def test_a_plain_recording_has_nothing_to_say() -> None:
    assert not Noticed()
    assert Noticed().as_json() == {}
    assert Noticed.from_json({}) == Noticed()


def test_what_was_noticed_comes_back_from_json_as_it_was() -> None:
    tracks = (Track(0, "eng", "Stereo", 2), Track(1, "deu", "", 6))
    found = Noticed(
        lead_s=1.5, gaps=2, gaps_s=3.25, channels_used=(1, 3), channels_why="cancel", tracks=tracks, track=1
    )
    assert found
    assert Noticed.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_what_a_newer_version_has_noticed_is_left_out() -> None:
    assert Noticed.from_json({"lead_s": 1.0, "wow_and_flutter": 3}) == Noticed(lead_s=1.0)
