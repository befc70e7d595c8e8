"""What may happen next in a life, each with its circumstances: a method of `Lives` and its arguments."""

from __future__ import annotations

from hypothesis import strategies as st

from conversions.queue.bells import Lane
from tests.conversions.queue.points import BETWEEN_WRITES, Point
from tests.conversions.queue.world import BAD, GOOD

MOST_RECORDINGS = 6
WHICH = st.integers(0, MOST_RECORDINGS - 1)
BEHAVIOURS = st.sampled_from(sorted(BAD)).map(BAD.__getitem__)
LANES = st.sampled_from(Lane)
OTHERS = st.sampled_from(["do nothing", "have only claimed", "have done it"])
# One choice a step, because Hypothesis would leave out most of many rules in most lives.
HAPPENINGS = st.one_of(
    st.tuples(st.just("someone_uploads_another"), st.booleans(), st.booleans()),
    st.tuples(st.just("cancel"), WHICH),
    st.tuples(st.just("delete"), WHICH),
    st.tuples(st.just("bring_back"), WHICH),
    st.tuples(st.just("a_day_passes_for_what_is_deleted")),
    st.tuples(st.just("retry"), WHICH),
    st.tuples(st.just("bells_are_heard")),
    st.tuples(st.just("a_step_is_done"), LANES),
    st.tuples(st.just("workers_die_with_all_they_can_claim"), LANES),
    st.tuples(st.just("a_worker_dies_preparing"), st.sampled_from([Point.WRITTEN, Point.COMMITTED])),
    st.tuples(st.just("a_worker_dies_calling"), st.sampled_from(Point), st.just(GOOD) | BEHAVIOURS),
    st.tuples(st.just("the_endpoint_misbehaves"), BEHAVIOURS),
    st.tuples(st.just("a_worker_is_suspended"), st.sampled_from(BETWEEN_WRITES), OTHERS, st.none() | WHICH),
    st.tuples(st.just("a_worker_is_suspended_with_its_claim"), LANES, OTHERS, st.none() | WHICH),
    st.tuples(
        st.just("a_person_gives_up_while_a_worker_is_busy"), st.sampled_from(BETWEEN_WRITES), WHICH, st.booleans()
    ),
    st.tuples(st.just("waits_are_over")),
    st.tuples(st.just("leases_run_out")),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("paused_endpoints_are_looked_at")),
    st.tuples(st.just("a_sweep_dies"), st.sampled_from([Point.WRITTEN, Point.COMMITTED])),
    st.tuples(st.just("bells_are_lost")),
    st.tuples(st.just("housekeeping")),
)
