"""Who speaks when in a recording. Needs the weights of an optional package (`requirements-speakers.txt`), and nothing
of them, of numpy or of the detector is loaded before somebody asks for turns (`s2s.speakers.turns`)."""

from typing import Final

from s2s.speakers.checkpoint import is_installed

RATE_HZ: Final = 16_000  # at which a recording is listened to

__all__ = ["RATE_HZ", "is_installed"]
