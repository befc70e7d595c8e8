"""What the admin site asks about conversions before it does it: what goes, what stays, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from conversions.ledger.sums import credits_words, price_again
from conversions.models import Call, Conversion, Export, Step
from conversions.words.speakers import billing_among, endpoint_names
from teams.asking import Question, counted, names_of
from teams.models import User

_RESULTS = ngettext_lazy("%d of them is ready: its result goes too.", "%d of them are ready: their results go too.")
_COULD_COME_BACK = ngettext_lazy(
    "%d was deleted by its people and could still be brought back; then it can’t.",
    "%d were deleted by their people and could still be brought back; then they can’t.",
)
_UNTOUCHED = ngettext_lazy(
    "%d is finished already: nothing happens to it.", "%d are finished already: nothing happens to them."
)
_PAID_TWICE = ngettext_lazy(
    "%d of them was called for before and may have been paid: it is paid again.",
    "%d of them were called for before and may have been paid: they are paid again.",
)
_INCOMPLETE = ngettext_lazy(
    "Of %d of them a part is missing: what is there is converted.",
    "Of %d of them a part is missing: what is there is converted.",
)
_FREE = ngettext_lazy("%d more costs nothing, or hasn’t failed.", "%d more cost nothing, or haven’t failed.")
# Of these a piece that is done helps nothing: it is converted again.
_CONVERTED_AGAIN = Conversion.WORTHLESS | {"result_missing"}


def before_purging(rows: Sequence[Conversion], user: User) -> Question:
    count, size = len(rows), kept_bytes(rows)
    goes = [
        ngettext(
            "%(count)d recording with all of its files: %(size)s.",
            "%(count)d recordings with all of their files: %(size)s.",
            count,
        )
        % {"count": count, "size": filesizeformat(size)},
        *counted(_RESULTS, sum(row.status == Conversion.Status.READY for row in rows)),
        *stopped(rows),
        *counted(_COULD_COME_BACK, sum(row.deleted_at is not None for row in rows)),
    ]
    return Question(
        title=ngettext("Purge %d recording?", "Purge %d recordings?", count) % count,
        said={
            _("Meant"): names_of(rows),
            _("What goes"): [*goes, _("This can’t be undone.")],
            _("What stays"): [
                _("What was used stays in the ledger, without a name of the recording."),
                _("Who did what, and when, stays in the audit log, without a name or a word of it."),
                _("Other takes of the same recording keep their own files."),
            ],
        },
        button=ngettext("Purge for good", "Purge all %(count)d for good", count) % {"count": count},
        keep=ngettext("Keep it", "Keep them", count),
    )


def before_cancelling(rows: Sequence[Conversion], user: User) -> Question | None:
    under_way = [row for row in rows if not row.finished]
    if not under_way:
        return None
    count, others = len(under_way), len(rows) - len(under_way)
    return Question(
        title=ngettext("Cancel %d recording?", "Cancel %d recordings?", count) % count,
        said={
            _("Meant"): names_of(under_way),
            _("What goes"): [
                *stopped(rows),
                _("What is cancelled can’t go on: to be converted it has to be sent again."),
            ],
            _("What stays"): [
                _("The recordings themselves stay, with their files."),
                *counted(_UNTOUCHED, others),
            ],
        },
        button=ngettext("Cancel the work", "Cancel the work for %(count)d", count) % {"count": count},
        keep=_("Let it go on"),
    )


def before_retrying(rows: Sequence[Conversion], user: User) -> Question | None:
    """Nothing where nothing costs anything."""
    anew = _converted_anew(rows)
    billing = billing_among(anew)
    costly = [row for row in anew if row.pk in billing]
    if not costly:
        return None
    count, others = len(costly), len(rows) - len(costly)
    asked = sum(row.asks for row in costly)
    perhaps = sum(row.error_code in Conversion.PAID_BEFORE for row in costly)
    return Question(
        title=ngettext("Retry %d recording, which costs credits?", "Retry %d recordings, which costs credits?", count)
        % count,
        said={
            _("Meant"): names_of(costly),
            _("What it costs"): [*_prices(costly), *counted(_PAID_TWICE, perhaps), *counted(_INCOMPLETE, asked)],
            _("Besides"): counted(_FREE, others),
        },
        button=ngettext("Convert it again", "Convert them again", count),
        keep=_("Don’t retry"),
        destroys=False,
    )


def kept_bytes(rows: Sequence[Conversion]) -> int:
    """On the disk: recordings, results, copies for players, further formats."""
    exported = Export.objects.filter(conversion__in=rows).aggregate(size=Sum("size", default=0))["size"]
    return int(exported) + sum(row.stored_bytes for row in rows)


def stopped(rows: Sequence[Conversion]) -> list[str]:
    """Of those that aren't finished, in sentences."""
    calls = Call.objects.filter(conversion__in=rows, outcome=Call.Outcome.SENT, endpoint__billed=True)
    unfinished = ngettext_lazy(
        "%d is not finished: its work is stopped.", "%d are not finished: their work is stopped."
    )
    called = ngettext_lazy(
        "%d is being converted just now, which may be billed all the same.",
        "%d are being converted just now, which may be billed all the same.",
    )
    return [
        *counted(unfinished, sum(not row.finished for row in rows)),
        *counted(called, calls.values("conversion").distinct().count()),
    ]


def _converted_anew(rows: Sequence[Conversion]) -> list[Conversion]:
    """Those that a Retry sends to their endpoint: what is converted already is not sent again."""
    failed = [row for row in rows if row.status == Conversion.Status.FAILED and row.deleted_at is None]
    pieces = Step.objects.filter(conversion__in=failed, kind=Step.Kind.CONVERT).values_list("conversion", "status")
    planned = {conversion for conversion, _status in pieces}
    missing = {conversion for conversion, status in pieces if status != Step.Status.DONE}
    done = planned - missing
    return [row for row in failed if row.pk not in done or row.error_code in _CONVERTED_AGAIN]


def _prices(rows: Iterable[Conversion]) -> list[str]:
    """A sentence for each endpoint."""
    prices: dict[str, list[int | None]] = {}
    for row in rows:
        prices.setdefault(endpoint_names(row), []).append(price_again(row))
    return [_price(endpoint, known) for endpoint, known in prices.items()]


def _price(endpoint: str, prices: Sequence[int | None]) -> str:
    known = [price for price in prices if price is not None]
    values = {"endpoint": endpoint, "count": len(prices), "credits": credits_words(sum(known))}
    if not known:
        return _("At %(endpoint)s, for %(count)d: how much isn’t known.") % values
    if len(known) < len(prices):
        return _("At %(endpoint)s, for %(count)d: %(credits)s, and what isn’t known of some.") % values
    return _("At %(endpoint)s, for %(count)d: about %(credits)s.") % values
