"""An e-mail when recordings are finished: for who chose it, one at a time, by a real mail server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from redis import Redis

from conversions import actions
from conversions.actions import Order
from conversions.models import Conversion
from conversions.upkeep import mailing
from s2s.contract import ConvertParameters
from teams.models import Membership, Role
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.smtp import Mailbox, running_smtp
from tests.support.sound import wav
from tests.support.together import at_once
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def smtp(settings: Any, redis_url: str) -> Iterator[Mailbox]:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    with running_smtp() as mailbox:
        settings.EMAIL_URL = mailbox.url
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", mailbox.port, False
        settings.BASE_URL = "https://timbre.example.com"
        yield mailbox


@pytest.fixture
def alice(cast: Cast, smtp: Mailbox) -> Any:
    cast.alice.mail_when_ready = True
    cast.alice.save()
    return cast.alice


def body(mailbox: Mailbox) -> str:
    (message,) = mailbox.messages
    return str(message.get_content())  # type: ignore[attr-defined]


def settled() -> None:
    """A minute after what was sent last."""
    Conversion.objects.update(created_at=F("created_at") - mailing.SETTLED * 2)


def batch(user: Any, voice: Voice, *names: str) -> list[Conversion]:
    recordings = [SimpleUploadedFile(name, wav()) for name in names]
    order = Order(ConvertParameters(output_format="wav_16000"))
    return actions.submit_all(user, user.memberships.get().team, recordings, [voice], order).conversions


def test_who_chose_it_hears_once_that_it_is_ready(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    conversion = submit()
    assert mailing.tell() == 0
    work_all()
    assert mailing.tell() == 1
    assert mailing.tell() == 0
    assert smtp.subjects == ["“harbour news” is ready"]
    assert smtp.messages[0]["To"] == "alice@example.com"
    assert "“harbour news” in the voice of Nora" in body(smtp)
    assert f"https://timbre.example.com/conversions/{conversion.pk}/" in body(smtp)
    assert "https://timbre.example.com/account/" in body(smtp)


def test_of_a_recording_that_was_cut_off_it_is_said(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    submit(data=wav(4.0)[:96044])
    work_all()
    mailing.tell()
    words = "“harbour news” in the voice of Nora: 3.0 of 4.0 seconds are there; the rest of the file is missing."
    assert words in " ".join(body(smtp).split())


def test_a_question_is_told_too(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    Endpoint.objects.update(billed=True)
    conversion = submit(data=wav(4.0)[:96044])
    work_all()
    mailing.tell()
    assert smtp.subjects == ["“harbour news” needs an answer"]
    conversion.refresh_from_db()
    assert conversion.error in " ".join(body(smtp).split())
    assert "could not be converted" not in body(smtp)


def test_who_has_left_the_team_hears_nothing(submit: Submit, cast: Cast, alice: Any, smtp: Mailbox) -> None:
    submit()
    work_all()
    Membership.objects.filter(user=alice, team=cast.team).delete()
    Membership.objects.create(user=alice, team=cast.other_team, role=Role.MEMBER)
    assert mailing.tell() == 0
    assert smtp.messages == []


def test_who_did_not_choose_it_hears_nothing(submit: Submit, cast: Cast, alice: Any, smtp: Mailbox) -> None:
    submit(cast.bob)
    submit(enable_logging=False)
    work_all()
    assert not Conversion.objects.filter(mail_due=True).exists()
    assert mailing.tell() == 0


def test_without_e_mail_nothing_is_due(submit: Submit, alice: Any, settings: Any) -> None:
    settings.EMAIL_URL = ""
    submit()
    assert not Conversion.objects.filter(mail_due=True).exists()


def test_nothing_due_costs_one_query(smtp: Mailbox, django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(1):
        mailing.tell()


def test_without_an_address_of_ours_there_is_no_link(submit: Submit, alice: Any, smtp: Mailbox, settings: Any) -> None:
    settings.BASE_URL = ""
    submit()
    work_all()
    mailing.tell()
    assert "/conversions/" not in body(smtp)
    assert "/account/" not in body(smtp)


def test_a_failure_is_told_with_its_reason_and_a_retry_is_told_again(
    submit: Submit, alice: Any, smtp: Mailbox, scripted: Any
) -> None:
    scripted.script(Behaviour(status=401))
    conversion = submit(data=b"These are words, not a recording.\n" * 50)
    work_all()
    mailing.tell()
    assert smtp.subjects == ["“harbour news” could not be converted"]
    conversion.refresh_from_db()
    assert conversion.error in " ".join(body(smtp).split())
    actions.retry(conversion, alice)
    work_all()
    assert mailing.tell() == 1


def test_who_cancelled_it_or_deleted_it_knows(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    actions.cancel(submit(), alice)
    submit()
    work_all()
    Conversion.objects.filter(status="ready").update(deleted_at=F("created_at"))
    assert mailing.tell() == 0
    assert not Conversion.objects.filter(mail_due=True).exists()
    assert smtp.tried == 0


def test_a_batch_is_told_as_one_when_nothing_of_it_is_unfinished(voice: Voice, alice: Any, smtp: Mailbox) -> None:
    first, second, third = batch(alice, voice, "one.wav", "two.wav", "three.wav")
    Conversion.objects.filter(pk=second.pk).update(source="gone")
    work_all()
    Conversion.objects.filter(pk=third.pk).update(status="converting")
    settled()
    assert mailing.tell() == 0
    Conversion.objects.filter(pk=third.pk).update(status="cancelled")
    assert mailing.tell() == 1
    assert mailing.tell() == 0
    assert smtp.subjects == ["1 of 3 recordings are ready"]
    words = body(smtp)
    assert words.index("“one”") < words.index("“two”") < words.index("“three”")
    assert "could not be converted" in words
    assert "cancelled" in words
    assert f"/batches/{first.batch_id}/" in words


def test_a_batch_that_is_still_being_sent_is_waited_for(voice: Voice, alice: Any, smtp: Mailbox) -> None:
    batch(alice, voice, "one.wav", "two.wav")
    work_all()
    assert mailing.tell() == 0
    settled()
    assert mailing.tell() == 1
    assert smtp.subjects == ["2 recordings are ready"]


def test_a_server_that_is_away_is_tried_again_later_and_keeps_nobody(
    submit: Submit, alice: Any, smtp: Mailbox, settings: Any, redis_url: str
) -> None:
    for _ in range(3):
        submit()
    work_all()
    settings.EMAIL_PORT = 1
    assert mailing.tell() == 0
    assert Conversion.objects.filter(mail_due=True).count() == 3
    settings.EMAIL_PORT = smtp.port
    assert mailing.tell() == 0  # not at once
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    assert mailing.tell() == 3
    assert len(smtp.messages) == 3


def test_after_a_day_it_is_given_up(submit: Submit, alice: Any, smtp: Mailbox, settings: Any, caplog: Any) -> None:
    submit()
    work_all()
    settings.EMAIL_PORT = 1
    Conversion.objects.update(finished_at=F("finished_at") - mailing.GIVE_UP - timedelta(minutes=1))
    with caplog.at_level(logging.WARNING):
        assert mailing.tell() == 0
    assert "nobody was told" in caplog.text
    assert not Conversion.objects.filter(mail_due=True).exists()


def test_a_recipient_who_is_refused_keeps_nobody_else(submit: Submit, cast: Cast, alice: Any, smtp: Mailbox) -> None:
    submit()
    work_all()
    smtp.refuse = "550 no such person"
    assert mailing.tell() == 0
    assert not Conversion.objects.filter(mail_due=True).exists()
    smtp.refuse = ""
    submit()
    work_all()
    assert mailing.tell() == 1


def test_two_at_once_send_one(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    submit()
    work_all()
    assert sum(at_once(*[mailing.tell] * 4)) == 1
    assert len(smtp.messages) == 1


def test_a_title_never_becomes_a_header(submit: Submit, alice: Any, smtp: Mailbox) -> None:
    conversion = submit()
    work_all()
    Conversion.objects.filter(pk=conversion.pk).update(title="a <b>\r\nBcc: mallory@example.com")
    assert mailing.tell() == 1
    assert smtp.messages[0]["Bcc"] is None
    assert smtp.subjects == ["“a <b> Bcc: mallory@example.com” is ready"]
    assert "<b>" in body(smtp)
