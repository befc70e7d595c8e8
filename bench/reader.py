"""A process that reads recordings from end to end, one a line: PATH in, the samples of one channel out.

`python bench/reader.py library` decodes them by PyAV in a plain loop; `python bench/reader.py ours` examines and
decodes them with the `s2s` that PYTHONPATH names. Each twice, so that both give the same samples as often.
"""

from __future__ import annotations

import sys
from pathlib import Path


def library(path: Path) -> int:
    import av

    samples = 0
    for _ in range(2):
        with av.open(path) as container:
            for frame in container.decode(audio=0):
                frame.to_ndarray()
                samples += frame.samples
    return samples


def ours(path: Path) -> int:
    from s2s.audio import decode, examine

    with path.open("rb") as file:
        found = examine(file)
        return found.samples + sum(len(block) for block in decode(file, sample_rate_hz=found.sample_rate_hz))


def main() -> None:
    read = {"library": library, "ours": ours}[sys.argv[1]]
    for line in sys.stdin:
        print(read(Path(line.rstrip("\n"))), flush=True)


if __name__ == "__main__":
    main()
