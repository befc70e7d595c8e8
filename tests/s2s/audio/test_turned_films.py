"""Films of every container that were turned and have chapters: both stay, with the new sound."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import pytest

from s2s.audio import Film
from tests.s2s.audio.test_films import VP9, as_heard, filmed
from tests.support.films import H264, packets, written_film

# The command turns what it writes as MP4 or MOV only.
IN_CHAPTERS = "-map 0:v -map 1:a -map_chapters 2 -map_metadata 2"
AS_MP4 = f"{IN_CHAPTERS} {H264} -c:a aac"
TURNED = "-i {} -map 0:v -map 0:a -c copy -metadata:s:v rotate=90"


def turned(name: str, codecs: str = AS_MP4) -> bytes:
    return written_film(codecs, name, more="-i chapters", then=TURNED)


def copied_as(kind: str, film: bytes) -> bytes:
    sink = io.BytesIO()
    with av.open(io.BytesIO(film)) as source, av.open(sink, "w", format=kind) as copy:
        copy.set_chapters(source.chapters())
        streams = [*source.streams.video, *source.streams.audio]
        tracks = {stream.index: copy.add_stream_from_template(stream, opaque=True) for stream in streams}
        for packet in source.demux(streams):
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                copy.mux_one(packet)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("source", "made"),
    [
        pytest.param(lambda: turned("a.mp4"), Film("mp4", "aac"), id="mp4"),
        pytest.param(lambda: turned("a.mov"), Film("mov", "aac"), id="mov"),
        pytest.param(lambda: copied_as("matroska", turned("a.mp4")), Film("matroska", "flac"), id="matroska"),
        pytest.param(
            lambda: copied_as("webm", turned("a.mp4", f"{IN_CHAPTERS} {VP9}")), Film("webm", "opus"), id="webm"
        ),
    ],
)
def test_how_it_is_turned_and_its_chapters_stay(source: Callable[[], bytes], made: Film) -> None:
    film = source()
    whole, found = filmed(film, as_heard(film))
    assert found == made
    assert [data for data, _ in packets(whole)] == [data for data, _ in packets(film)]
    with av.open(io.BytesIO(film)) as before, av.open(io.BytesIO(whole)) as after:
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation == 90
        chapters = [
            (chapter["metadata"]["title"], chapter["start"] * chapter["time_base"]) for chapter in after.chapters()
        ]
        assert chapters == [("Arrival", 0), ("Departure", 2)]
