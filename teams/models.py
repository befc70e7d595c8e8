"""People and the teams that they belong to."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """Signs in by e-mail; there are no user names."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    mail_when_ready = models.BooleanField(_("an e-mail when my recordings are ready"), default=False)
    notify_in_browser = models.BooleanField(_("a notification of the browser"), default=False)
    shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True)
    # Seconds since 1970, to the hour (teams/middleware.py): each request reads it, and a moment takes longer to read.
    seen_s = models.BigIntegerField(null=True, editable=False)
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    @property
    def last_seen(self) -> datetime | None:
        return None if self.seen_s is None else datetime.fromtimestamp(self.seen_s, UTC)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Team(models.Model):
    """Shares recordings and their history."""

    name = models.CharField(_("name"), max_length=100)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    monthly_minutes = models.PositiveIntegerField(
        _("minutes a month"), null=True, blank=True, help_text=_("Of recordings converted. Empty: no limit.")
    )
    storage_megabytes = models.PositiveIntegerField(
        _("storage in MB"), null=True, blank=True, help_text=_("For recordings and results. Empty: no limit.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    monthly_minutes = models.PositiveIntegerField(
        _("minutes a month"), null=True, blank=True, help_text=_("Of this person in this team. Empty: no own limit.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


def _nonce() -> str:
    return secrets.token_urlsafe(16)


class Invitation(models.Model):
    """Lets whoever has its link into a team, once. The link is made of it with the site's key (teams/links.py)."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    email = models.EmailField(_("e-mail"), blank=True)  # where it was sent; whoever has the link may use it
    nonce = models.CharField(max_length=30, default=_nonce, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["team"], condition=models.Q(used_at=None, revoked_at=None), name="invitations_open")
        ]

    def __str__(self) -> str:
        return self.email or str(self.get_role_display())


class AuditEntry(models.Model):
    """Who did what in a team. It outlives all that it speaks of: ids without a constraint, names as they were."""

    at = models.DateTimeField(auto_now_add=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254, blank=True)
    team_id = models.BigIntegerField(null=True)
    team_name = models.CharField(max_length=100, blank=True)
    action = models.CharField(max_length=40)
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.CharField(max_length=40, blank=True)
    about_name = models.CharField(max_length=254, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["team_id", "-id"], name="audit_by_team")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.about_name}"


class SessionManager(BaseSessionManager["Session"]):
    def get_queryset(self) -> models.QuerySet[Session]:
        return super().get_queryset().select_related("user")


class Session(AbstractBaseSession):
    """A browser that is signed in; `teams.sessions` says why it knows its user."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    objects: ClassVar[SessionManager] = SessionManager()

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from teams.sessions import SessionStore  # it needs this model

        return SessionStore
