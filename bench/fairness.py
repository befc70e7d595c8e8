"""A team that comes second: how many calls of the first still start while the second waits for its first.

Team A has 200 recordings waiting for 8 slots, each a call of one second. A second later team B submits one, and again
whenever its last one is ready, five times. Counted are A's calls that enter the ledger between the moment B's
recording is prepared and the moment its own call enters it. Whoever claims after B's step is committed takes B's,
since A runs eight and B none; but a claim of A that was just before it enters the ledger a little later, so one is
allowed. Bar: <= 1, in the worst of the five.
"""

from __future__ import annotations

import sys
import time

from bench import crowd
from bench.inside import Inside
from bench.measure import bar
from bench.site import say_help, site
from tests.support.endpoint import Behaviour
from tests.support.sound import wav

FIRST, SECOND, SLOTS = 200, 5, 8


def main() -> int:
    say_help(__doc__)
    with (
        site(Behaviour(delay_s=1.0, framing="length")) as where,
        Inside(where.product.environment_inside()) as inside,
    ):
        inside(crowd.prepare_gate, SLOTS)
        alice, bob = inside(crowd.join_team, "Alice"), inside(crowd.join_team, "Bob")
        inside(crowd.submit, alice, wav(1.0), FIRST)
        inside(crowd.wait_until_prepared, FIRST)
        inside(crowd.open_gate)
        time.sleep(1.0)
        for _ in range(SECOND):
            inside(crowd.submit, bob, wav(1.0), 1)
            inside(wait_for_second, bob)
        starts = inside(starts_before, bob)
    waits = ", ".join(f"{wait_s * 1000:.0f} ms" for _, wait_s in starts)
    print(f"from prepared to its call, with calls of 1 s in {SLOTS} slots: {waits}")
    met = bar("calls of A that started before B's, at most", max(count for count, _ in starts), 1, "")
    return 0 if met else 1


# ---- in a process inside the product ----


def wait_for_second(user_id: int) -> None:
    """Until nothing of this person is unfinished. A's must still be waiting, or nobody stood in the way."""
    from conversions.models import Conversion, Step

    mine = Conversion.objects.filter(created_by=user_id)
    crowd.wait(lambda: not mine.exclude(status=Conversion.Status.READY).exists(), "B's is ready")
    assert Step.objects.filter(status=Step.Status.WAITING).exists()


def starts_before(user_id: int) -> list[tuple[int, float]]:
    """For each of this person's calls: how many of others started while it waited, and how long it waited, in s."""
    from conversions.models import Call, Event

    found = []
    for call in Call.objects.filter(user=user_id).order_by("pk"):
        prepared_at = Event.objects.get(conversion=call.conversion_id, kind=Event.Kind.PREPARED).at
        others = Call.objects.exclude(user=user_id).filter(sent_at__gt=prepared_at, sent_at__lt=call.sent_at)
        found.append((others.count(), (call.sent_at - prepared_at).total_seconds()))
    return found


if __name__ == "__main__":
    sys.exit(main())
