"""Data and the allowed transitions, nothing else."""

from conversions.models.batch import Batch
from conversions.models.call import Call
from conversions.models.conversion import Conversion
from conversions.models.diarization import Diarization
from conversions.models.enrolment import Enrolment
from conversions.models.event import Event, Happened, log, log_all
from conversions.models.export import Export
from conversions.models.failure import Failure
from conversions.models.preset import DefaultPreset, Preset
from conversions.models.recording import Recording
from conversions.models.region import Region
from conversions.models.share import Comment, Share
from conversions.models.step import Step

__all__ = [
    "Batch",
    "Call",
    "Comment",
    "Conversion",
    "DefaultPreset",
    "Diarization",
    "Enrolment",
    "Event",
    "Export",
    "Failure",
    "Happened",
    "Preset",
    "Recording",
    "Region",
    "Share",
    "Step",
    "log",
    "log_all",
]
