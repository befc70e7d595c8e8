"""Rows that a test wants to find: made in a process inside the product.

States that pass quickly are held: their steps wait at a paused endpoint, or are leased for an hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.browser.in_pieces import a_piece_more, in_hundreds, in_pieces, joined, partly_kept, redone
from tests.browser.on_its_way import call_is_lost, call_is_made_again, more_has_come, on_its_way
from tests.browser.surroundings import (
    leaver,
    many_voices,
    no_quota,
    no_second_endpoint,
    noise_goes_here,
    noise_stays_here,
    people,
    quota_is_used_up,
    second_endpoint,
    takes_little_at_once,
)
from tests.support.inside import Inside, serve
from tests.support.product import Product


def set_stage(product: Product, name: str) -> Any:
    """Run the function `name`, one of those listed at the end, in the product's environment; what it returned."""
    return Inside.of(product, "tests.browser.stage").ask(name)


def long_history() -> int:
    """More than a page of old recordings."""
    for number in range(1, 36):
        _conversion(f"Evening bulletin {number}", "ready", days=number, source_duration_s=60.0 + number)
    return 35


def every_state() -> dict[str, str]:
    """One conversion in each state that can't be waited for; ids by name."""
    from conversions.models import Step

    rows = {
        "waiting": _conversion("Chapter 7, rough read", "waiting", source_duration_s=3729.0),
        "preparing": _conversion("Just arrived", "preparing", minutes=1),
        "converting": _conversion("Harbour news interview", "converting", minutes=4, source_duration_s=252.0),
        "cancelled": _conversion("Wrong file", "cancelled", minutes=50, source_duration_s=14.0),
        "phone": _conversion(
            "Phone menu",
            "ready",
            hours=3,
            source_duration_s=14.0,
            output_duration_s=14.0,
            output_format="ulaw_8000",
            source_noticed={"tracks": [{"index": 0, "language": "eng"}, {"index": 1, "language": "ger"}]},
        ),
    }
    kinds = {"waiting": Step.Kind.CONVERT, "preparing": Step.Kind.PREPARE, "converting": Step.Kind.CONVERT}
    for name, kind in kinds.items():
        _step(rows[name], kind, running=name != "waiting")
    return {name: str(row.pk) for name, row in rows.items()}


def incomplete() -> list[str]:
    """A batch with one that asks, one that is converted as it is and one that is whole: its id, and theirs."""
    from conversions.models import Batch, Conversion
    from voices.models import Endpoint

    endpoint, _ = Endpoint.objects.get_or_create(
        key="billed",
        defaults={"name": "ElevenLabs", "base_url": "http://127.0.0.1:9", "billed": True, "credits_per_minute": 1000},
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False)
    part = {"source_duration_s": 9.2, "source_noticed": {"promised_s": 15.6}}
    error = (
        "9.2 of 15.6 seconds are there; the rest of the file is missing. Nothing was sent to ElevenLabs, and nothing "
        "was billed. If you have the whole file, upload that; else convert what is there."
    )
    asks = _conversion("Interview", "failed", endpoint=endpoint, error_code="incomplete", error=error, **part)
    rows = [
        asks,
        _conversion("Street sounds, second part", "ready", output_duration_s=9.2, output_format="ulaw_8000", **part),
        _conversion("Introduction", "ready", source_duration_s=61.0, output_duration_s=61.0),
    ]
    batch = Batch.objects.create(team=asks.team, created_by=asks.created_by)
    Conversion.objects.filter(pk__in=[row.pk for row in rows]).update(batch=batch)
    return [str(batch.pk), *(str(row.pk) for row in rows)]


def every_reason() -> dict[str, str]:
    """One conversion for each reason to wait, and those that may have been billed; ids by name."""
    from django.utils import timezone

    from conversions.models import Event, Step, log

    busy = _billed_endpoint("busy", slots=2)
    silent = _billed_endpoint("silent", pause_code="silent", probe_at=timezone.now() + timedelta(days=1))
    rows = {
        "first-running": _conversion("Running", "converting", endpoint=busy, source_duration_s=240.0),
        "running": _conversion(
            "Interview, part 2", "converting", endpoint=busy, source_duration_s=240.0,
            converting_at=timezone.now() - timedelta(seconds=30),
        ),
        "next": _conversion("Next in line", "converting", endpoint=busy, source_duration_s=60.0),
        "in-line": _conversion("Chapter 8", "converting", endpoint=busy, source_duration_s=252.0),
        "again": _conversion("Tried again", "converting", endpoint=busy, source_duration_s=14.0),
        "held": _conversion("Held", "converting", endpoint=silent, source_duration_s=14.0),
        "unclear": _conversion(
            "Its answer was lost", "failed", endpoint=busy, source_duration_s=15.0, error_code="unclear",
            error="The answer of ElevenLabs was lost on the way, so this may have been billed. Your recording is safe. "
            "Press Retry to convert it again, which may cost again.",
        ),
        "cancelled-late": _conversion("Cancelled late", "cancelled", endpoint=busy, source_duration_s=15.0),
        "cancelled-early": _conversion("Cancelled early", "cancelled", endpoint=busy, source_duration_s=15.0),
    }  # fmt: skip
    for name in ("first-running", "running", "next", "in-line", "again", "held"):
        _step(rows[name], Step.Kind.CONVERT, running="running" in name)
    again_at = timezone.now() + timedelta(minutes=25)
    Step.objects.filter(conversion=rows["again"]).update(attempt=3, not_before=again_at)
    log(rows["again"], Event.Kind.DELAYED, code="busy", words="ElevenLabs is busy.", delay_s=1500)
    _called(rows, busy)
    return {name: str(row.pk) for name, row in rows.items()}


def _called(rows: dict[str, Any], endpoint: Any) -> None:
    """A call for some of them, and three that tell how long one takes there."""
    from django.utils import timezone

    from conversions.models import Call, Step

    for name, outcome, ago_s in (
        ("first-running", "sent", 10),
        ("running", "sent", 30),
        ("unclear", "unclear", 60),
        ("cancelled-late", "unclear", 60),
        *[("learnt", "answered", 3600)] * 3,
    ):
        sent_at = timezone.now() - timedelta(seconds=ago_s)
        row = rows.get(name, rows["running"])
        # A call that is under way for nobody would be closed by the next sweep.
        lease = Step.objects.filter(conversion=rows.get(name), lease_token__isnull=False).first()
        Call.objects.create(
            conversion=rows.get(name), endpoint=endpoint, team=row.team, user=row.created_by, attempt=1,
            token=lease.lease_token if lease else uuid4(),
            seconds=row.source_duration_s, credits=row.source_duration_s / 60 * 1000, outcome=outcome, sent_at=sent_at,
            answered_at=sent_at + timedelta(seconds=200) if outcome == "answered" else None,
        )  # fmt: skip


def every_export() -> str:
    """One that is ready, with an export in each state."""
    from django.utils import timezone

    from conversions.models import Export, Step

    conversion = _conversion("Evening news, final cut", "ready", minutes=9, source_duration_s=252.0)
    hour = timezone.now() + timedelta(hours=1)
    running = {"lease_token": uuid4(), "lease_until": hour}
    words = "The file could not be decoded: it seems to be damaged. Open it in an audio editor and save it as WAV."
    for position, (output_format, status, of_step, of_export) in enumerate(
        (
            ("wav_48000", Step.Status.DONE, {}, {"size": 24_192_044}),
            ("opus_48000_64", Step.Status.RUNNING, running, {}),
            ("ulaw_8000", Step.Status.WAITING, {"not_before": hour}, {}),
            ("mp3_22050_32", Step.Status.FAILED, {}, {"error": words}),
        )
    ):
        step = Step.objects.create(
            conversion=conversion,
            kind=Step.Kind.EXPORT,
            position=position,
            status=status,
            team_id=conversion.team_id,
            user=conversion.created_by,
            **of_step,
        )
        Export.objects.create(conversion=conversion, output_format=output_format, step=step, **of_export)
    return str(conversion.pk)


def film_that_failed() -> str:
    """Its new sound is ready, its pictures couldn't be put to it."""
    from conversions.models import Export, Step

    conversion = _conversion("Harbour, a film", "ready", source_duration_s=9.0, source_pictures="vp9")
    of = {"team_id": conversion.team_id, "user": conversion.created_by}
    step = Step.objects.create(conversion=conversion, kind=Step.Kind.EXPORT, status=Step.Status.FAILED, **of)
    Export.objects.create(conversion=conversion, output_format=Export.FILM, step=step, error="Its pictures are gone.")
    return str(conversion.pk)


def let_go() -> int:
    """Cancels what a test has sent and doesn't wait for: it would keep the next one's waiting. How many there were."""
    from conversions.actions.cancel import cancel
    from conversions.models import Conversion

    at_work = {"endpoint__enabled": True, "endpoint__paused": False}
    left = Conversion.objects.filter(status__in=Conversion.UNFINISHED, **at_work)
    return sum(cancel(conversion, conversion.created_by) for conversion in left)


def _billed_endpoint(key: str, **fields: Any) -> Any:
    from voices.models import Endpoint

    defaults = {"name": "ElevenLabs", "base_url": "http://127.0.0.1:9", "credits_per_minute": 1000, "enabled": False}
    endpoint, _ = Endpoint.objects.update_or_create(key=f"stage-{key}", defaults=defaults | fields)
    return endpoint


def failed_on_the_way() -> str:
    """One whose endpoint refused it, so that another attempt may help."""
    conversion = _conversion(
        "Refused", "failed", source_duration_s=14.0, error_code="refused", error="The endpoint refused it."
    )
    return str(conversion.pk)


def takes() -> list[str]:
    """Three further takes of the newest that is ready, as loud as it is, less, least, and nobody knows; ids, oldest
    first.
    """
    from conversions.models import Conversion

    row = Conversion.objects.filter(status="ready", output_bytes__gt=0, enable_logging=True).latest("created_at")
    row.source_lufs, row.output_lufs = -14.0, -17.0
    row.save()
    first, found = row.pk, [str(row.pk)]
    others = (("Atlas", {"seed": 7}, -20.0), ("Lyra", {}, -23.0), ("Nora", {"output_format": "mp3_44100_64"}, None))
    for voice_name, differences, lufs in others:
        row.pk, row.once, row.take_of, row.voice_name, row.output_lufs = uuid4(), None, first, voice_name, lufs
        row.created_at += timedelta(seconds=1)
        for name, value in {"seed": None, **differences}.items():
            setattr(row, name, value)
        row.save(force_insert=True)
        found.append(str(row.pk))
    return found


def to_watch() -> str:
    """One that waits, while everybody's choices are those of somebody new."""
    from conversions.models import Step
    from teams.models import User

    User.objects.update(mail_when_ready=False, notify_in_browser=False, shortcuts=True)
    conversion = _conversion("Chapter 9", "waiting", source_duration_s=3729.0)
    _step(conversion, Step.Kind.CONVERT, running=False)
    return str(conversion.pk)


def batch_to_watch() -> str:
    """The same in a batch, beside one that is ready; the batch."""
    from conversions.models import Batch, Conversion

    ready = _conversion("Chapter 8", "ready", source_duration_s=61.0)
    batch = Batch.objects.create(team=ready.team, created_by=ready.created_by)
    Conversion.objects.filter(pk__in=(ready.pk, to_watch())).update(batch=batch)
    return str(batch.pk)


def is_ready() -> str:
    """What `to_watch` put there has come to its end."""
    from conversions.models import Conversion, Step

    conversion = Conversion.objects.filter(title="Chapter 9").latest("created_at")
    Step.objects.filter(conversion=conversion).delete()
    Conversion.objects.filter(pk=conversion.pk).update(status="ready")
    return str(conversion.pk)


def go_on() -> str:
    """What is waiting begins to be converted."""
    from conversions.models import Conversion, Step

    conversion = Conversion.objects.filter(status="waiting").latest("created_at")
    Step.objects.filter(conversion=conversion).delete()
    Conversion.objects.filter(pk=conversion.pk).update(status="converting", source_rate_hz=48000)
    _step(conversion, Step.Kind.CONVERT, running=True)
    return str(conversion.pk)


def is_known() -> str:
    """The same, of a kind that browsers play."""
    from conversions.models import Conversion

    conversion_id = go_on()
    Conversion.objects.filter(pk=conversion_id).update(
        source_container="mp3", source=f"conversions/{conversion_id}/source"
    )
    return conversion_id


def _conversion(
    title: str, status: str, *, days: int = 0, hours: int = 0, minutes: int = 0, endpoint: Any = None, **fields: Any
) -> Any:
    from django.utils import timezone

    from conversions.models import Conversion, Event, log
    from teams.models import Team, User
    from voices.models import Endpoint, Voice

    if endpoint is None:
        endpoint, _ = Endpoint.objects.get_or_create(
            key="stage",
            defaults={"name": "A paused endpoint", "base_url": "http://127.0.0.1:9", "paused": True, "slots": 9},
        )
        Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False)
    voice, _ = Voice.objects.get_or_create(endpoint=endpoint, voice_id="george", defaults={"name": "George"})
    author = User.objects.order_by("pk").first()
    conversion = Conversion.objects.create(
        team=Team.objects.order_by("pk").first(),
        created_by=author,
        title=title,
        status=status,
        source="",
        source_name=f"{title.lower().replace(' ', '-')}.dat",
        source_bytes=4_213_222,
        source_container="dat",
        source_peaks=_peaks() if "source_duration_s" in fields else b"",
        output_peaks=_peaks() if status == "ready" else b"",
        endpoint=endpoint,
        voice=voice,
        voice_name=voice.name,
        created_at=timezone.now() - timedelta(days=days, hours=hours, minutes=minutes),
        **fields,
    )
    log(conversion, Event.Kind.SUBMITTED, actor=author, name=conversion.source_name, voice=voice.name)
    return conversion


def _step(conversion: Any, kind: str, *, running: bool) -> None:
    from django.utils import timezone

    from conversions.models import Step

    lease = {"lease_token": uuid4(), "lease_until": timezone.now() + timedelta(hours=1)} if running else {}
    Step.objects.create(
        conversion=conversion,
        kind=kind,
        status=Step.Status.RUNNING if running else Step.Status.WAITING,
        endpoint=conversion.endpoint,
        team=conversion.team,
        user=conversion.created_by,
        attempt=int(running),
        **lease,
    )


def _peaks() -> bytes:
    """Something that looks like sentences with pauses between them."""
    from math import sin

    return bytes(
        int(230 * abs(sin(index / 31) * sin(index / 77 + 1)) ** 0.7 * (0.6 + 0.4 * abs(sin(index * 1.7))))
        for index in range(1000)
    )


if __name__ == "__main__":
    serve(
        (
            people,
            long_history,
            every_state,
            incomplete,
            every_reason,
            every_export,
            film_that_failed,
            leaver,
            failed_on_the_way,
            second_endpoint,
            takes_little_at_once,
            many_voices,
            no_second_endpoint,
            noise_stays_here,
            noise_goes_here,
            quota_is_used_up,
            no_quota,
            takes,
            let_go,
            to_watch,
            batch_to_watch,
            is_ready,
            go_on,
            is_known,
            in_pieces,
            redone,
            in_hundreds,
            partly_kept,
            a_piece_more,
            joined,
            on_its_way,
            more_has_come,
            call_is_lost,
            call_is_made_again,
        )
    )
