"""A film comes back with another sound: its pictures to the bit, its sound in time with them, the rest as it was."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition

from s2s.audio import AudioError, Film, decode, encode, examine, film, in_playing_order
from s2s.audio.films import _File
from s2s.audio.proportions import is_shape
from s2s.audio.structure import boxes
from tests.s2s.audio.test_edits import cut
from tests.support.films import FLASHES_S, H264, flashes_s, onsets_s, packets, written_film
from tests.support.lag import found_at

IN_SYNC_S = 0.005
RATE = 44_100
AAC = f"{H264} -c:a aac"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -c:a libopus"
KINDS = {
    "mp4": (AAC, "a.mp4", {}),
    "mp4 in fragments": (f"{AAC} -movflags frag_keyframe+empty_moov+default_base_moof", "a.mp4", {}),
    "mp4 cut in the middle": (AAC, "a.mp4", {"then": "-ss 0.7 -i {} -c copy"}),
    "mp4 whose sound begins late": (AAC, "a.mp4", {"then": "-i {0} -itsoffset 0.5 -i {0} -map 0:v -map 1:a -c copy"}),
    "mp4 whose pictures begin late": (AAC, "a.mp4", {"then": "-itsoffset 0.5 -i {0} -i {0} -map 0:v -map 1:a -c copy"}),
    "mov": (f"{H264} -c:a pcm_s16le", "a.mov", {}),
    "mov of a phone": ("-c:v libx265 -x265-params log-level=none -tag:v hvc1 -c:a aac", "a.mov", {}),
    "mkv": (f"{H264} -c:a aac", "a.mkv", {}),
    "mkv whose sound begins late": (AAC, "a.mkv", {"then": "-i {0} -itsoffset 0.5 -i {0} -map 0:v -map 1:a -c copy"}),
    "webm": (VP9, "a.webm", {}),
    "mp4 of a browser": (VP9, "a.mp4", {}),
    "mp4 of an old camera": ("-c:v mpeg4 -bf 2 -c:a aac", "a.mp4", {}),
    "3gp of an old phone": ("-c:v h263 -s 176x144 -c:a aac -ar 8000 -ac 1", "a.3gp", {}),
}

IN_SYNC = ("mp4", "mp4 in fragments", "mov", "mov of a phone", "mkv")


def made(kind: str) -> bytes:
    arguments, name, how = KINDS[kind]
    return written_film(arguments, name, **how)


def as_heard(content: bytes, codec: str = "mp3", bitrate: int | None = 128, track: int | None = None) -> bytes:
    """A result that says what was heard: what a conversion that changes nothing gives."""
    sink = io.BytesIO()
    blocks = decode(io.BytesIO(content), sample_rate_hz=RATE, track=track)
    encode(blocks, sink, codec, RATE, bitrate, input_rate_hz=RATE)
    return sink.getvalue()


def filmed(content: bytes, sound: bytes, *, track: int | None = None, lossless: bool = False) -> tuple[bytes, Film]:
    copy = io.BytesIO()
    found = film(io.BytesIO(content), io.BytesIO(sound), copy, lossless=lossless, track=track)
    return b"".join(in_playing_order(copy)), found


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_the_same_to_the_bit_and_the_sound_is_in_time_with_them(kind: str) -> None:
    source = made(kind)
    whole, _found = filmed(source, as_heard(source))
    before, after = packets(source), packets(whole)
    assert [data for data, _ in after] == [data for data, _ in before]
    assert [time for _, time in after] == pytest.approx([time for _, time in before], abs=0.0011)

    seen, heard = flashes_s(whole), onsets_s(whole)
    assert seen == pytest.approx(flashes_s(source), abs=0.0011)
    assert len(seen) >= 3
    true = onsets_s(source)
    assert len(heard) == len(true)
    assert heard == pytest.approx(true, abs=IN_SYNC_S)
    if kind in IN_SYNC:  # of the others ffmpeg moves sound or pictures itself
        assert heard == pytest.approx(seen[: len(heard)], abs=IN_SYNC_S)


@pytest.mark.parametrize(
    ("arguments", "name", "pixels", "size"),
    [
        ("-c:v mpeg4 -c:a aac", "a.mp4", "yuv420p", (96, 64)),
        ("-c:v h263 -s 176x144 -c:a aac -ar 8000 -ac 1", "a.3gp", "yuv420p", (176, 144)),
        (VP9, "a.mp4", "yuv420p", (96, 64)),
        (f"{VP9} -pix_fmt yuv444p", "a.mp4", "yuv444p", (96, 64)),
        (f"{VP9} -pix_fmt yuv420p10le", "a.mp4", "yuv420p10le", (96, 64)),
    ],
)
def test_pictures_whose_size_and_sampling_only_a_decoder_tells(arguments, name, pixels, size) -> None:
    source = written_film(arguments, name)
    whole, _found = filmed(source, as_heard(source))
    with av.open(io.BytesIO(whole)) as after:
        (pictures,) = after.streams.video
        assert (pictures.codec_context.width, pictures.codec_context.height) == size
        assert pictures.codec_context.pix_fmt == pixels
    entry = whole.index(b"stsd") + 16  # what a player believes before it decodes
    assert struct.unpack(">HH", whole[entry + 28 : entry + 32]) == size
    if arguments.startswith(VP9):
        said, wrote = (one[one.index(b"vpcC") + 8 :][:3] for one in (source, whole))
        assert said[2] >> 4 == wrote[2] >> 4


def test_pictures_that_go_all_around_still_do() -> None:
    """Spherical Video V2 (https://github.com/google/spatial-media): 360 degrees, equirectangular."""
    projection = _box(b"proj", _box(b"prhd", bytes(16)) + _box(b"equi", bytes(20)))
    all_around = _box(b"sv3d", _box(b"svhd", bytes(4) + b"Timbre\0") + projection)
    source = bytearray(made("mp4"))
    start = source.index(b"avcC") - 4
    place = start + int.from_bytes(source[start : start + 4])
    source[place:place] = all_around
    for parent in (b"avc1", b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        start = source.rindex(parent, 0, place) - 4
        source[start : start + 4] = (int.from_bytes(source[start : start + 4]) + len(all_around)).to_bytes(4)
    whole, _found = filmed(bytes(source), as_heard(bytes(source)))
    assert whole[whole.index(b"sv3d") :][: len(all_around)].count(b"equi") == 1


def _box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


@pytest.mark.parametrize(
    ("arguments", "name", "then"),
    [
        (AAC, "a.mp4", ""),
        (AAC, "a.mkv", ""),
        (AAC, "a.mkv", "-i {} -c copy -aspect 3:1"),  # which its pictures don't know themselves
        (f"{VP9} -metadata:s:v title=Harbour", "a.webm", ""),
        (VP9, "a.mp4", ""),
    ],
)
def test_pixels_that_are_not_square_stay_so(arguments, name, then) -> None:
    source = written_film(f"-vf setsar=4/3 {arguments}", name, then=then)
    whole, _found = filmed(source, as_heard(source))
    assert packets(whole) == packets(source)
    with av.open(io.BytesIO(source)) as before, av.open(io.BytesIO(whole)) as after:
        (one,), (other,) = before.streams.video, after.streams.video
        assert other.sample_aspect_ratio == one.sample_aspect_ratio == (2 if then else Fraction(4, 3))
        assert other.metadata.get("title") == one.metadata.get("title")


@pytest.mark.parametrize("pixel", [Fraction(1, 20), Fraction(20), Fraction(0), None])
def test_what_no_pixel_is_like_is_not_told(pixel) -> None:
    assert not is_shape(pixel)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_of_several_sounds_the_new_one_is_what_players_take(name: str) -> None:
    source = written_film(f"-map 0:v -map 1:a -map 1:a {H264} -c:a aac -disposition:a:0 default", name)
    whole, found = filmed(source, as_heard(source, track=1), track=1)
    with av.open(io.BytesIO(whole)) as after:
        assert [bool(sound.disposition & Disposition.default) for sound in after.streams.audio] == [False, True]
    assert examine(io.BytesIO(whole)).codec == found.codec


def test_h264_in_what_a_browser_calls_webm_comes_back_as_matroska() -> None:
    written = written_film(f"{H264} -c:a libopus", "a.mkv")
    source = written.replace(b"\x42\x82\x88matroska", b"\x42\x82\x84webm\xec\x82\0\0", 1)
    assert source != written
    whole, found = filmed(source, as_heard(source))
    assert found == Film("matroska", "flac")
    assert packets(whole) == packets(source)


def test_two_pictures_that_a_recorder_counts_at_one_time_are_both_kept() -> None:
    gap = "-vf select='lt(n\\,20)+gt(n\\,30)' -vsync vfr"
    source = bytearray(written_film(f"-c:v libx264 -bf 0 {gap} -c:a aac", "a.mp4"))
    times = source.index(b"stts") + 12
    lengths = [struct.unpack_from(">II", source, times + 8 * index) for index in range(3)]
    assert lengths[1][0] == 1  # the picture before the gap
    struct.pack_into(">II", source, times + 8, 1, 0)
    whole, _found = filmed(bytes(source), as_heard(bytes(source)))
    assert [data for data, _ in packets(whole)] == [data for data, _ in packets(bytes(source))]
    assert [time for _, time in packets(whole)] == pytest.approx([time for _, time in packets(bytes(source))], abs=1e-3)


def test_a_late_sound_is_as_late_as_it_was() -> None:
    source = made("mp4 whose sound begins late")
    whole, _found = filmed(source, as_heard(source))
    assert onsets_s(whole)[0] == pytest.approx(FLASHES_S + 0.5, abs=IN_SYNC_S)


@pytest.mark.parametrize(
    ("kind", "codec", "bitrate", "expected"),
    [
        ("mp4", "mp3", 128, "aac"),
        ("mp4", "wav", None, "aac"),
        ("mov", "mp3", 128, "aac"),
        ("mov", "wav", None, "pcm_s16le"),
        ("mkv", "mp3", 128, "flac"),
        ("webm", "wav", None, "opus"),
    ],
)
def test_the_new_sound_is_where_it_was_to_the_sample_in_what_its_container_takes(
    kind, codec, bitrate, expected
) -> None:
    source = made(kind)
    sound = as_heard(source, codec, bitrate)
    whole, found = filmed(source, sound, lossless=bitrate is None)
    assert found.codec == expected == examine(io.BytesIO(whole)).codec
    rate = examine(io.BytesIO(sound)).sample_rate_hz
    before, after = (np.concatenate(list(decode(io.BytesIO(one), sample_rate_hz=rate))) for one in (sound, whole))
    lag, alike = found_at(after, before)
    assert abs(lag) <= rate // 1000
    assert alike > 0.995
    assert len(after) == pytest.approx(len(before), abs=1024)


def test_what_belongs_to_a_film_stays() -> None:
    more = "-i words.srt -i chapters"
    arguments = (
        f"-map 0:v -map 1:a -map 1:a -map 2:s -map_chapters 3 -map_metadata 3 {H264} -c:a aac -c:s mov_text "
        "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:s:0 language=eng"
    )
    turned = (
        "-i {} -map 0:v -map 0:a -map 0:s -c copy -metadata:s:v rotate=90 -metadata creation_time=2026-11-30T12:00:00Z"
    )
    source = written_film(arguments, "a.mp4", more=more, then=turned)
    whole, found = filmed(source, as_heard(source, track=1), track=1)
    assert found == Film("mp4", "aac")
    assert packets(whole, "audio", 0) == packets(source, "audio", 0)
    assert packets(whole, "audio", 1) != packets(source, "audio", 1)
    assert packets(whole, "subtitle") == packets(source, "subtitle")
    with av.open(io.BytesIO(source)) as before, av.open(io.BytesIO(whole)) as after:
        assert [stream.type for stream in after.streams if stream.type != "data"] == [
            "video",
            "audio",
            "audio",
            "subtitle",
        ]
        assert [stream.language for stream in after.streams][1:4] == ["eng", "deu", "eng"]
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation == 90
        assert [chapter["metadata"]["title"] for chapter in after.chapters()] == ["Arrival", "Departure"]
        assert [float(c["start"] * c["time_base"]) for c in after.chapters()] == [0, 2]
        assert (after.metadata["title"], after.metadata["creation_time"][:10]) == ("Harbour", "2026-11-30")


def test_a_matroska_keeps_subtitles_fonts_and_covers() -> None:
    arguments = f"-map 0:v -map 1:a -map 2:s {H264} -c:a aac -c:s srt -attach font.ttf -metadata:s:t mimetype=font/ttf"
    source = written_film(arguments, "a.mkv", more="-i words.srt")
    whole, found = filmed(source, as_heard(source))
    assert found == Film("matroska", "flac")
    assert packets(whole, "subtitle") == packets(source, "subtitle")
    with av.open(io.BytesIO(whole)) as after:
        (font,) = [stream for stream in after.streams if stream.type == "attachment"]
        assert (font.name, font.mimetype, font.data) == ("font.ttf", "font/ttf", b"not really a font")


def test_a_cover_stays() -> None:
    red = "-f lavfi -i color=red:s=64x64:d=0.04 -map 0:v -map 0:a -map 1:v -c copy -c:v:1 mjpeg -frames:v:1 1"
    source = written_film(AAC, "a.mp4", then=f"-i {{}} {red} -disposition:v:1 attached_pic")
    whole, found = filmed(source, as_heard(source))
    assert found.left_out == ()
    assert packets(whole)[:1] == packets(source)[:1]
    assert cover(whole) == cover(source)

    named = "-metadata:s:t mimetype=image/jpeg -metadata:s:t filename=cover.jpg"
    source = written_film(f"{AAC} -attach font.ttf {named}", "a.mkv")
    whole, _found = filmed(source, as_heard(source))
    assert packets(whole) == packets(source)
    assert cover(whole) == cover(source) == b"not really a font"


def cover(content: bytes) -> bytes:
    with av.open(io.BytesIO(content)) as container:
        (stream,) = [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]
        return next(bytes(packet) for packet in container.demux(stream) if packet.size)


def test_an_mp4_begins_with_its_index_so_that_it_plays_at_once() -> None:
    source = made("mp4")
    whole, _found = filmed(source, as_heard(source))
    names = [part.name for part in boxes(_File(io.BytesIO(whole)))]
    assert names.index(b"moov") < names.index(b"mdat")


def test_an_index_too_large_for_memory_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    source = made("mp4")
    monkeypatch.setattr("s2s.audio.films._MOST_INDEX_BYTES", 100)
    whole, _found = filmed(source, as_heard(source))
    assert whole.index(b"mdat") < whole.index(b"moov")
    assert [data for data, _ in packets(whole)] == [data for data, _ in packets(source)]


def test_a_phone_of_apples_gets_the_name_of_the_codec_that_it_takes() -> None:
    source = made("mov of a phone")
    whole, _found = filmed(source, as_heard(source))
    with av.open(io.BytesIO(whole)) as after:
        assert after.streams.video[0].codec_context.codec_tag == "hvc1"


def test_only_what_moves_is_a_film(write, noise) -> None:
    cover = "-map 1:a -map 0:v -c:a aac -c:v mjpeg -frames:v 1 -disposition:v attached_pic"
    assert examine(io.BytesIO(written_film(cover, "a.m4a"))).pictures == ""
    assert examine(io.BytesIO(write(noise(48000), 48000, container="mp4", codec="aac"))).pictures == ""
    assert examine(io.BytesIO(made("mp4"))).pictures == "h264"
    for kind in ("mkv", "webm"):
        unseen = without_pictures(made(kind), "matroska" if kind == "mkv" else kind)
        assert examine(io.BytesIO(unseen)).pictures == ""
        assert examine(io.BytesIO(made(kind))).pictures
    sound = written_film("-map 1:a -c:a aac", "a.m4a")
    with pytest.raises(AudioError, match="could not be copied"):
        filmed(sound, as_heard(sound))


def test_pictures_that_an_editor_put_together_are_refused_and_the_sound_is_read() -> None:
    """As QuickTime Player leaves a clip out: by a list of what is shown."""
    whole = written_film(f"-map 1:a -map 0:v {AAC}", "a.mp4")
    source = cut(whole, (1000, 1024), (2000, 25_600))
    assert examine(io.BytesIO(source)).pictures == "h264"
    sound = as_heard(source)
    with pytest.raises(AudioError, match="put together from several pieces in an editor") as refused:
        filmed(source, sound)
    assert refused.value.code == "film_cut"
    for way_out in ("Export it anew", "download the sound alone"):
        assert way_out in str(refused.value)
    assert filmed(cut(whole, (1000, 1024), (2000, 13_824)), sound)  # goes on where it was: one piece


def without_pictures(source: bytes, container: str) -> bytes:
    """The same tracks, but no picture in that of the pictures: a camera was switched off, or its lid was on."""
    sink = io.BytesIO()
    with av.open(io.BytesIO(source)) as film, av.open(sink, "w", format=container) as copy:
        tracks = [copy.add_stream_from_template(stream, opaque=True) for stream in film.streams]
        for packet in film.demux(film.streams.audio):
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                copy.mux_one(packet)
    return sink.getvalue()


def test_a_damaged_film_breaks_nothing() -> None:
    source, sound = bytearray(made("mkv")), as_heard(made("mkv"))
    rng = np.random.default_rng(7)
    for _ in range(20):
        damaged = bytearray(source)
        for place in rng.integers(0, len(source), 40):
            damaged[place] = rng.integers(256)
        assert outcome(bytes(damaged), sound) in ("copied", "not_audio", "no_audio", "film_uncopied", "unreadable")


def outcome(content: bytes, sound: bytes) -> str:
    try:
        filmed(content, sound)
    except AudioError as error:
        return error.code
    return "copied"
