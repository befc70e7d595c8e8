"""What containers and codecs are called: the only words about a file's kind that anybody reads.

They are looked up by keys of our own or of libav, so that nothing of a file's content gets into a sentence.
"""

from __future__ import annotations

from typing import Final

NAMES: Final[dict[str, str]] = {
    # containers that we read
    "aiff": "AIFF",
    "asf": "Windows Media",
    "avi": "AVI",
    "caf": "CAF",
    "flv": "Flash Video",
    "matroska,webm": "MKV or WebM",
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4 or MOV",
    "mpeg": "MPEG",
    "mpegts": "MPEG-TS",
    "ogg": "Ogg",
    "w64": "Wave64",
    "wav": "WAV",
    # and that we don't
    "8svx": "8SVX",
    "aa": "Audible AA",
    "dff": "DSD (DFF)",
    "dsf": "DSD (DSF)",
    "dss": "Olympus DSS or DS2",
    "gxf": "GXF",
    "iamf": "IAMF (immersive audio)",
    "ircam": "IRCAM",
    "mlp_raw": "MLP (DVD-Audio)",
    "mhas": "MPEG-H 3D Audio",
    "mxf": "MXF",
    "nist": "NIST SPHERE",
    "nut": "NUT",
    "ofr": "OptimFROG",
    "oma": "ATRAC (OpenMG)",
    "qcp": "QCP",
    "rm": "RealMedia",
    "ra": "RealAudio",
    "rka": "RK Audio",
    "shorten": "Shorten",
    "silk": "SILK",
    "swf": "Flash (SWF)",
    "tak": "TAK",
    "truehd_raw": "TrueHD",
    "wtv": "Windows Recorded TV (WTV)",
    # codecs of sound
    "ac4": "AC-4",
    "adpcm": "a kind of ADPCM that we don't know",
    "als": "MPEG-4 ALS",
    "apac": "Apple Positional Audio (APAC)",
    "aptx": "aptX",
    "atrac": "ATRAC",
    "cook": "RealAudio",
    "dolby_e": "Dolby E",
    "dsd": "DSD",
    "dss_sp": "DSS",
    "dst": "DST (Super Audio CD)",
    "dtsx": "DTS:X",
    "dvaudio": "DV sound",
    "evrc": "EVRC",
    "g723_1": "G.723.1",
    "g728": "G.728",
    "g729": "G.729",
    "mace": "MACE",
    "metasound": "VoxWare MetaSound",
    "mlp": "MLP",
    "mp3on4": "MP3onMP4",
    "mpegh": "MPEG-H 3D Audio",
    "pcm": "a kind of PCM that we don't know",
    "qcelp": "QCELP",
    "qdm2": "QDesign Music",
    "realaudio": "RealAudio",
    "s302m": "SMPTE 302M",
    "sbc": "SBC",
    "siren": "Siren",
    "truehd": "TrueHD",
    "twinvq": "TwinVQ",
    "usac": "xHE-AAC",
    "xma": "XMA",
    # codecs of pictures, by which people know their MXF
    "avc": "H.264",
    "dnxhd": "DNxHD",
    "dv": "DV",
    "imx": "IMX",
    "jpeg2000": "JPEG 2000",
    "mpeg2": "MPEG-2",
    "prores": "ProRes",
    "uncompressed": "an uncompressed picture",
    # what encrypts
    "drm": "copy protection (DRM)",
    "fairplay": "an M4P of the iTunes Store",
    "audible": "an Audible AAX",
}
UNKNOWN: Final = "a kind of sound that we don't know"


def described(container: str, codec: str = "") -> str:
    """ "MXF with DNxHD"; both are keys, and one that nobody knows is no word of ours."""
    words = NAMES.get(container, "a container that we don't know")
    return f"{words} with {NAMES.get(codec, UNKNOWN)}" if codec else words
