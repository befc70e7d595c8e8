#!/bin/sh
# FFmpeg says of an AVI that it streamed itself that it is 55 times as long as it is.
#
# PyAV 18.1.0 (FFmpeg 8.1.2). To a sink that can't be rewound the AVI writer leaves stand-ins in the header: lengths of
# all ones and a bitrate of nothing. The reader makes a length of what is left, and `container.duration` and the stream's
# own duration agree on it, so that one doesn't give the other away. Half of that AVI has half of that length: it is
# worked out from the file's size. The same packets streamed as MP3 or Matroska have their length.
#
# Output seen:
#   avi: said 828 s, decoded 15 s
#   avi, half of it: said 414 s, decoded 7 s
#   matroska: said 15 s, decoded 15 s
#   mp3: said 15 s, decoded 15 s
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


class Pipe(io.RawIOBase):
    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.content += data
        return len(data)


def streamed(container):
    pipe = Pipe()
    with av.open(pipe, "w", format=container) as output:
        stream = output.add_stream("libmp3lame", rate=44100, layout="mono")
        noise = np.random.default_rng(1).integers(-3000, 3000, (1, 15 * 44100), np.int16)
        for begin in range(0, 15 * 44100, 1152):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(noise[:, begin : begin + 1152]), "s16p", "mono")
            frame.sample_rate, frame.pts = 44100, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return bytes(pipe.content)


def lengths(name, content):
    with av.open(io.BytesIO(content)) as source:
        said = source.duration and source.duration // av.time_base
        found = sum(frame.samples for frame in source.decode(audio=0)) // 44100
    print(f"{name}: said {f'{said} s' if said else 'nothing'}, decoded {found} s", flush=True)
    return said, found


avi = streamed("avi")
seen = [lengths("avi", avi), lengths("avi, half of it", avi[: len(avi) // 2])]
seen += [lengths(container, streamed(container)) for container in ("matroska", "mp3")]
(whole, found), (half, _), *others = seen
ok = whole > 20 * found and abs(half - whole / 2) < whole / 10 and others == [(15, 15), (15, 15)]
sys.exit(0 if ok else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
