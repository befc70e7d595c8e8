"""Messages that the next page shows (django.contrib.messages): looked for, and signed, where there are any."""

from __future__ import annotations

from django.contrib.messages.storage.base import BaseStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest
from django.utils.functional import cached_property


class Storage(FallbackStorage):
    """Its storages, with a signer of cookies, are made when a message is told or shown: polls do neither."""

    def __init__(self, request: HttpRequest) -> None:
        BaseStorage.__init__(self, request)
        self._used_storages: set[type[BaseStorage]] = set()

    @cached_property
    def storages(self) -> list[BaseStorage]:
        return [storage(self.request) for storage in self.storage_classes]
