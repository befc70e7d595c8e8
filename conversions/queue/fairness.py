"""Who is next: fewest running of the team, then of the user, then priority, then age.

A long recording comes after its own person's short ones, so a head is long only where its person has nothing shorter.
Among different people it counts for no less than a short one: else a crowd's clips could keep it back for ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from conversions.models import Step
from statements import Sql

# The first waiting step of every (team, user), by a loose index scan over `queue_waiting`: each row of the
# recursion is two index seeks, to the team's next person or else to the next team, so the cost follows the number of
# people waiting, not the number of steps. Not `(team_id, user_id) > (...)` in one: SQLite seeks to the first row that
# is equal and walks over all of that person's. The literal 'waiting' lets both databases use the partial index.
_HEADS = """
WITH RECURSIVE head (id, team_id, user_id) AS (
    SELECT * FROM (
        SELECT id, team_id, user_id FROM {waiting}
        ORDER BY team_id, user_id, priority, id LIMIT 1
    ) AS first
    UNION ALL
    SELECT step.id, step.team_id, step.user_id FROM head JOIN {table} AS step ON step.id = COALESCE(
        (
            SELECT id FROM {waiting} AND team_id = head.team_id AND user_id > head.user_id
            ORDER BY user_id, priority, id LIMIT 1
        ),
        (
            SELECT id FROM {waiting} AND team_id > head.team_id
            ORDER BY team_id, user_id, priority, id LIMIT 1
        )
    )
)
SELECT
    step.id, step.team_id, step.user_id, step.priority, step.kind, step.attempt, step.conversion_id,
    step.endpoint_id, step.voice_id, step.start_sample, step.end_sample, step.seconds,
    step.position
FROM head JOIN {table} AS step ON step.id = head.id
"""


def _heads(lane: str, *given: str) -> Sql:
    def text() -> str:
        table = f'"{Step._meta.db_table}"'
        # The statement's own clock: whoever waited for a lock sees steps that are younger than the wait.
        now, _none = Step.objects.all().query.get_compiler(connection=connection).compile(Now())
        waiting = f"{table} WHERE {lane} AND status = 'waiting' AND not_before <= {now}"
        return _HEADS.format(table=table, waiting=waiting)

    return Sql(text, *(given * 3))


_heads_for_cpu = _heads("endpoint_id IS NULL")
_heads_for_endpoint = _heads("endpoint_id = %s", "endpoint_id")


@dataclass(frozen=True, slots=True)
class Head:
    """The step that its user would have done next."""

    step_id: int
    team_id: int
    user_id: int
    priority: int
    kind: Step.Kind
    attempt: int
    conversion_id: UUID
    endpoint_id: int | None
    voice_id: int | None
    start_sample: int
    end_sample: int | None
    seconds: float
    position: int

    @property
    def is_long(self) -> bool:
        return self.priority >= Step.LONG


def heads(endpoint_id: int | None) -> list[Head]:
    """The next step of everyone who waits for the endpoint (None: for a cpu worker)."""
    rows = _heads_for_cpu.rows() if endpoint_id is None else _heads_for_endpoint.rows(endpoint_id=endpoint_id)
    return [
        Head(
            step_id,
            team_id,
            user_id,
            priority,
            Step.Kind(kind),
            attempt,
            conversion_id if isinstance(conversion_id, UUID) else UUID(conversion_id),
            *carried,
        )
        for step_id, team_id, user_id, priority, kind, attempt, conversion_id, *carried in rows
    ]


def short_ones(waiting: list[Head]) -> list[Head]:
    """Nobody's short work is missed: it stands before the long work in everyone's own line."""
    return [head for head in waiting if not head.is_long]


def pick(waiting: list[Head], running: Counter[tuple[int, int]]) -> Head | None:
    """The head that is served next. `running` counts live leases by (team, user)."""
    by_team: Counter[int] = Counter()
    for (team_id, _), count in running.items():
        by_team[team_id] += count
    return min(
        waiting,
        key=lambda head: (
            by_team[head.team_id],
            running[head.team_id, head.user_id],
            min(head.priority, Step.NORMAL),
            head.step_id,
        ),
        default=None,
    )
