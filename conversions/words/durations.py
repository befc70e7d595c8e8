"""Lengths of time in words and in figures."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def spoken_duration(seconds: float) -> str:
    """`252.4` -> "4 min 12 s"; for sentences."""
    total = round(seconds)
    hours, minutes, rest = total // 3600, total % 3600 // 60, total % 60
    if hours and not minutes:
        return _("%(hours)d h") % {"hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes and rest:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    if minutes:
        return _("%(minutes)d min") % {"minutes": minutes}
    if total == 0:
        return _("under a second")
    return ngettext("%(seconds)d second", "%(seconds)d seconds", total) % {"seconds": total}


def clock_duration(seconds: float) -> str:
    """`3729.0` -> "1:02:09"; for tables and players."""
    total = round(seconds)
    hours, minutes, rest = total // 3600, total % 3600 // 60, total % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
