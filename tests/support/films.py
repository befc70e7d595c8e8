"""Films by the ffmpeg command, whose picture flashes when their sound begins; and when both are seen and heard."""

from __future__ import annotations

import io
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import av
import numpy as np

FLASHES_S = 0.48  # of every second: the 13th of 25 pictures
_PICTURES = "color=black:s=96x64:r=25:d={length},drawbox=c=white:t=fill:enable='eq(mod(n,25),12)'"
_SOUND = "aevalsrc='0.5*sin(2*PI*1000*t)*between(mod(t,1),0.48,0.6)':s=48000:d={length}"
H264 = "-c:v libx264 -preset veryfast -bf 3 -g 50 -pix_fmt yuv420p"


@cache
def written_film(arguments: str, name: str, *, length_s: float = 4.0, more: str = "", then: str = "") -> bytes:
    """`more` are inputs behind the pictures (0) and the sound (1); `then` is a second command's arguments, by which the
    film is copied to one of the same name. The same is written once."""
    with tempfile.TemporaryDirectory(prefix="timbre-test-") as folder:
        Path(folder, "chapters").write_text(_CHAPTERS)
        Path(folder, "words.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nGood evening.\n")
        Path(folder, "font.ttf").write_bytes(b"not really a font")
        inputs = [part.format(length=length_s) for part in (_PICTURES, _SOUND)]
        lavfi = [word for part in inputs for word in ("-f", "lavfi", "-i", part)]
        _run(["ffmpeg", "-nostdin", "-v", "error", "-y", *lavfi, *more.split(), *arguments.split(), name], folder)
        if then:
            Path(folder, name).rename(Path(folder, f"first-{name}"))
            _run(["ffmpeg", "-nostdin", "-v", "error", "-y", *then.format(f"first-{name}").split(), name], folder)
        return Path(folder, name).read_bytes()


_CHAPTERS = """;FFMETADATA1
title=Harbour
[CHAPTER]
TIMEBASE=1/1000
START=0
END=2000
title=Arrival
[CHAPTER]
TIMEBASE=1/1000
START=2000
END=4000
title=Departure
"""


def _run(command: list[str], folder: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def flashes_s(film: bytes) -> list[float]:
    """When the picture is white, as a player shows it."""
    with av.open(io.BytesIO(film)) as container:
        return [frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128]


def onsets_s(film: bytes, track: int = 0) -> list[float]:
    """When its tone begins, as a player plays it."""
    with av.open(io.BytesIO(film)) as container:
        stream = container.streams.audio[track]
        rate = stream.rate
        mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
        heard = np.zeros(0, np.float32)
        for frame in container.decode(stream):
            at = round(frame.time * rate)
            samples = np.concatenate([piece.to_ndarray()[0] for piece in mono.resample(frame)])
            if at < 0:
                at, samples = 0, samples[-at:]
            heard = np.concatenate([heard[:at], np.zeros(max(0, at - len(heard)), np.float32), samples])
    loud = np.flatnonzero(np.abs(heard) > 0.3 * np.abs(heard).max())
    begins = loud[np.flatnonzero(np.diff(loud, prepend=-rate) > rate // 4)]
    return [float(place / rate) for place in begins]


def packets(film: bytes, kind: str = "video", index: int = 0) -> list[tuple[bytes, float]]:
    """Every packet of a stream and when it is shown."""
    with av.open(io.BytesIO(film)) as container:
        stream = [stream for stream in container.streams if stream.type == kind][index]
        return [
            (bytes(packet), float(packet.pts * packet.time_base)) for packet in container.demux(stream) if packet.size
        ]
