"""Invitations by e-mail, beside the link that their page shows."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from teams.models import Invitation

logger = logging.getLogger(__name__)


def send_invitation(invitation: Invitation, link: str) -> bool:
    """False: the mail server did not take it, for which there is a line in the log, without the link."""
    context = {"invitation": invitation, "link": link, "site_name": settings.SITE_NAME}
    words = _("%(name)s invites you to “%(team)s”") % {"name": invitation.invited_by, "team": invitation.team}
    message = EmailMessage(" ".join(words.split()), render_to_string("email/invitation.txt", context))
    message.to = [invitation.email]
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.warning("invitation %s can't be sent by e-mail: %s", invitation.pk, type(error).__name__)
        return False
    return True
