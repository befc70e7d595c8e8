"""The corpus: one row a kind of recording that people bring, how it is made, and where its sound has to be.

Each is made of the same `speechlike` source, by libav's own encoders (`written`) or by the programs that people use
(`tools`). `late` is what the codec's own documentation has as its delay, where the format has no place to say it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.support import padded
from tests.support.tools import written_by
from tests.support.written import Samples, write_recording

Maker = Callable[[Samples, int], bytes]
COVER_BYTES = 5_000_000


@dataclass(frozen=True)
class Kind:
    """`late` samples after its source is the sound found, give or take `within`; `longer` samples it is at most.

    `padded` samples more may come from who decodes it by libav's defaults, which end with a whole packet: that isn't
    worth a copy.

    `alike` is 1 for the same sound at any level, of which `level_db` says how far it may be away.
    """

    name: str
    make: Maker
    rate_hz: int = 48_000
    late: int = 0
    within: int = 0
    longer: int = 0
    padded: int = 0
    alike: float = 0.999
    level_db: float = 0.02


def lossless(name: str, make: Maker, rate_hz: int = 48_000) -> Kind:
    """Nothing is missing, nothing is added, to the sample."""
    return Kind(name, make, rate_hz)


def coarse(name: str, make: Maker, rate_hz: int = 8000, padded: int = 0) -> Kind:
    """Every sample at its place, with few bits."""
    return Kind(name, make, rate_hz, padded=padded, alike=0.98, level_db=0.3)


def lossy(
    name: str,
    make: Maker,
    rate_hz: int = 48_000,
    *,
    late: int = 0,
    longer: int = 0,
    padded: int = 0,
    alike: float = 0.98,
    level_db: float = 0.5,
) -> Kind:
    """To the millisecond."""
    return Kind(name, make, rate_hz, late, rate_hz // 1000, longer, padded, alike, level_db)


def libav(
    container: str, codec: str, *, live: bool = False, video: bool = False, late_s: float = 0, **options: str
) -> Maker:
    def make(samples: Samples, rate_hz: int) -> bytes:
        video_s = samples.shape[-1] / rate_hz if video else 0.0
        return write_recording(
            samples,
            rate_hz,
            container=container,
            codec=codec,
            live=live,
            video_s=video_s,
            late_s=late_s,
            options=options,
        )

    return make


def beginning_late(name: str, container: str, codec: str, longer: int) -> Kind:
    """A film whose sound begins after half a second."""
    make = libav(container, codec, video=True, late_s=0.5)
    return lossy(f"{name}, beginning late", make, late=24_000, longer=24_000 + longer)


def stereo(make: Maker) -> Maker:
    """The same on both sides."""
    return lambda samples, rate_hz: make(np.stack([samples, samples]), rate_hz)


def on_channels(make: Maker, *weights: float) -> Maker:
    """The source on as many channels as there are weights, each times its own."""
    return lambda samples, rate_hz: make(np.outer(np.float32(weights), samples).astype(np.float32), rate_hz)


def by(command: str) -> Maker:
    return lambda samples, rate_hz: written_by(command, samples, rate_hz)


def ffmpeg(arguments: str, name: str) -> Maker:
    return by(f"ffmpeg -nostdin -v error -i in.wav {arguments} {name}")


def sox(arguments: str, name: str) -> Maker:
    return by(f"sox -D -R in.wav {arguments} {name}")


def with_cover(make: Maker) -> Maker:
    """A picture of 5 MB in front, in the tag of ID3v2.3 (APIC)."""

    def covered(samples: Samples, rate_hz: int) -> bytes:
        picture = b"\0image/png\0\3\0" + np.random.default_rng(1).bytes(COVER_BYTES)
        frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
        size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
        return b"ID3\3\0\0" + size + frame + make(samples, rate_hz)

    return covered


def mpeg_without_tag(samples: Samples, rate_hz: int) -> bytes:
    """MP3 as a sink that can't be rewound has it: nobody says how much of the beginning is the encoder's."""
    return write_recording(samples, rate_hz, container="mp3", codec="libmp3lame", options={"write_xing": "0"})


def fragments(samples: Samples, rate_hz: int) -> bytes:
    """MP4 as a recorder writes it that doesn't know yet how long it will be."""
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}
    return write_recording(samples, rate_hz, container="mp4", codec="aac", options=flags)


def amr(container: str) -> Maker:
    def make(samples: Samples, rate_hz: int) -> bytes:
        return write_recording(samples, rate_hz, container=container, codec="libopencore_amrnb", bit_rate=12_200)

    return make


def amr_with_pauses(samples: Samples, rate_hz: int) -> bytes:
    """As a telephone sends it (DTX): next to nothing while nobody speaks, here for two seconds in front."""
    return write_recording(
        np.concatenate([np.zeros(2 * rate_hz, np.float32), samples]),
        rate_hz,
        container="amr",
        codec="libopencore_amrnb",
        bit_rate=12_200,
        codec_options={"dtx": "1"},
    )


def roomy(valid: int, width: int, container: Callable[[bytes, bytes], bytes] = padded.riff) -> Maker:
    """PCM with fewer bits than room."""

    def make(samples: Samples, rate_hz: int) -> bytes:
        return container(padded.extensible(rate_hz, valid, width), padded.stored(samples, valid, width))

    return make


def chained(*makers: Maker) -> Maker:
    """One part of the source by each, in one file."""

    def make(samples: Samples, rate_hz: int) -> bytes:
        parts = np.array_split(samples, len(makers))
        return b"".join(maker(part, rate_hz) for maker, part in zip(makers, parts, strict=True))

    return make


_TONE = "-f lavfi -i sine=f=300:d=1.5"

KINDS = [
    # ---- PCM ----
    lossless("WAV 16-bit", libav("wav", "pcm_s16le")),
    lossless("WAV 16-bit, 44.1 kHz", libav("wav", "pcm_s16le"), 44_100),
    lossless("WAV 16-bit stereo", stereo(libav("wav", "pcm_s16le"))),
    lossless("WAV 24-bit (extensible)", ffmpeg("-c:a pcm_s24le", "out.wav")),
    lossless("WAV 32-bit", libav("wav", "pcm_s32le")),
    lossless("WAV 32-bit float", libav("wav", "pcm_f32le")),
    lossless("WAV 64-bit float", libav("wav", "pcm_f64le")),
    coarse("WAV 8-bit", libav("wav", "pcm_u8"), 22_050),
    lossless("WAV big-endian (RIFX)", sox("-B", "out.wav")),
    lossless("WAV written live", libav("wav", "pcm_s16le", live=True)),
    lossless("RF64", libav("wav", "pcm_s16le", rf64="always")),
    lossless("WAV 24 in 32 bits", roomy(24, 32)),
    lossless("WAV 20 in 24 bits", roomy(20, 24)),
    lossless("RF64 24 in 32 bits", roomy(24, 32, padded.rf64)),
    lossless("CAF 24 in 32 bits", lambda samples, rate_hz: padded.caf(samples, rate_hz, 24, 32)),
    lossless("Broadcast WAV", ffmpeg("-write_bext 1 -metadata time_reference=172800000", "out.wav")),
    lossless("Wave64", sox("", "out.w64")),
    lossless("AIFF", sox("", "out.aiff")),
    lossless("AIFF-C little-endian", ffmpeg("-c:a pcm_s16le -f aiff", "out.aifc")),
    lossless("CAF 24-bit", libav("caf", "pcm_s24le")),
    lossless("AU", sox("", "out.au")),
    coarse("WAV A-law", sox("-e a-law", "out.wav")),
    coarse("WAV u-law", sox("-e u-law", "out.wav")),
    lossless("VOC", libav("voc", "pcm_s16le"), 8000),
    # ---- channels ----
    lossless("Channels that cancel each other", on_channels(libav("wav", "pcm_s16le"), 1, -1)),
    lossless("Sound on the left alone", on_channels(libav("wav", "pcm_s16le"), 1, 0)),
    lossless("5.1 with a voice in the centre", on_channels(libav("flac", "flac"), 0, 0, 1, 0, 0, 0)),
    lossy(
        "Two sound tracks",
        ffmpeg(f"{_TONE} -map 0 -map 1 -c:a aac -b:a:1 192k -disposition:a default", "a.mp4"),
        longer=1023,
    ),
    # ---- lossless ----
    lossless("FLAC", libav("flac", "flac")),
    lossless("FLAC in Ogg", ffmpeg("-c:a flac", "out.oga")),
    lossless("ALAC in M4A", libav("ipod", "alac"), 44_100),
    lossless("ALAC in CAF", libav("caf", "alac")),
    lossless("WavPack", ffmpeg("", "out.wv")),
    lossless("TTA", ffmpeg("", "out.tta")),
    lossless("PCM in MOV, of a camera", libav("mov", "pcm_s16le", video=True)),
    lossless("PCM in AVI", libav("avi", "pcm_s16le", video=True)),
    # ---- MPEG ----
    lossy("MP3 by LAME", libav("mp3", "libmp3lame")),
    lossy("MP3 by LAME, 44.1 kHz stereo", stereo(libav("mp3", "libmp3lame")), 44_100),
    lossy("MP3 with a cover of 5 MB", with_cover(libav("mp3", "libmp3lame"))),
    lossy("MP3 without LAME's tag", mpeg_without_tag, late=1105, longer=2400),
    lossy("AAC in M4A", libav("ipod", "aac"), 44_100, padded=1023),
    lossy("AAC in MP4, of a camera", libav("mp4", "aac", video=True), padded=1023),
    lossy("AAC in MOV, of a phone", libav("mov", "aac", video=True), 44_100, padded=1023),
    lossy("AAC in fragments of MP4", fragments, late=1024, longer=2047),
    lossy("AAC as ADTS", libav("adts", "aac"), 44_100, late=1024, longer=2047),
    lossy("AAC in MPEG-TS", libav("mpegts", "aac"), 44_100, late=1024, longer=2047),
    lossy("AAC in Matroska", libav("matroska", "aac"), longer=1023),
    lossy("MP3 in AVI", libav("avi", "libmp3lame", video=True), late=1105, longer=2400),
    lossy("MP2", libav("mp2", "mp2"), late=481, longer=1152),
    # ---- Xiph ----
    lossy("Opus in Ogg", libav("ogg", "libopus")),
    lossy("Opus by opusenc", by("opusenc --quiet in.wav out.opus"), 16_000),
    lossy("Opus, mono and then stereo in one Ogg", chained(libav("ogg", "libopus"), stereo(libav("ogg", "libopus")))),
    lossy("Vorbis, several in one Ogg", chained(*[by("oggenc -Q in.wav -o out.ogg")] * 4), 44_100),
    lossless("FLAC, several in one Ogg", chained(*[libav("ogg", "flac")] * 3)),
    lossy("Opus in WebM", libav("webm", "libopus")),
    lossy("Opus in WebM, written live", libav("webm", "libopus", live=True)),
    lossy("Opus in Matroska", libav("matroska", "libopus")),
    lossy("Opus in MP4", libav("mp4", "libopus"), padded=959),
    lossy("Vorbis by oggenc", by("oggenc -Q in.wav -o out.ogg"), 44_100),
    lossy("Vorbis in WebM", ffmpeg("-c:a libvorbis", "out.webm"), longer=1023),
    lossy("Speex by speexenc", by("speexenc --quiet -w in.wav out.spx"), 16_000, alike=0.85),
    # ---- telephones ----
    lossy("GSM", sox("", "out.gsm"), 8000, longer=159, alike=0.9, level_db=1),
    lossy("GSM in WAV", sox("-e gsm-full-rate", "out.wav"), 8000, padded=319, alike=0.9, level_db=1),
    lossy("AMR", amr("amr"), 8000, late=40, longer=200, alike=0.75, level_db=1),
    lossy("AMR with pauses", amr_with_pauses, 8000, late=40 + 16_000, longer=200 + 16_000, alike=0.75, level_db=1),
    lossy("AMR in 3GP", amr("3gp"), 8000, late=40 - 50, longer=200, alike=0.75, level_db=1),
    coarse("IMA ADPCM in WAV", sox("-e ima-adpcm", "out.wav"), padded=504),
    coarse("Microsoft ADPCM in WAV", sox("-e ms-adpcm", "out.wav"), padded=499),
    # ---- film and broadcast ----
    beginning_late("AAC in MP4", "mp4", "aac", longer=48),
    beginning_late("AAC in MOV", "mov", "aac", longer=48),
    beginning_late("AAC in Matroska", "matroska", "aac", longer=1023),
    beginning_late("AAC in FLV", "flv", "aac", longer=1023),
    beginning_late("AAC in MPEG-TS", "mpegts", "aac", longer=1023),
    beginning_late("MP2 in MPEG-PS", "mpeg", "mp2", longer=1152),
    lossy("AC-3", libav("ac3", "ac3"), late=256, longer=1791),
    lossy("E-AC-3", libav("eac3", "eac3"), late=256, longer=1791),
    lossy("DTS", ffmpeg("-strict -2 -c:a dca", "out.dts"), late=512, longer=1023),
    lossy("WMA", ffmpeg("-c:a wmav2", "out.wma"), 44_100, late=-2048),
    lossy("MP3 in FLV", libav("flv", "libmp3lame"), 44_100, late=1105, longer=2400),
]
