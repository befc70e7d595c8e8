"""A calls worker that is killed with SIGKILL in the middle of 200 calls of one second through 32 slots.

What it held comes back when its leases have run out (30 s) and a sweep has found them (every 5 s); the rest goes on as
soon as the worker is started again. Bar: all are ready within lease + sweep + 5 s of the ideal (7 s).
"""

from __future__ import annotations

import math
import sys
import time

from bench import crowd
from bench.inside import Inside
from bench.measure import bar
from bench.site import LEASE_S, SWEEP_S, say_help, site
from tests.support.endpoint import Behaviour
from tests.support.sound import wav

CALLS, SLOTS, CALL_S = 200, 32, 1.0
IDEAL_S = math.ceil(CALLS / SLOTS) * CALL_S
KILLED_AFTER_S = 2.5


def main() -> int:
    say_help(__doc__)
    with (
        site(Behaviour(delay_s=CALL_S, framing="length")) as where,
        Inside(where.product.environment_inside()) as inside,
    ):
        inside(crowd.prepare_gate, SLOTS)
        inside(crowd.submit, inside(crowd.join_team, "Alice"), wav(1.0), CALLS)
        inside(crowd.wait_until_prepared, CALLS)
        opened_at = inside(crowd.open_gate)
        time.sleep(KILLED_AFTER_S)
        where.product.kill("calls")
        vanished = inside(running)
        took_s = (inside(crowd.wait_until_ready, CALLS) - opened_at).total_seconds()
        lost = inside(not_ready)
    print(f"{vanished} calls were under way when their worker was killed; all were ready after {took_s:.1f} s")
    assert vanished
    assert lost == 0
    met = bar("all ready, beyond the ideal", took_s - IDEAL_S, LEASE_S + SWEEP_S + 5, "s")
    return 0 if met else 1


# ---- in a process inside the product ----


def running() -> int:
    from conversions.models import Step

    return Step.objects.filter(status=Step.Status.RUNNING).count()


def not_ready() -> int:
    from conversions.models import Conversion

    return Conversion.objects.exclude(status=Conversion.Status.READY).count()


if __name__ == "__main__":
    sys.exit(main())
