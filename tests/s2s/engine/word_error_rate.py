"""How many words of a recording are still understood: a recogniser's errors against what was said.

PocketSphinx (BSD-2) with its own acoustic model, and a bigram model of the test texts, so that what is measured is
the sound and not the recogniser's idea of English.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder, get_model_path

RATE_HZ = 16_000
_DISCOUNT = 0.5


def word_error_rate(said: str, heard: str) -> float:
    """Levenshtein distance in words over the number of words said."""
    reference, hypothesis = said.split(), heard.split()
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1] / len(reference)


class Recogniser:
    """Hears the words of `sentences`, in any order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        words = {word for sentence in sentences for word in sentence.split()}
        with (
            tempfile.NamedTemporaryFile("w", suffix=".lm") as model,
            tempfile.NamedTemporaryFile("w", suffix=".dict") as dictionary,
        ):
            model.write(bigram_model(sentences))
            model.flush()
            dictionary.writelines(_pronunciations(words))
            dictionary.flush()
            self._decoder = Decoder(lm=model.name, dict=dictionary.name, loglevel="FATAL", samprate=RATE_HZ)
        for word in words:
            assert self._decoder.lookup_word(word), f"the dictionary lacks {word}"

    def hear(self, samples: NDArray[np.floating]) -> str:
        """The words in a recording, mono (n,) at 16 kHz."""
        scaled = np.asarray(samples) / max(float(np.abs(samples).max()), 1e-6) * 0.6
        self._decoder.start_utt()
        self._decoder.process_raw((scaled * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


def _pronunciations(words: set[str]) -> list[str]:
    """Lines of PocketSphinx's own dictionary. To read all of it takes five seconds, and no other word is ever heard."""
    lines = (Path(get_model_path()) / "en-us" / "cmudict-en-us.dict").read_text().splitlines(keepends=True)
    return [line for line in lines if line.split(" ", 1)[0].partition("(")[0] in words]  # "read(2)" is one of read


def bigram_model(sentences: Sequence[str]) -> str:
    """A bigram model with absolute discounting (Ney, Essen, Kneser 1994) in ARPA's text format."""
    tokens = [["<s>", *sentence.split(), "</s>"] for sentence in sentences]
    single = Counter(itertools.chain.from_iterable(tokens))
    pairs = Counter(pair for line in tokens for pair in itertools.pairwise(line))
    followers = Counter(first for first, _ in pairs)
    total = sum(count for word, count in single.items() if word != "<s>")
    lines = ["\\data\\", f"ngram 1={len(single)}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    for word, count in sorted(single.items()):
        probability = -99.0 if word == "<s>" else math.log10(count / total)
        backoff = math.log10(_DISCOUNT * followers[word] / count) if followers[word] else 0.0
        lines.append(f"{probability:.4f} {word} {backoff:.4f}")
    lines += ["", "\\2-grams:"]
    lines += [
        f"{math.log10((count - _DISCOUNT) / single[first]):.4f} {first} {second}"
        for (first, second), count in sorted(pairs.items())
    ]
    return "\n".join([*lines, "", "\\end\\", ""])


def sentences_of(path: Path) -> list[str]:
    """A transcript: one sentence a line, in lower case, without punctuation."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
