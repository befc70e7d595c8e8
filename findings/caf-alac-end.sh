#!/bin/sh
# FFmpeg 8 reads an ALAC in CAF up to 4,095 samples short, where its last packet is a short one.
#
# PyAV 18.1.0 (FFmpeg 8.1.2). A CAF says in its packet table how many frames are valid and how many of the last packet
# are not ("remainder"). An ALAC encoder makes the last packet as short as the sound is, and the remainder is what it
# lacks to 4,096. The reader hands the remainder to the decoder as samples to be cut, and the short packet is cut by it
# once more. Where it is longer than that packet nothing is cut, so that some lengths come out right. Older readers
# (ffmpeg 5.1.9) don't cut and are right; so is the same sound in M4A. With AV_CODEC_FLAG2_SKIP_MANUAL it is whole.
#
# Output seen:
#   caf, 54441 samples written: 54441 read
#   caf, 72013 samples written: 70298 read
#   caf, 72013 samples written, skip_manual: 72013 read
#   ipod, 72013 samples written: 72013 read
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.3.5
cat > "$folder/try.py" <<'PY'
import io
import sys

import av
import numpy as np
from av.codec.context import Flags2


def written(container, samples):
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream = output.add_stream("alac", rate=48000, layout="mono")
        noise = np.random.default_rng(1).integers(-3000, 3000, (1, samples), np.int16)
        for begin in range(0, samples, 4096):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(noise[:, begin : begin + 4096]), "s16p", "mono")
            frame.sample_rate, frame.pts = 48000, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    sink.seek(0)
    return sink


def read(container, samples, manual=False):
    with av.open(written(container, samples)) as source:
        if manual:
            source.streams.audio[0].codec_context.flags2 |= Flags2.skip_manual
        found = sum(frame.samples for frame in source.decode(audio=0))
    print(f"{container}, {samples} samples written{', skip_manual' if manual else ''}: {found} read", flush=True)
    return found


seen = [read("caf", 54441), read("caf", 72013), read("caf", 72013, manual=True), read("ipod", 72013)]
sys.exit(0 if seen == [54441, 70298, 72013, 72013] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
