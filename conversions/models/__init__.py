"""Data and the allowed transitions, nothing else."""

from conversions.models.call import Call
from conversions.models.conversion import Conversion
from conversions.models.event import Event, log
from conversions.models.step import Step

__all__ = ["Call", "Conversion", "Event", "Step", "log"]
