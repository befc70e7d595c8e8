"""The verbs. Each checks its permission, makes its transition and adds its line to the timeline, in one place."""

from conversions.actions.cancel import cancel
from conversions.actions.delete import delete, erase
from conversions.actions.retry import retry
from conversions.actions.submit import submit

__all__ = ["cancel", "delete", "erase", "retry", "submit"]
