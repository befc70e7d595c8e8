"""The programs that write recordings elsewhere: ffmpeg, sox, the encoders of xiph.org. `bin/test` installs them."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def written_by(command: str, samples: NDArray[np.float32], rate_hz: int) -> bytes:
    """The file that is the last word of `command`, which has no spaces within words.

    in.wav is there for it: `samples`, `(n,)` or `(channels, n)`, in 16 bits.
    """
    words = command.split()
    with tempfile.TemporaryDirectory(prefix="timbre-test-") as name:
        write_wav(Path(name) / "in.wav", samples, rate_hz)
        done = subprocess.run(words, cwd=name, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return (Path(name) / words[-1]).read_bytes()


def write_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    planes = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setparams((len(planes), 2, rate_hz, 0, "NONE", ""))
        file.writeframes(np.rint(planes.T * 32767).astype("<i2").tobytes())
