"""Which containers and codecs we take: what phones, browsers, recorders and editors write, and nothing else.

libav knows some 350 containers. Many are playlists or scripts that open other files and URLs (`hls`, `dash`,
`concat`, `sdp`, `lavfi`), and the rest is code that is rarely read and often attacked. Video decoders are left out
as well: the picture of a video is never decoded.
"""

from __future__ import annotations

from typing import Final

DEMUXERS: Final = (
    *("mov", "matroska", "ogg", "mp3", "wav", "w64", "flac", "aac", "loas", "ac3", "eac3", "aiff", "caf", "au"),
    *("amr", "amrnb", "amrwb", "asf", "mpegts", "mpeg", "avi", "flv", "wv", "tta", "ape", "mpc", "mpc8", "dts"),
    *("voc", "gsm"),
)
DECODERS: Final = (
    *("aac", "aac_latm", "ac3", "eac3", "alac", "ape", "dca", "flac", "gsm", "gsm_ms", "ilbc", "nellymoser"),
    *("amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb"),
    *("mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "mpc7", "mpc8", "opus", "libopus", "vorbis", "speex"),
    *("truespeech", "tta", "wavpack", "wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice"),
    *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "g722", "g726", "g726le"),
    *("pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd", "pcm_s8", "pcm_u8", "pcm_f32be", "pcm_f32le"),
    *("pcm_f64be", "pcm_f64le", "pcm_s16be", "pcm_s16be_planar", "pcm_s16le", "pcm_s16le_planar", "pcm_s24be"),
    *("pcm_s24le", "pcm_s24le_planar", "pcm_s32be", "pcm_s32le", "pcm_s32le_planar", "pcm_u16be", "pcm_u16le"),
    *("pcm_u24be", "pcm_u24le", "pcm_u32be", "pcm_u32le"),
)
# libav's own AMR decoders refuse what a telephone sends while nobody speaks (the frames SID and, in AMR-NB, NO_DATA of
# 3GPP TS 26.101 and 26.201): pauses would vanish.
BETTER_DECODERS: Final = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
# libav takes the samples of a big-endian WAV (RIFX) for little-endian ones.
LITTLE_ENDIAN: Final = {f"pcm_{kind}le": f"pcm_{kind}be" for kind in ("s16", "s24", "s32", "f32", "f64")}
RAW_DEMUXERS: Final = {"s16le": "s16le", "ulaw": "mulaw", "alaw": "alaw"}

HEAD_BYTES: Final = 12


def is_wav(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE"
