"""What has come of an answer, in a bucket: web reads it there, on whatever machine the worker is."""

from __future__ import annotations

import os
import uuid

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from conversions.files import beginnings, durable
from tests.conversions.files.s3.conftest import both


@both
def test_it_is_read_from_its_parts_and_from_the_answer_once_that_is_there() -> None:
    conversion, data = uuid.uuid4(), os.urandom(300_000)
    key = durable.result_key(conversion, 7, 1, uuid.uuid4())
    for begin, end in ((0, 100_000), (100_000, 100_001), (100_001, 250_000)):
        beginnings.keep(key, begin, data[begin:end])
    address = beginnings.address_of(key, 250_000)
    assert beginnings.size_at(address) == 250_000
    found = beginnings.find(conversion, 7, address)
    assert found is not None
    for start, length in ((0, 250_000), (99_999, 3), (100_000, 1), (100_001, 149_999), (0, 0), (249_999, 1)):
        assert b"".join(found.blocks(start, length)) == data[start : start + length]
    assert durable.find_result(conversion, 7) is None
    assert beginnings.find(conversion, 7, beginnings.address_of(key, 250_001)) is None
    assert beginnings.find(conversion, 8, address) is None
    assert beginnings.find(conversion, 7, beginnings.address_of(key[:-1] + "x", 10)) is None
    # Who is listening goes on hearing it.
    going_on = found.blocks(0, 250_000)
    heard = next(going_on)
    default_storage.save(key, ContentFile(data))
    beginnings.forget(key)
    assert len(durable.names_in(conversion)) == 1
    assert heard + b"".join(going_on) == data[:250_000]
    again = beginnings.find(conversion, 7, address)
    assert again is not None
    assert b"".join(again.blocks(50_000, 150_000)) == data[50_000:200_000]


@both
def test_a_part_that_is_missing_is_never_skipped() -> None:
    conversion = uuid.uuid4()
    key = durable.result_key(conversion, 7, 1, uuid.uuid4())
    beginnings.keep(key, 0, b"abc")
    beginnings.keep(key, 5, b"fgh")
    assert beginnings.find(conversion, 7, beginnings.address_of(key, 8)) is None
    found = beginnings.find(conversion, 7, beginnings.address_of(key, 2))
    assert found is not None
    beginnings.forget_all(conversion, 7)
    with pytest.raises(FileNotFoundError):
        found.blocks(0, 2)
