#!/bin/sh
# PyAV: a film of an iPhone, copied packet by packet, is no longer shown by QuickTime and Safari.
#
# PyAV 18.1.0 (FFmpeg 8.1.2 inside). HEVC in MP4 and MOV is named hvc1 or hev1 (ISO/IEC 14496-15): cameras write hvc1, and
# it is the only one that Apple's players take. add_stream_from_template() drops the name "assuming we are remuxing", and
# the writer then takes the first of its list, hev1. The ffmpeg command keeps hvc1 with -c copy. Setting
# codec_context.codec_tag on the new stream before the first packet keeps it here too.
#
# Output seen:
#   the film: hvc1
#   copied from its template: hev1
#   with its codec_tag set: hvc1
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


def film():
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=10, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.codec_tag = "hvc1"
        for level in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def copied(content, keep):
    sink = io.BytesIO()
    with av.open(io.BytesIO(content)) as source, av.open(sink, "w", format="mp4") as copy:
        (stream,) = source.streams.video
        new = copy.add_stream_from_template(stream, opaque=True)
        if keep:
            new.codec_context.codec_tag = stream.codec_context.codec_tag
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = new
                copy.mux(packet)
    return sink.getvalue()


def tag(content):
    with av.open(io.BytesIO(content)) as container:
        return container.streams.video[0].codec_context.codec_tag


content = film()
seen = [tag(content), tag(copied(content, keep=False)), tag(copied(content, keep=True))]
for words, found in zip(("the film", "copied from its template", "with its codec_tag set"), seen):
    print(f"{words}: {found}")
sys.exit(0 if seen == ["hvc1", "hev1", "hvc1"] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
