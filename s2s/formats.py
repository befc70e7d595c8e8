"""The output formats of the contract: one row each, and one for each codec. What is added here is offered everywhere.

Source: the published API description (ElevenLabs, 2025); of formats that are newer, the description in the Python SDK
2.78. How a codec is written is `s2s.audio.writers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

CodecName = Literal["mp3", "pcm", "wav", "ulaw", "alaw", "opus"]
_ = str  # marks words that people read: whoever shows them translates them


@dataclass(frozen=True, slots=True)
class Codec:
    """`bytes_per_sample`: where it has no bitrate. `group`: under which heading people choose it."""

    name: CodecName
    media_type: str
    extension: str
    group: str
    bytes_per_sample: int = 2
    streamable: bool = True


_PHONE = _("Phone line, for call centres")
_MP3 = Codec("mp3", "audio/mpeg", "mp3", _("MP3, plays everywhere"))
# It needs its length in the header, so `/stream` refuses it.
_WAV = Codec("wav", "audio/wav", "wav", _("WAV, keeps every detail for editing"), streamable=False)
_OPUS = Codec("opus", "audio/ogg", "opus", _("Opus, small and good"))
_ULAW = Codec("ulaw", "audio/basic", "ulaw", _PHONE, bytes_per_sample=1)
_ALAW = Codec("alaw", "audio/x-alaw-basic", "alaw", _PHONE, bytes_per_sample=1)
_PCM = Codec("pcm", "audio/pcm", "pcm", _("Raw PCM, for programs"))


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One value of `output_format`, written `codec_rate[_bitrate]`, e.g. `mp3_44100_128`.

    `words`: what people choose it by. `tier`: the least subscription that ElevenLabs gives it to, as
    `Subscription.tier` spells it; None: every one.
    """

    kind: Codec
    sample_rate_hz: int
    bitrate_kbps: int | None
    words: str
    tier: str | None = None

    @property
    def name(self) -> str:
        bitrate = f"_{self.bitrate_kbps}" if self.bitrate_kbps else ""
        return f"{self.kind.name}_{self.sample_rate_hz}{bitrate}"

    @property
    def codec(self) -> CodecName:
        return self.kind.name

    @property
    def media_type(self) -> str:
        return self.kind.media_type

    @property
    def extension(self) -> str:
        return self.kind.extension

    @property
    def streamable(self) -> bool:
        return self.kind.streamable

    @property
    def bytes_per_s(self) -> int:
        """Of its sound; headers and pages come on top."""
        return self.bitrate_kbps * 125 if self.bitrate_kbps else self.sample_rate_hz * self.kind.bytes_per_sample


# In the order in which people choose. "MP3 with 192kbps bitrate requires you to be subscribed to Creator tier or above.
# PCM and WAV formats with 44.1kHz sample rate requires you to be subscribed to Pro tier or above." Nothing is said of
# 48 kHz.
_ROWS: Final = (
    OutputFormat(_MP3, 44100, 128, _("MP3, good for sharing")),
    OutputFormat(_MP3, 44100, 192, _("MP3, best quality"), "creator"),
    OutputFormat(_MP3, 44100, 96, _("MP3, smaller (96 kbit/s)")),
    OutputFormat(_MP3, 44100, 64, _("MP3, small (64 kbit/s)")),
    OutputFormat(_MP3, 44100, 32, _("MP3, smallest (32 kbit/s)")),
    OutputFormat(_MP3, 24000, 48, _("MP3, speech (24 kHz, 48 kbit/s)")),
    OutputFormat(_MP3, 22050, 32, _("MP3, speech, smallest (22 kHz, 32 kbit/s)")),
    OutputFormat(_WAV, 44100, None, _("WAV, 44.1 kHz"), "pro"),
    OutputFormat(_WAV, 48000, None, _("WAV, 48 kHz")),
    OutputFormat(_WAV, 32000, None, _("WAV, 32 kHz")),
    OutputFormat(_WAV, 24000, None, _("WAV, 24 kHz")),
    OutputFormat(_WAV, 22050, None, _("WAV, 22.05 kHz")),
    OutputFormat(_WAV, 16000, None, _("WAV, 16 kHz")),
    OutputFormat(_WAV, 8000, None, _("WAV, 8 kHz")),
    OutputFormat(_OPUS, 48000, 128, _("Opus, 128 kbit/s")),
    OutputFormat(_OPUS, 48000, 192, _("Opus, 192 kbit/s")),
    OutputFormat(_OPUS, 48000, 96, _("Opus, 96 kbit/s")),
    OutputFormat(_OPUS, 48000, 64, _("Opus, 64 kbit/s")),
    OutputFormat(_OPUS, 48000, 32, _("Opus, 32 kbit/s")),
    OutputFormat(_ULAW, 8000, None, _("µ-law, 8 kHz (Americas, Japan)")),
    OutputFormat(_ALAW, 8000, None, _("A-law, 8 kHz (Europe)")),
    OutputFormat(_PCM, 44100, None, _("PCM, 44.1 kHz, 16 bit"), "pro"),
    OutputFormat(_PCM, 48000, None, _("PCM, 48 kHz, 16 bit")),
    OutputFormat(_PCM, 32000, None, _("PCM, 32 kHz, 16 bit")),
    OutputFormat(_PCM, 24000, None, _("PCM, 24 kHz, 16 bit")),
    OutputFormat(_PCM, 22050, None, _("PCM, 22.05 kHz, 16 bit")),
    OutputFormat(_PCM, 16000, None, _("PCM, 16 kHz, 16 bit")),
    OutputFormat(_PCM, 8000, None, _("PCM, 8 kHz, 16 bit")),
)
OUTPUT_FORMATS: Final[Mapping[str, OutputFormat]] = {row.name: row for row in _ROWS}
DEFAULT_OUTPUT_FORMAT: Final = "mp3_44100_128"
