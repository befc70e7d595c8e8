"""Delete: the recording, its results and its timeline are gone. The ledger keeps its sums."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from conversions import files
from conversions.models import Conversion
from teams.gatekeeper import require_change
from teams.models import User


def delete(conversion: Conversion, user: User) -> None:
    """In every state: a worker that is busy with it finds its lease gone. Raises PermissionDenied."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    erase(conversion)


def erase(conversion: Conversion) -> None:
    """What delete does, by the product's own right: for recordings whose time has come."""
    with transaction.atomic():
        if conversion.zero_retention:
            conversion.calls.update(request_id="", history_item_id="", error="")
        Conversion.objects.filter(pk=conversion.pk).delete()
        # Rows first: a crash in between leaves files without a row, which housekeeping deletes.
        transaction.on_commit(partial(files.delete_all, conversion.pk), robust=True)
