"""An answer in which there is nothing is never a result, however its endpoint encodes it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from conversions import actions
from conversions.models import Conversion
from conversions.pages.timeline import timeline_of
from s2s.audio import encode
from s2s.formats import OUTPUT_FORMATS
from tests.conversions.conftest import Submit, client_of, work_all, work_until_done
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

FREE = "Testers answered with silence, though your recording isn’t silent. Your recording is safe; press Retry."


def silence(output_format: str, level: float = 0.0) -> Behaviour:
    """A second of it; `level` is that of a single click in the middle."""
    wanted, sink = OUTPUT_FORMATS[output_format], io.BytesIO()
    samples = np.zeros(48000, np.float32)
    samples[24000:24100] = level
    encode([samples], sink, wanted.codec, wanted.sample_rate_hz, wanted.bitrate_kbps, input_rate_hz=48000)
    return Behaviour(audio_base64=base64.b64encode(sink.getvalue()).decode())


@pytest.mark.parametrize(
    "wanted", ["wav_16000", "pcm_44100", "mp3_44100_128", "opus_48000_64", "ulaw_8000", "alaw_8000"]
)
def test_silence_in_any_format_is_no_result(submit: Submit, scripted: ScriptedEndpoint, wanted: str) -> None:
    scripted.script(silence(wanted))
    conversion = submit(output_format=wanted)
    work_until_done(conversion)
    assert (conversion.status, conversion.error_code, conversion.error) == ("failed", "answer_silent", FREE)
    assert timeline_of(conversion)[-1].words == f"Failed: {FREE}"


@pytest.mark.parametrize("wanted", ["wav_16000", "alaw_8000"])
def test_a_quiet_click_is_sound(submit: Submit, scripted: ScriptedEndpoint, wanted: str) -> None:
    scripted.script(silence(wanted, 0.01))
    conversion = submit(output_format=wanted)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY


def test_retry_calls_again_and_takes_what_comes(submit: Submit, scripted: ScriptedEndpoint, cast: Cast) -> None:
    scripted.script(silence("wav_16000"))
    conversion = submit()
    work_until_done(conversion)
    scripted.script(Behaviour())
    assert actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert scripted.calls == 2


def test_where_it_bills_the_button_says_what_another_one_costs(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    scripted.script(silence("wav_16000"))
    conversion = submit()
    work_all()
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert "Retry (about 17 credits again)" in page
    assert "That was billed." in page
    assert scripted.calls == 1
