#!/bin/sh
# FFmpeg's atempo gives sound half a window early, loses its end, and says nothing of either, even at a tempo of 1.
#
# PyAV 18.1.0 (FFmpeg 8.1.2). Its window is the power of two from a 24th of a second on. The first half of the first one
# is left out while the first frame still says that it begins at 0, so a film's sound that went through it is ahead of
# its pictures by half a window; and of the end about as much is missing. The lead grows as the tempo falls. Half a
# window of silence put in front, and some behind, brings each moment to its place.
#
# Output seen:
#   48000 Hz, tempo 1.00: 1024 samples missing, 21 ms early, the first frame says 0
#   48000 Hz, tempo 0.70: 1857 samples missing, 28 ms early, the first frame says 0
#   24000 Hz, tempo 1.00: 512 samples missing, 21 ms early, the first frame says 0
#   24000 Hz, tempo 1.20: 358 samples missing, 16 ms early, the first frame says 0
#   48000 Hz, tempo 1.00, silence in front: 0 samples missing, 0 ms early, the first frame says 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.3.5
cat > "$folder/try.py" <<'PY'
import sys

import av
import numpy as np
from av.filter import Graph

BEGINS_S = np.arange(1, 15) / 2


def syllables(rate):
    """A fifth of a second of a buzz each half a second."""
    sound = np.zeros(8 * rate, np.float32)
    time = np.arange(rate // 5) / rate
    buzz = sum(np.sin(2 * np.pi * 150 * n * time) / n for n in range(1, 10)) * np.hanning(len(time)) ** 0.2 * 0.2
    for begin in BEGINS_S:
        sound[int(begin * rate) :][: len(buzz)] = buzz
    return sound


def through(sound, rate, tempo):
    graph = Graph()
    source = graph.add("abuffer", f"sample_rate={rate}:sample_fmt=flt:channel_layout=mono:time_base=1/{rate}")
    graph.link_nodes(source, graph.add("atempo", str(tempo)), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(sound[None, :], "flt", "mono")
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    found = []
    while True:
        try:
            found.append(graph.pull())
        except (av.BlockingIOError, av.EOFError):
            return np.concatenate([each.to_ndarray()[0] for each in found]), found[0].pts


def onsets(sound, rate):
    loud = np.convolve(np.abs(sound) > 0.02, np.ones(rate // 50))[: len(sound)] > 0
    return np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1) / rate


def seen(rate, tempo, lead=0):
    sound = syllables(rate)
    found, first = through(np.concatenate([np.zeros(lead, np.float32), sound]), rate, tempo)
    early_ms = 1000 * np.median(BEGINS_S / tempo - onsets(found, rate)[: len(BEGINS_S)])
    missing = round(len(sound) / tempo) - len(found)
    said = f"{missing} samples missing, {round(early_ms)} ms early, the first frame says {first}"
    print(f"{rate} Hz, tempo {tempo:.2f}{', silence in front' if lead else ''}: {said}", flush=True)
    return missing, early_ms, first


halves = [(48000, 1.0, 1024), (48000, 0.7, 1024), (24000, 1.0, 512), (24000, 1.2, 512)]
ok = True
for rate, tempo, half in halves:
    missing, early_ms, first = seen(rate, tempo)
    ok &= missing > 0.6 * half and early_ms > 10 and first == 0
missing, early_ms, _ = seen(48000, 1.0, lead=1024)
sys.exit(0 if ok and missing == 0 and abs(early_ms) < 1 else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
