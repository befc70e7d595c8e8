"""A lost answer is looked for in the endpoint's history before anyone thinks of paying for it again.

A call whose answer was lost is an open question in the ledger: `lost_call`. While it is open, no further call is made
for the step; it closes when the answer is found, or when a person presses Retry.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ground.connections import give_back
from conversions.models import Call, Conversion, Step
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.limits import most_bytes as most_bytes_of
from conversions.sound.reading import headerless, limits
from conversions.steps.cutting import blocks, file_of
from conversions.steps.loading import Piece
from conversions.words.lengths import asked_speed, is_as_long, length_slack_s
from s2s import audio
from s2s.audio import AudioError, RawPcm, decode, examine
from s2s.client import Abort, Aborted, AccountProblem, Client, Rejected
from s2s.contract import HistoryItem
from s2s.formats import OutputFormat
from voices.models import Endpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Between a recording and its conversion it is .98 and more, between different passages of one speaker .42 at most
# (tests/s2s/audio/test_envelope.py).
SAME_PERFORMANCE = 0.8
# How far the endpoint's clock may be off ours. It only says what is looked at: the sound decides.
CLOCKS_APART = timedelta(minutes=10)
# Each is downloaded and decoded: of items that are no other call's, rarely more than one.
MOST_CANDIDATES = 20
MOST_ITEMS = 5000  # a history may go on for ever
DEADLINE_S = 120.0
_RATE_HZ = 8000
_MEDIA_BLOCK = 1 << 16


def lost_call(claim: Claim) -> Call | None:
    """The call of this step that may have been billed and brought nothing, if nobody has decided about it yet."""
    lost = Call.objects.filter(
        step=claim.step_id, outcome=Call.Outcome.UNCLEAR, repeat_allowed=False, endpoint__billed=True
    )
    return lost.order_by("-pk").first()


@dataclass(frozen=True, slots=True)
class _Search:
    """`call`: of which the answer was lost."""

    claim: Claim
    piece: Piece
    call: Call
    client: Client
    abort: Abort

    @property
    def conversion(self) -> Conversion:
        return self.piece.conversion

    @property
    def voice_id(self) -> str:
        return self.piece.voice.voice_id


def find(claim: Claim, piece: Piece, call: Call, client: Client, abort: Abort) -> durable.Result:
    """The lost answer, from the endpoint's history. Raises StepError: it is looked for again later, or it is unclear.

    Raises what `Client.history_items` does as well.
    """
    search, endpoint = _Search(claim, piece, call, client, abort), piece.endpoint
    if search.conversion.zero_retention:
        raise _unclear(call, _("It was sent with zero retention, so there is no history to find it in."))
    give_back()
    try:
        result = _found(search)
    except (Rejected, AccountProblem) as error:
        if isinstance(error, AccountProblem) and error.code != "missing_permissions":
            raise  # not the history alone is refused: it is looked for when the account is in order
        logger.warning("the history of endpoint %s can't be read: %s", endpoint.key, error)
        raise _unclear(call, _("Its history could not be read.")) from error
    if result is not None:
        return result
    Call.objects.filter(pk=call.pk).update(lookups=F("lookups") + 1)
    delays = settings.LOOKUP_SECONDS
    if call.lookups + 1 < len(delays):
        raise StepError("lost", looking(endpoint), retry_after_s=delays[call.lookups + 1])
    raise _unclear(call, _("It was not found in the history there."))


def looking(endpoint: Endpoint) -> str:
    return _("The answer of %s was lost. Its history is searched before anything is sent again.") % endpoint.name


def _unclear(call: Call, why: str) -> StepError:
    words = _(
        "The answer of %(endpoint)s was lost on the way, so this may have been billed. %(why)s Your recording is safe. "
        "Press Retry to convert it again, which may cost again."
    )
    values = {"endpoint": call.endpoint.name, "why": why}
    return StepError(Conversion.UNCLEAR, words % values, status=Step.Status.UNCLEAR)


def _found(search: _Search) -> durable.Result | None:
    candidates, conversion, call = _candidates(search), search.conversion, search.call
    if not candidates:
        return None
    channel = search.piece.channel
    with durable.open_file(file_of(conversion, channel)) as source:
        samples = None if search.piece.is_whole else search.piece.samples
        sent = _envelope(blocks(conversion, source, samples, _RATE_HZ, channel=channel))
    for item in candidates:
        result = None
        try:
            result = _adopt(search, item, sent)
        finally:
            if result is None:
                Call.objects.filter(pk=call.pk, outcome=Call.Outcome.UNCLEAR).update(history_item_id="")
        if result is not None:
            return result
    return None


def _candidates(search: _Search) -> list[HistoryItem]:
    """Items of the same voice and time that are no other call's: those first that followed it soonest."""
    call = search.call
    first, found = call.sent_at - CLOCKS_APART, []
    last = (call.answered_at or db_now()) + timedelta(seconds=settings.CALL_DEADLINE_S) + CLOCKS_APART
    pages = search.client.history_items(
        source="STS", voice_id=search.voice_id, deadline_s=DEADLINE_S, abort=search.abort, page_size=100
    )
    for item in islice(pages, MOST_ITEMS):
        if item.date_unix < first.timestamp():
            break  # newest come first
        # The filters are the endpoint's to obey; what it says about an item is checked here.
        same_voice = item.voice_id in (None, search.voice_id) and item.source in (None, "STS")
        if same_voice and item.date_unix <= last.timestamp() and item.state != "deleted":
            found.append(item)
    found, sent = _not_of_others(search, found), call.sent_at.timestamp()
    return sorted(found, key=lambda item: abs(item.date_unix - sent))[:MOST_CANDIDATES]


def _not_of_others(search: _Search, items: list[HistoryItem]) -> list[HistoryItem]:
    """Asked after the items came: whoever has one of them is in the ledger, if only as a call under way."""
    call = search.call
    ours = [item for item in items if call.request_id and item.request_id == call.request_id]
    if ours or _nobody_can_tell(search):
        return ours
    known = _owners(call, items).values_list("history_item_id", "request_id")
    taken = {name for names in known for name in names if name}
    return [item for item in items if not taken & {item.history_item_id, item.request_id}]


def _others(call: Call) -> QuerySet[Call]:
    """Calls of the endpoint whose items may stand where those of `call` are looked for."""
    before = 2 * CLOCKS_APART + timedelta(seconds=settings.CALL_DEADLINE_S)
    others = Call.objects.filter(endpoint=call.endpoint_id, sent_at__gte=call.sent_at - before)
    return others.exclude(pk=call.pk).order_by()


def _owners(call: Call, items: list[HistoryItem]) -> QuerySet[Call]:
    """The others to whom one of `items` belongs. An answer names its item or its request, where it names anything."""
    named = Q(history_item_id__in=[item.history_item_id for item in items])
    named |= Q(request_id__in=[item.request_id for item in items if item.request_id])
    return _others(call).filter(named)


def _nobody_can_tell(search: _Search) -> bool:
    """Whether an item may as well be that of another call, which may be of the same recording.

    One whose answer named neither item nor request, or hasn't come yet.
    """
    call, slack_s = search.call, length_slack_s(search.call.seconds)
    # Another piece of the same recording is told by its sound; the same one, which is redone, isn't.
    siblings = Q(conversion=search.claim.conversion_id, step__isnull=False) & ~Q(step__position=search.claim.position)
    unnamed = (
        _others(call)
        .exclude(siblings)
        .filter(
            Q(step__voice=search.claim.voice_id) | Q(step=None),  # erased: of whatever voice
            outcome__in=[Call.Outcome.SENT, Call.Outcome.ANSWERED],
            request_id="",
            history_item_id="",
            seconds__range=(call.seconds - slack_s, call.seconds + slack_s),
        )
    )
    return unnamed.exists()


def _link(call: Call, item: HistoryItem) -> bool:
    """Takes the item for this call: of two that look at the same moment one gets it. False: it is another call's.

    Only what was compared is taken: answers that were lost together are looked for together, and must not hide each
    other's items meanwhile.
    """
    with transaction.atomic():
        # No stronger than that: rows of the ledger that refer to the endpoint are no reason to wait.
        Endpoint.objects.only("pk").select_for_update(no_key=True).get(pk=call.endpoint_id)
        if _owners(call, [item]).exists():
            return False
        linked = Call.objects.filter(pk=call.pk, outcome=Call.Outcome.UNCLEAR)
        return linked.update(history_item_id=item.history_item_id) == 1


def _adopt(search: _Search, item: HistoryItem, sent: NDArray[np.float32]) -> durable.Result | None:
    """The item as this call's result, if it is the same performance."""
    conversion, call = search.conversion, search.call
    give_back()
    with _scratch() as file:
        try:
            most_bytes = most_bytes_of(call.seconds, conversion)
            with search.client.history_audio(
                item.history_item_id, deadline_s=DEADLINE_S, most_bytes=most_bytes, abort=search.abort
            ) as answer:
                for chunk in answer:
                    file.write(chunk)
            format = search.piece.format
            raw = _raw(file, format)
            found = _envelope(decode(file, sample_rate_hz=_RATE_HZ, limits=limits(), raw=raw))
            alike = _alike(sent, found, conversion)
            logger.info("history item %s is %.2f like call %s", item.history_item_id, alike, call.pk)
            if alike < SAME_PERFORMANCE or not _link(call, item):
                return None
            with _as_ordered(file, raw, format) as ordered:
                return _store(call, search.claim, item, ordered)
        except Aborted:
            raise
        except (Rejected, AudioError) as error:
            logger.warning("history item %s can't be used: %s", item.history_item_id, error)
            return None


def _alike(sent: NDArray[np.float32], found: NDArray[np.float32], conversion: Conversion) -> float:
    """The correlation of both envelopes; 0.0 if their lengths don't fit the speed that was asked for."""
    from s2s.audio.envelope import FRAME_S, correlation  # with numpy, which most processes never load

    if not is_as_long(len(found) * FRAME_S, len(sent) * FRAME_S / asked_speed(conversion)):
        return 0.0
    return correlation(sent, found)


def _raw(file: BinaryIO, format: OutputFormat) -> RawPcm | None:
    """How to read what came: an ordered format without a header may have come with one, or as mp3."""
    if headerless(format) is None:
        return None
    file.seek(0)
    try:
        examine(file, limits=limits())
    except AudioError:
        return headerless(format)
    return None


def _envelope(samples: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    from s2s.audio.envelope import envelope

    return envelope(samples, _RATE_HZ)


@contextlib.contextmanager
def _scratch() -> Iterator[BinaryIO]:
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        yield cast(BinaryIO, file)


@contextlib.contextmanager
def _as_ordered(file: BinaryIO, raw: RawPcm | None, format: OutputFormat) -> Iterator[BinaryIO]:
    """The bytes as they came if they are in the ordered format; else encoded in it."""
    found = examine(file, limits=limits(), raw=raw)
    if raw is not None or (found.codec, found.sample_rate_hz) == (_codec(format), format.sample_rate_hz):
        yield file
        return
    blocks = decode(file, sample_rate_hz=found.sample_rate_hz, limits=limits())
    with _scratch() as ordered:
        audio.encode(
            blocks,
            ordered,
            format.codec,
            format.sample_rate_hz,
            format.bitrate_kbps,
            input_rate_hz=found.sample_rate_hz,
        )
        yield ordered


def _codec(format: OutputFormat) -> str:
    """libav's name of it, where the format has a header."""
    return {"mp3": "mp3", "opus": "opus", "wav": "pcm_s16le"}.get(format.codec, "")


def _store(call: Call, claim: Claim, item: HistoryItem, file: BinaryIO) -> durable.Result:
    headers: dict[str, str] = {"history-item-id": item.history_item_id, "request-id": item.request_id or ""}
    if item.character_cost is not None:
        headers["character-cost"] = str(item.character_cost)
    file.seek(0)
    chunks = iter(lambda: file.read(_MEDIA_BLOCK), b"")
    return durable.store_result(claim.conversion_id, claim.step_id, call.attempt, call.token, chunks, headers)
