"""The verbs. Each checks its permission, makes its transition and adds its line to the timeline, in one place."""

from conversions.actions.audition import PASSAGE_S, BusyError, audition, listen, ordered_of
from conversions.actions.cancel import cancel
from conversions.actions.delete import delete, erase, forget, purge
from conversions.actions.diarize import diarize, not_installed_words
from conversions.actions.disband import Held, disband, held_by
from conversions.actions.enrol import VoiceOrder, delete_voice, enrol, rename_voice, retry_voice
from conversions.actions.export import export, forget_export
from conversions.actions.limits import (
    MOST_AT_ONCE,
    MOST_VOICES,
    NoRoomError,
    RefusedError,
    TooLargeError,
    require_welcome,
)
from conversions.actions.order import keep, order
from conversions.actions.part import Left, leave_team, left_by, part_with, remove_member
from conversions.actions.presets import (
    NameTakenError,
    change_preset,
    delete_preset,
    may_change_preset,
    save_preset,
    set_default_preset,
)
from conversions.actions.redo import cancel_redo, redo
from conversions.actions.regions import MOST_REGIONS, SHORTEST_S, SPEAKER_CHARACTERS, RegionOrder, fitting, regions_of
from conversions.actions.rename import rename
from conversions.actions.restore import restore
from conversions.actions.retry import retry
from conversions.actions.sharing import (
    MOST_COMMENTS,
    MOST_SHARES,
    ShareOrder,
    comment,
    delete_comment,
    may_be_shared,
    may_revoke,
    note_opened,
    revoke,
    share,
)
from conversions.actions.submit import Accepted, Order, submit, submit_all
from conversions.actions.unplug import Known, known_of, unplug
from conversions.ledger.usage import OverQuotaError

__all__ = [
    "MOST_AT_ONCE",
    "MOST_COMMENTS",
    "MOST_REGIONS",
    "MOST_SHARES",
    "MOST_VOICES",
    "PASSAGE_S",
    "SHORTEST_S",
    "SPEAKER_CHARACTERS",
    "Accepted",
    "BusyError",
    "Held",
    "Known",
    "Left",
    "NameTakenError",
    "NoRoomError",
    "Order",
    "OverQuotaError",
    "RefusedError",
    "RegionOrder",
    "ShareOrder",
    "TooLargeError",
    "VoiceOrder",
    "audition",
    "cancel",
    "cancel_redo",
    "change_preset",
    "comment",
    "delete",
    "delete_comment",
    "delete_preset",
    "delete_voice",
    "diarize",
    "disband",
    "enrol",
    "erase",
    "export",
    "fitting",
    "forget",
    "forget_export",
    "held_by",
    "keep",
    "known_of",
    "leave_team",
    "left_by",
    "listen",
    "may_be_shared",
    "may_change_preset",
    "may_revoke",
    "not_installed_words",
    "note_opened",
    "order",
    "ordered_of",
    "part_with",
    "purge",
    "redo",
    "regions_of",
    "remove_member",
    "rename",
    "rename_voice",
    "require_welcome",
    "restore",
    "retry",
    "retry_voice",
    "revoke",
    "save_preset",
    "set_default_preset",
    "share",
    "submit",
    "submit_all",
    "unplug",
]
