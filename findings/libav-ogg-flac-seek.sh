#!/bin/sh
# FFmpeg's libraries: after a seek to the last second of an Ogg file the packets of FLAC say times that are too late.
#
# PyAV 18.1.0 (FFmpeg 8.1.2 inside), numpy 2.3.5. A packet's time is what a player or a cutter goes by after it has
# searched. Of Opus the times are those that the same packets have when the file is read from its beginning, wherever one
# goes. Of FLAC, near the end of the file, they are late by most of a page (pages of a second here), and every packet up
# to the next page with them. (Speex does the same.) In a FLAC file without Ogg the same samples are found where they are.
# Who cuts the last second out of Ogg FLAC by time gets the second before it, without an error.
#
# Output seen (199 places; of those that are wrong the worst):
#   ogg libopus: 0 of 199 wrong; sought 19.9 s, says 18.994 s, is at 18.994 s
#   ogg flac: 10 of 199 wrong; sought 19.1 s, says 19.080 s, is at 18.144 s
#   flac flac: 0 of 199 wrong; sought 19.9 s, says 19.800 s, is at 19.800 s
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.3.5
cat > "$folder/try.py" <<'PY'
import io
import sys
from fractions import Fraction

import av
import numpy as np

RATE = 16_000


def recording(container, codec):
    random = np.random.default_rng(1)
    sound = np.cumsum(random.standard_normal(RATE * 20)) * np.repeat(random.random(200), RATE // 10)
    sound = np.rint(20_000 * sound / np.abs(sound).max()).astype(np.int16)
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        size = stream.codec_context.frame_size
        resampler = av.AudioResampler(stream.codec_context.format, "mono", RATE, size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return sink.getvalue()


def packets(content, seek_s=None):
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.audio[0]
        if seek_s is not None:
            container.seek(round(seek_s / stream.time_base), stream=stream)
        return [(bytes(packet), float(packet.pts * packet.time_base)) for packet in container.demux(stream) if packet.size]


def look(container, codec):
    """The packet that comes first after a seek: the largest error of those to each second."""
    content = recording(container, codec)
    right = dict(packets(content))
    errors = []
    for to_s in np.arange(1, 200) / 10:
        data, said_s = packets(content, to_s)[0]
        errors.append((abs(said_s - right[data]), to_s, said_s, right[data]))
    error_s, to_s, said_s, right_s = max(errors)
    wrong = sum(error[0] > 0.001 for error in errors)
    print(f"{container} {codec}: {wrong} of {len(errors)} wrong; sought {to_s:.1f} s, says {said_s:.3f} s, is at {right_s:.3f} s", flush=True)
    return wrong


opus, ogg_flac, flac = look("ogg", "libopus"), look("ogg", "flac"), look("flac", "flac")
sys.exit(0 if not opus and not flac and ogg_flac else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
