"""Prepare: learn by decoding what was uploaded, and refuse with a sentence what can't be converted."""

from __future__ import annotations

import hashlib
from io import BufferedReader

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from conversions import files
from conversions.connections import give_back
from conversions.durations import spoken_duration
from conversions.models import Conversion, Event, log
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.statements import Given, Update
from conversions.steps.loading import conversion_of
from conversions.steps.reading import raw_source
from conversions.usage import over_quota
from s2s.audio import Examination, Limits, examine
from teams.models import Membership

_FOUND = (
    *("source_sha256", "source_container", "source_codec", "source_rate_hz", "source_channels"),
    *("source_samples", "source_duration_s", "source_peaks"),
)
_found = Update(lambda: Conversion.objects.filter(pk=Given("pk")), **{name: Given(name) for name in _FOUND})


def prepare(claim: Claim, lease: Lease) -> None:
    conversion = conversion_of(claim)
    give_back()
    try:
        with files.open_file(conversion.source) as source:
            found, checksum = _examine(source, conversion)
    except FileNotFoundError as error:
        raise StepError("source_missing", _("The recording's file is gone. Please upload it again.")) from error
    lease.check()
    _refuse_what_the_endpoint_would(conversion, found)
    _refuse_beyond_quota(claim, conversion, found)
    with outcomes.ended(claim) as conversion:
        _found(
            pk=conversion.pk,
            source_sha256=checksum,
            source_container=found.container[:40],
            source_codec=found.codec[:40],
            source_rate_hz=found.sample_rate_hz,
            source_channels=found.channels,
            source_samples=found.samples,
            source_duration_s=found.duration_s,
            source_peaks=found.peaks,
        )
        conversion.source_samples = found.samples
        log(conversion, Event.Kind.PREPARED, duration_s=round(found.duration_s, 3), codec=found.codec)
        outcomes.prepared(claim, conversion)


def _examine(source: BufferedReader, conversion: Conversion) -> tuple[Examination, str]:
    """What the recording is, and its SHA-256."""
    found = examine(source, limits=Limits(max_duration_s=settings.MAX_DURATION_S), raw=raw_source(conversion))
    return found, hashlib.file_digest(source, "sha256").hexdigest()


def _refuse_beyond_quota(claim: Claim, conversion: Conversion, found: Examination) -> None:
    member = Membership.objects.select_related("team").filter(team=claim.team_id, user=claim.user_id).first()
    over = over_quota(member, seconds=found.duration_s, of=conversion) if member else None
    if over:
        raise StepError("quota", _("%s Your recording is safe; press Retry when there is room again.") % over)


def _refuse_what_the_endpoint_would(conversion: Conversion, found: Examination) -> None:
    endpoint = conversion.endpoint
    if endpoint.max_seconds is not None and found.duration_s > endpoint.max_seconds:
        raise StepError(
            "too_long_for_endpoint",
            _(
                "This recording is %(length)s long, and %(endpoint)s takes at most %(most)s. "
                "Nothing was billed. Choose a voice of another endpoint or a shorter recording."
            )
            % {
                "length": spoken_duration(found.duration_s),
                "endpoint": endpoint.name,
                "most": spoken_duration(endpoint.max_seconds),
            },
        )
    if endpoint.max_bytes is not None and conversion.source_bytes > endpoint.max_bytes:
        raise StepError(
            "too_large_for_endpoint",
            _(
                "This file has %(size)s, and %(endpoint)s takes at most %(most)s. Nothing was billed. "
                "Choose a voice of another endpoint, or upload it as mp3 or m4a."
            )
            % {
                "size": filesizeformat(conversion.source_bytes),
                "endpoint": endpoint.name,
                "most": filesizeformat(endpoint.max_bytes),
            },
        )
