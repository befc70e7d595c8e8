"""A site with everything on it that can be asked for, which is soon as it was when a request has changed it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection, transaction

from conversions import actions
from conversions.access.shared import link_of
from conversions.models import Batch, Call, Comment, Conversion, Preset, Recording, Share
from s2s.contract import ConvertParameters
from teams.actions import invite
from teams.links import token_of
from teams.models import Membership, Role, User
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.conversions.url_map.requests import Wire
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint, Voice

THEIRS = "quartz-of-another-team"  # stands in all that another team has
PRIVATE = "garnet-of-bob-alone"  # in what a member has shown to nobody


class Site:
    """`wire` knows the ids of its rows and the sessions of its people."""

    def __init__(self, cast: Cast, submit: Submit, voice: Voice, kept: Path) -> None:
        self.people = _people(cast)
        rows = _own(cast, submit, voice) | _of_others(cast, submit, voice)
        ids = {name: str(row.pk) for name, row in rows.items()} | _keys(cast.alice) | _links(rows)
        ids["token"] = token_of(rows["invitation"])
        session, csrf = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
        sessions = {name: client_of(person).cookies[session].value for name, person in self.people.items()}
        self.wire = Wire(ids, sessions, (session, csrf), "s" * 32)
        self._media = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
        _mark_files(self._media, {rows["theirs"]: THEIRS, rows["private"]: PRIVATE})
        self._kept = kept
        shutil.copytree(self._media, kept)
        self._files = [path.relative_to(kept) for path in kept.rglob("*") if path.is_file()]
        self._renewal: list[str] = []
        self._written = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within it, `changed` and `renew` know what was written. Not one transaction around a request: after an error
        of PostgreSQL's, which the site may well have an answer for, every further question in it would be one."""
        tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
        _run(f'CREATE TABLE "kept_{table}" AS SELECT * FROM "{table}"' for table in tables)  # noqa: S608 - our names
        self._renewal = [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608
        self._renewal += [f'INSERT INTO "{table}" SELECT * FROM "kept_{table}"' for table in tables]  # noqa: S608
        self._written = _written()
        try:
            yield
        finally:
            _run(f'DROP TABLE "kept_{table}"' for table in tables)

    @property
    def changed(self) -> bool:
        return _written() != self._written

    def renew(self) -> None:
        """As it was when `watched` began."""
        cache.clear()  # with it the limits of failed sign-ins
        if self.changed:
            _run(self._renewal)
            self._written = _written()
        if not all((self._media / path).exists() for path in self._files):
            shutil.copytree(self._kept, self._media, dirs_exist_ok=True)


def _run(statements: Iterable[str]) -> None:
    """In one transaction, at whose end rows may first name each other."""
    # SQLite takes one at a time; PostgreSQL is asked once, which is most of what it costs.
    several = list(statements) if connection.vendor == "sqlite" else ["; ".join(statements)]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in several:
            cursor.execute(statement)


def _written() -> int:
    """A number that differs when a row was written meanwhile. Django's own ear for statements (`execute_wrapper`) would
    hear less: while somebody listens, `statements` goes another way than in the product."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return int(connection.connection.total_changes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        return int(cursor.fetchone()[0])


def _people(cast: Cast) -> dict[str, User]:
    """By the names that requests use. Nina has no team; staff may do in the admin site what isn't deleting."""
    staff = User.objects.create_user("staff@example.com", "password", is_staff=True)
    staff.user_permissions.set(Permission.objects.exclude(codename__contains="delete"))
    return {
        "alice": cast.alice,
        "bob": cast.bob,
        "victor": cast.victor,
        "nina": User.objects.create_user("nina@example.com", "password"),
        "staff": staff,
        "root": User.objects.create_superuser("root@example.com", "password"),
    }


def _own(cast: Cast, submit: Submit, voice: Voice) -> dict[str, Any]:
    """What Alice's team has: in every state, and of every kind."""
    ready, gone, private = submit(), submit(), submit(cast.bob)
    work_all()
    Conversion.objects.filter(pk=private.pk).update(only_me=True, title=PRIVATE, source_name=f"{PRIVATE}.wav")
    actions.delete(gone, cast.alice)
    actions.export(ready, cast.alice, "mp3_44100_128")
    work_all()
    failed, waiting = submit(), submit(cast.bob)
    actions.cancel(failed, cast.alice)
    batch = Batch.objects.create(team=cast.team, created_by=cast.alice)
    Conversion.objects.filter(pk__in=[ready.pk, waiting.pk]).update(batch=batch)
    recording = _listened(cast.alice, voice)
    return {
        "share": actions.share(ready, cast.alice, actions.ShareOrder(may_download=True)),
        "comment": Comment.objects.create(conversion=ready, name="Clara", text="Too soft", at_s=0.5),
        "ready": ready,
        "gone": gone,
        "private": private,
        "stopped": failed,
        "waiting": waiting,
        "batch": batch,
        "recording": recording,
        "audition": recording.auditions.get(),
        "preset": Preset.objects.create(team=cast.team, created_by=cast.alice, name="Radio"),
        "invitation": invite(cast.alice, cast.team, role=Role.MEMBER),
        "membership": Membership.objects.get(user=cast.bob),
        "team": cast.team,
        "alice": cast.alice,
        "bob": cast.bob,
        "voice": voice,
        "hidden_voice": Voice.objects.create(endpoint=voice.endpoint, voice_id="old", name="Old", hidden=True),
        "endpoint": voice.endpoint,
        "unused": Endpoint.objects.create(key="unused", name="Unused", base_url=voice.endpoint.base_url, slots=1),
        "root": User.objects.get(is_superuser=True),
        "call": Call.objects.filter(team=cast.team).earliest("pk"),
        "content_type": ContentType.objects.get_for_model(Conversion),
    }


def _of_others(cast: Cast, submit: Submit, voice: Voice) -> dict[str, Any]:
    their, them = cast.other_team, cast.mallory
    theirs, batch = submit(them), Batch.objects.create(team=their, created_by=them)
    work_all()
    marked = {"title": THEIRS, "source_name": f"{THEIRS}.wav"}
    Conversion.objects.filter(pk=theirs.pk).update(batch=batch, **marked)
    recording = _listened(them, voice)
    Recording.objects.filter(pk=recording.pk).update(name=f"{THEIRS}.wav")
    Conversion.objects.filter(audition_of=recording).update(**marked)
    their.name = them.name = THEIRS
    their.save()
    them.save()
    ned = User.objects.create_user(f"ned@{THEIRS}.example.com", "password", name=THEIRS)  # nobody names him
    Membership.objects.create(team=their, user=ned, role=Role.MEMBER)
    return {
        "their_share": actions.share(theirs, them, actions.ShareOrder(for_whom=THEIRS)),
        "their_comment": Comment.objects.create(conversion=theirs, name=THEIRS, text=THEIRS),
        "theirs": theirs,
        "their_batch": batch,
        "their_recording": recording,
        "their_audition": recording.auditions.get(),
        "their_preset": Preset.objects.create(team=their, created_by=them, name=THEIRS),
        "their_invitation": invite(them, their, role=Role.MEMBER, email=f"nina@{THEIRS}.example.com"),
        "their_membership": Membership.objects.get(user=ned),
        "their_team": their,
        "mallory": them,
    }


def _listened(user: User, voice: Voice) -> Recording:
    file = upload(wav(1.0))
    try:
        return actions.audition(user, user.memberships.get().team, file, [voice], actions.Order(ConvertParameters()))
    finally:
        file.close()


def _keys(user: User) -> dict[str, str]:
    """Of a link that sets a new password, as an e-mail has it."""
    return {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}


def _links(rows: dict[str, Any]) -> dict[str, str]:
    """As addresses have them; of those of others one is revoked, one has run out, one asks for a password."""
    theirs, them = rows["theirs"], rows["mallory"]
    old, locked = (actions.share(theirs, them, actions.ShareOrder(password="open sesame")) for _ in range(2))
    Share.objects.filter(pk=old.pk).update(expires=old.created_at)
    actions.revoke(rows["their_share"], them)
    links = {
        "link": rows["share"],
        "their_link": rows["their_share"],
        "their_old_link": old,
        "their_locked_link": locked,
    }
    return {name: link_of(share) for name, share in links.items()}


def _mark_files(media: Path, words: dict[Conversion, str]) -> None:
    for conversion, word in words.items():
        marked = [path for path in media.rglob("*") if path.is_file() and str(conversion.pk) in str(path)]
        assert marked
        for path in marked:
            path.write_bytes(path.read_bytes() + word.encode())
