"""Alarms: what an admin should look at now. Each sweep compares them with those that were on already; a change is
logged once, and mailed where e-mail is set up."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.ground import notes
from conversions.upkeep.vitals import Gate, Vitals
from conversions.words.durations import spoken_duration

logger = logging.getLogger(__name__)

# So many sweeps may fail before anyone is called.
SWEEPS_MISSED = 10


def alarms_of(vitals: Vitals) -> dict[str, str]:
    """Every alarm that is due: its name, and a sentence."""
    silence_s = settings.SWEEP_SECONDS * SWEEPS_MISSED
    due: dict[str, str] = {}
    if vitals.swept_s is not None and vitals.swept_s > silence_s:
        due["sweeper"] = _("Nobody has looked for lost work for %s: is a calls worker running, and beat?") % (
            spoken_duration(vitals.swept_s)
        )
    if vitals.expired_s is not None and vitals.expired_s > silence_s:
        due["leases"] = ngettext(
            "%d step was lost by its worker and nobody takes it up.",
            "%d steps were lost by their workers and nobody takes them up.",
            vitals.expired,
        ) % (vitals.expired)
    if vitals.missing_files:
        due["files"] = ngettext(
            "The file of %d conversion is gone from the storage; the log names it.",
            "The files of %d conversions are gone from the storage; the log names them.",
            vitals.missing_files,
        ) % (vitals.missing_files)
    if vitals.free_bytes < settings.MIN_FREE_BYTES:
        due["disk"] = _("The disk is nearly full: uploads are refused.")
    for gate in vitals.gates:
        due |= _of_gate(gate)
    return due


def _of_gate(gate: Gate) -> dict[str, str]:
    if gate.pause_code:
        words = _("%(name)s takes no recordings (%(code)s); its page in the admin site says more.")
        return {f"endpoint {gate.key}": words % {"name": gate.name, "code": gate.pause_code}}
    if gate.oldest_s is not None and gate.oldest_s > settings.QUEUE_ALARM_SECONDS:
        words = _(
            "%(name)s: a recording that could start has waited for %(length)s. Are there enough slots and workers?"
        )
        return {f"waiting {gate.key or 'cpu'}": words % {"name": gate.name, "length": spoken_duration(gate.oldest_s)}}
    return {}


def watch(vitals: Vitals) -> None:
    """Tells every alarm that has come or gone since the last look, once. Raises RedisError."""
    due = alarms_of(vitals)
    for name in sorted(notes.marks("alarms") - set(due)):
        if notes.take_mark("alarms", name):
            _tell(_("Alarm over: %s") % name)
    for name, sentence in due.items():
        if notes.set_mark("alarms", name):
            _tell(f"ALARM: {name}: {sentence}")


def _tell(line: str) -> None:
    logger.warning("%s", line)
    if not settings.EMAIL_URL or not settings.ALARM_EMAILS:
        return
    try:
        send_mail(f"[{settings.SITE_NAME}] {line[:120]}", f"{line}\n", None, settings.ALARM_EMAILS)
    except (SMTPException, OSError) as error:
        logger.warning("an alarm could not be mailed: %s", error)
