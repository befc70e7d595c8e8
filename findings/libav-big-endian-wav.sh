#!/bin/sh
# FFmpeg's libraries: a big-endian WAV (RIFX) is taken, and its samples are read as little-endian ones.
#
# PyAV 18.1.0 (FFmpeg 8.1.2 inside), numpy 2.3.5; the ffmpeg command 5.1.9 does the same. The demuxer knows RIFX and reads
# the header rightly: rate, channels, bits and length are those of the file. Then it names the codec pcm_s16le, and a quiet
# tone comes out as noise near full scale, without a warning. So do 24 and 32 bits and floats. SoX writes such files (-B)
# and reads them.
#
# Output seen:
#   RIFF: pcm_s16le 48000 Hz, 1.0 s, -23.0 dBFS, like the source: 1.00
#   RIFX: pcm_s16le 48000 Hz, 1.0 s, -4.6 dBFS, like the source: -0.13
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.3.5
cat > "$folder/try.py" <<'PY'
import io
import struct
import sys

import av
import numpy as np

RATE = 48_000
SOUND = np.rint(3277 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)


def wav(name, order):
    data = SOUND.astype(f"{order}i2").tobytes()
    fmt = struct.pack(f"{order}HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    body = b"WAVEfmt " + struct.pack(f"{order}I", len(fmt)) + fmt + b"data" + struct.pack(f"{order}I", len(data)) + data
    return name + struct.pack(f"{order}I", len(body)) + body


def look(name, order):
    with av.open(io.BytesIO(wav(name, order))) as container:
        stream = container.streams.audio[0]
        codec = stream.codec_context.name
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)]) / 32768
    level = 10 * np.log10(np.mean(samples**2))
    alike = np.corrcoef(samples, SOUND)[0, 1]
    print(f"{name.decode()}: {codec} {stream.rate} Hz, {len(samples) / RATE} s, {level:.1f} dBFS, like the source: {alike:.2f}")
    return alike


little, big = look(b"RIFF", "<"), look(b"RIFX", ">")
sys.exit(0 if little > 0.999 and abs(big) < 0.3 else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
