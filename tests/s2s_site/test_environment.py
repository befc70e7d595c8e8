"""Settings from the environment: secrets by file, the secret key, Celery's spelling of Redis' address."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.operations import DatabaseOperations

from conversions.models import Conversion
from s2s_site.environment import broker_url, data_dir, most_pieces, secret, secret_key


def test_a_secret_comes_from_its_file_before_its_variable(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("A_KEY", "from the variable")
    assert secret("A_KEY") == "from the variable"
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("A_KEY_FILE", str(tmp_path / "key"))
    assert secret("A_KEY") == "from the file"


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("A_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="A_KEY_FILE"):
        secret("A_KEY")


def test_a_secret_key_is_made_once_and_kept_for_its_owner_alone(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_the_data_folder_is_private(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    folder = data_dir(tmp_path)
    assert folder == tmp_path / "data"
    assert (folder / "media").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("pieces", ["0", "-1", "32768", "1000000"])
def test_more_pieces_than_a_row_can_count_are_refused_with_a_sentence(monkeypatch, pieces: str) -> None:
    monkeypatch.setenv("MAX_PIECES", pieces)
    with pytest.raises(ImproperlyConfigured, match=f"MAX_PIECES is {pieces}. Write a number from 1 to 32767."):
        most_pieces()


def test_as_many_pieces_are_taken_as_postgresql_can_count(monkeypatch) -> None:
    field = Conversion._meta.get_field("pieces")
    _, most = DatabaseOperations.integer_field_ranges[field.get_internal_type()]
    monkeypatch.setenv("MAX_PIECES", str(most))
    assert most_pieces() == most == 32_767


@pytest.mark.parametrize(
    ("ours", "celerys"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://:x@host:6380/2", "rediss://:x@host:6380/2"),
        ("unix:///data/redis.sock?db=0", "redis+socket:///data/redis.sock?virtual_host=0"),
        ("unix:///data/redis.sock", "redis+socket:///data/redis.sock?virtual_host=0"),
        ("unix:///my%20data/redis.sock?db=3", "redis+socket:///my%20data/redis.sock?virtual_host=3"),
    ],
)
def test_celery_writes_a_socket_in_its_own_way(ours: str, celerys: str) -> None:
    assert broker_url(ours) == celerys
