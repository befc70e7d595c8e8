"""What lies in the folders of conversions, whoever has put it there: for housekeeping, and for the admin."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from conversions.files import durable

_RESULT = re.compile(r"(\d+-\d+|play)-[0-9a-f]{32}(\.json)?")
_BROKEN_WRITE = re.compile(r"\..*\.part")
Contents = Mapping[str, datetime]


def stored_conversions() -> Iterator[uuid.UUID]:
    """The ids of all conversions that have files, one after the other."""
    for name in durable.storage().folders(durable.ROOT):
        with contextlib.suppress(ValueError):
            yield uuid.UUID(name)


def sizes(conversion_id: uuid.UUID) -> dict[str, int]:
    """Every file of a conversion and its bytes, for the admin."""
    folder = durable.folder_of(conversion_id)
    return {name: default_storage.size(f"{folder}/{name}") for name in sorted(durable.names_in(conversion_id))}


def older_than(conversion_id: uuid.UUID, age: timedelta) -> bool:
    """Whether nothing was written to the conversion's folder for `age`."""
    limit = timezone.now() - age
    return all(written < limit for written in contents([conversion_id])[conversion_id].values())


def contents(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, datetime]]:
    """The names of what is stored for each and when it was written; `ids` that follow each other cost least."""
    found = durable.storage().contents(durable.ROOT, [str(conversion_id) for conversion_id in ids])
    return {conversion_id: found[str(conversion_id)] for conversion_id in ids}


def left_over(stored: Contents, wanted: Collection[str], age: timedelta) -> list[str]:
    """Of `stored`, results and their notes older than `age` that none of the keys `wanted` names."""
    limit, names = timezone.now() - age, {durable.name_of(key) for key in wanted}
    return [
        name
        for name, written in stored.items()
        if written < limit and _RESULT.fullmatch(name) and name.removesuffix(".json") not in names
    ]


def broken_writes(stored: Contents, age: timedelta) -> list[str]:
    """Of `stored`, what writes that broke off have left."""
    limit = timezone.now() - age
    return [name for name, written in stored.items() if written < limit and _BROKEN_WRITE.fullmatch(name)]


def clear_broken_writes(age: timedelta) -> int:
    """Outside of the folders of conversions. Returns how many."""
    return durable.storage().clear_broken_writes(timezone.now() - age, root=durable.ROOT)
