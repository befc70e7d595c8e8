"""Each kind of the corpus through the whole product: uploaded, converted, downloaded, and nothing has moved.

The endpoint gives back what it hears, as a program does that decodes by libav's defaults: where we read something else,
it must have got what we read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from s2s.audio import decode
from tests.recordings.kinds import KINDS, Kind
from tests.recordings.made import content, source
from tests.support.endpoint import Behaviour, Endpoint, Script
from tests.support.lag import found_at
from tests.support.person import Person
from tests.support.product import Product
from tests.support.written import Samples, write_recording

RATE = 16_000
SLACK = RATE // 1000  # its resampler isn't ours


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, bytes]]:
    """All are sent before the first is waited for."""
    folder = tmp_path_factory.mktemp("recordings") / "data"
    with (
        Endpoint(script=Script(default=Behaviour(decodes=True))) as endpoint,
        Product(folder, {"ENGINE_URL": endpoint.url}) as product,
        Person(product, keep_alive=True) as person,
    ):
        form = person.form()
        sent = {kind.name: person.send(form, content(kind), "recording", f"wav_{RATE}") for kind in KINDS}
        ended = {name: person.wait(address, timeout_s=180) for name, address in sent.items()}
        yield {name: person.download(address) for name, address in sent.items() if ended[name] == "ready"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_comes_back_where_it_was(results: Mapping[str, bytes], kind: Kind) -> None:
    true = at_rate(source_as_wav(kind))
    heard = at_rate(results[kind.name])
    lag, alike = found_at(heard, true)
    assert lag == pytest.approx(kind.late * RATE / kind.rate_hz, abs=SLACK)
    longer = (len(heard) - len(true)) * kind.rate_hz / RATE
    assert min(0, kind.late) - kind.rate_hz / 1000 <= longer <= kind.longer + kind.padded + kind.rate_hz / 1000
    assert alike >= kind.alike - 0.01


def source_as_wav(kind: Kind) -> bytes:
    return write_recording(source(kind.rate_hz), kind.rate_hz, container="wav", codec="pcm_f32le")


def at_rate(recording: bytes) -> Samples:
    return np.concatenate(list(decode(io.BytesIO(recording), sample_rate_hz=RATE)))
