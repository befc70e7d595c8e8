"""Files and folders that aren't there for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def moved(place: Path) -> Iterator[None]:
    """Out of the way."""
    aside = place.with_name(f"{place.name}.aside")
    place.rename(aside)
    try:
        yield
    finally:
        aside.rename(place)


@contextmanager
def replaced(place: Path) -> Iterator[None]:
    """A folder by a file, a file by a folder: nothing can be read or stored there, whoever asks."""
    is_folder = place.is_dir()
    with moved(place):
        if is_folder:
            place.touch()
        else:
            place.mkdir()
        try:
            yield
        finally:
            if is_folder:
                place.unlink()
            else:
                place.rmdir()
