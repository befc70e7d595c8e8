"""Films of every container that were turned and have chapters: both stay, with the new sound."""

from __future__ import annotations

import io

import av
import pytest

from s2s.audio import Film
from tests.s2s.audio.test_films import as_heard, filmed
from tests.support.films import H264, packets, written_film

# The command turns what it writes as MP4 or MOV only.
IN_CHAPTERS = f"-map 0:v -map 1:a -map_chapters 2 -map_metadata 2 {H264} -c:a aac"
TURNED = "-i {} -map 0:v -map 0:a -c copy -metadata:s:v rotate=90"


def turned(name: str) -> bytes:
    return written_film(IN_CHAPTERS, name, more="-i chapters", then=TURNED)


def as_matroska(film: bytes) -> bytes:
    sink = io.BytesIO()
    with av.open(io.BytesIO(film)) as source, av.open(sink, "w", format="matroska") as copy:
        copy.set_chapters(source.chapters())
        streams = [*source.streams.video, *source.streams.audio]
        tracks = {stream.index: copy.add_stream_from_template(stream, opaque=True) for stream in streams}
        for packet in source.demux(streams):
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                copy.mux_one(packet)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("kind", "made"),
    [("mp4", Film("mp4", "aac")), ("mov", Film("mov", "aac")), ("matroska", Film("matroska", "flac"))],
)
def test_how_it_is_turned_and_its_chapters_stay(kind: str, made: Film) -> None:
    source = as_matroska(turned("a.mp4")) if kind == "matroska" else turned(f"a.{kind}")
    whole, found = filmed(source, as_heard(source))
    assert found == made
    assert [data for data, _ in packets(whole)] == [data for data, _ in packets(source)]
    with av.open(io.BytesIO(source)) as before, av.open(io.BytesIO(whole)) as after:
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation == 90
        chapters = [
            (chapter["metadata"]["title"], chapter["start"] * chapter["time_base"]) for chapter in after.chapters()
        ]
        assert chapters == [("Arrival", 0), ("Departure", 2)]
