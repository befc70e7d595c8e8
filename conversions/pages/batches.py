"""What was sent together: how far all of it has come, and all results in one file."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.access.reach import of_batch
from conversions.files import durable
from conversions.ledger.sums import credits_words, estimate
from conversions.models import Batch, Conversion, Export
from conversions.pages.progress import share_of_call, with_sent_at
from conversions.words import filenames
from conversions.words.films import film_kind
from s2s.audio import Pieces
from teams.gatekeeper import get_or_404
from teams.models import User

logger = logging.getLogger(__name__)

_COLUMNS = (
    "id", "team_id", "created_by_id", "title", "status", "error", "error_code", "voice_name", "source_duration_s",
    "source_noticed", "take_of", "pieces", "in_regions", "endpoint", "endpoint__billed", "endpoint__credits_per_minute",
    "output", "output_format", "enable_logging", "only_me", "created_at",
)  # fmt: skip


@dataclass(frozen=True)
class Takes:
    """One recording of a batch and what becomes of it in each voice."""

    title: str
    duration_s: float | None
    conversions: list[Conversion]


@dataclass(frozen=True)
class Progress:
    recordings: list[Takes]
    counts: Counter[str] = field(default_factory=Counter)
    under_way: float = 0.0  # of those that run, the parts that are over

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def ready(self) -> int:
        return self.counts[Conversion.Status.READY]

    @property
    def failed(self) -> int:
        return self.counts[Conversion.Status.FAILED] - len(self.asked)

    @property
    def asked(self) -> list[Conversion]:
        """What waits until someone says whether it is to be sent as it is."""
        return [part for row in self.recordings for part in row.conversions if part.asks]

    @property
    def unfinished(self) -> int:
        return sum(self.counts[status] for status in Conversion.UNFINISHED)

    @property
    def state(self) -> str:
        """For the page's title and icon: working, else as the worst of its parts."""
        if self.unfinished:
            return "converting"
        return "failed" if self.failed or self.asked else "ready" if self.ready else "cancelled"

    @property
    def words(self) -> str:
        if self.unfinished:
            return _("%(ready)d of %(total)d ready") % {"ready": self.ready, "total": self.total}
        if self.ready == self.total:
            return _("All %d ready") % self.total
        if self.failed or self.asked:
            return ", ".join(self._ended())
        return _("%(ready)d ready, the others were cancelled") % {"ready": self.ready}

    def _ended(self) -> list[str]:
        asked = len(self.asked)
        words = [_("%d ready") % self.ready]
        if self.failed:
            words.append(_("%d failed") % self.failed)
        if asked:
            words.append(ngettext("%d needs an answer", "%d need an answer", asked) % asked)
        return words

    @property
    def convert_words(self) -> str:
        """For the button that answers all of them with yes."""
        asked, prices = len(self.asked), [estimate(part) for part in self.asked]
        words = ngettext(
            "Convert what is there of the incomplete one", "Convert what is there of all %(asked)d incomplete", asked
        ) % {"asked": asked}
        if None in prices:
            return words
        return _("%(convert)s (about %(credits)s)") % {
            "convert": words,
            "credits": credits_words(sum(filter(None, prices))),
        }

    @property
    def mark(self) -> str:
        """Changes whenever the page would look different."""
        parts = [f"{part.pk} {part.status} {part.title}" for row in self.recordings for part in row.conversions]
        return hashlib.sha256("\n".join([*parts, str(self.percent)]).encode()).hexdigest()[:16]

    @property
    def percent(self) -> int | None:
        """None: nothing is known yet."""
        done = self.ready + self.under_way
        return int(100 * done / self.total) if done or not self.unfinished else None


def batch_or_404(user: User | AnonymousUser, batch_id: UUID) -> Batch:
    """Raises Http404."""
    return get_or_404(user, Batch.objects.all(), pk=batch_id)


def in_order(rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """As their recordings were chosen, whichever of them arrived first, and of each its voices as they were made."""
    return rows.order_by("batch_place", "created_at", "pk")


def progress_of(user: User | AnonymousUser, batch: Batch) -> Progress:
    """What the user may see of it, recording by recording as they were chosen. One query."""
    rows = list(in_order(with_sent_at(of_batch(user, batch).select_related("endpoint").only(*_COLUMNS))))
    by_recording: dict[UUID, list[Conversion]] = {}
    for conversion in rows:
        by_recording.setdefault(conversion.first_take, []).append(conversion)
    recordings = [Takes(found[0].title, found[0].source_duration_s, found) for found in by_recording.values()]
    return Progress(recordings, Counter(row.status for row in rows), sum(share_of_call(row) for row in rows))


# ---- all results in one file ----


class Result(NamedTuple):
    conversion: Conversion
    key: str
    name: str


def results_of(conversions: Sequence[Conversion]) -> list[Result]:
    """What each gives: the sound, and of a film the film where it was made. One query."""
    made = Export.objects.filter(conversion__in=conversions, output_format=Export.FILM).exclude(file="")
    films = {film.conversion_id: film for film in made}
    return [_result(conversion, films.get(conversion.pk)) for conversion in conversions]


def _result(conversion: Conversion, film: Export | None) -> Result:
    if film is None:
        return Result(conversion, conversion.output, filenames.of_result(conversion))
    return Result(conversion, film.file, filenames.of_film(conversion, film_kind(film.facts).extension))


def zipped(results: Iterable[Result]) -> Iterator[bytes]:
    """A ZIP of them, as it is made: memory stays flat. A file that is gone is left out."""
    sink, names = Pieces(), set[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # audio doesn't get smaller
        for conversion, key, wanted in results:
            try:
                size = durable.size(key)
                blocks = durable.blocks(key, 0, size)
            except FileNotFoundError:
                logger.exception("conversion %s: its file is gone", conversion.pk)
                continue
            name = _unique(wanted, names)
            entry = zipfile.ZipInfo(name, conversion.created_at.timetuple()[:6])
            entry.file_size = size  # so that it knows when sizes need 64 bits
            with archive.open(entry, "w", force_zip64=size >= 2**31) as target:
                for block in blocks:
                    target.write(block)
                    yield sink.take()
    yield sink.take()


def _unique(name: str, names: set[str]) -> str:
    path, number, candidate = PurePosixPath(name), 1, name
    while candidate.casefold() in names:
        number += 1
        candidate = f"{path.stem} ({number}){path.suffix}"
    names.add(candidate.casefold())
    return candidate
