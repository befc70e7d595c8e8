"""A bucket in place of the disk: nanio, unless a test asks for another server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from conversions.models import Conversion
from tests.conversions.conftest import Submit, work_all
from tests.support.s3 import S3, running_s3
from tests.support.sound import wav

DATA = wav(1.0)
PREFIX = "our/team"
in_database = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="package")
def nanio() -> Iterator[S3]:
    with running_s3("nanio") as server:
        yield server


@pytest.fixture(scope="package")
def moto() -> Iterator[S3]:
    with running_s3("moto") as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3:
    """nanio, unless a test asks for another."""
    return request.getfixturevalue(getattr(request, "param", "nanio"))


@pytest.fixture(autouse=True)
def _in_a_bucket(_place: None, server: S3, settings: Any) -> None:
    use(server, settings)


def use(server: S3, settings: Any, **options: Any) -> None:
    default = {
        "BACKEND": "conversions.files.storages.s3.BucketStorage",
        "OPTIONS": server.place | {"prefix": f"{PREFIX}/{uuid.uuid4()}"} | options,
    }
    settings.STORAGES = settings.STORAGES | {"default": default}


both = pytest.mark.parametrize("server", ["nanio", "moto"], indirect=True)


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    conversion = submit(data=DATA)
    assert work_all() == 2
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    return conversion
