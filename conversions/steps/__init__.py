"""What a step does: prepare, convert, assemble, export, find speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from conversions.models import Step
from conversions.steps.assemble import assemble
from conversions.steps.convert import convert
from conversions.steps.export import export
from conversions.steps.prepare import prepare
from conversions.steps.speakers import find_speakers

if TYPE_CHECKING:
    from conversions.queue.claim import Claim
    from conversions.queue.leases import Lease

STEPS: Mapping[Step.Kind, Callable[[Claim, Lease], None]] = {
    Step.Kind.PREPARE: prepare,
    Step.Kind.CONVERT: convert,
    Step.Kind.ASSEMBLE: assemble,
    Step.Kind.EXPORT: export,
    Step.Kind.REDO: convert,
    Step.Kind.SPEAKERS: find_speakers,
}
