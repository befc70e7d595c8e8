"""Users and teams in the admin site."""

from __future__ import annotations

from typing import Any, TypedDict

import allauth.account.admin  # noqa: F401 - registers what is taken off below
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group
from django.db.models import Count, ForeignKey, OuterRef, QuerySet, Subquery
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import WithAnnotations

from teams.gatekeeper import signed_in
from teams.lists import Found, Lists
from teams.models import Membership, Team, User
from teams.people import deactivate

# As everybody's: with its limits for who tries passwords. Who is signed in and runs nothing here is told so.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = format_lazy(_("{} admin site"), settings.SITE_NAME)

admin.site.unregister(Group)
admin.site.unregister(EmailAddress)  # people sign in with the address of their account, and no other is used


class MembershipInline(admin.TabularInline[Membership, User | Team]):
    model = Membership
    extra = 0
    autocomplete_fields = ["user", "team"]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **given: Any
    ) -> ModelChoiceField[Any] | None:
        return super().formfield_for_foreignkey(db_field, request, widget=Found(db_field, self.admin_site), **given)


class CreationForm(UserCreationForm[User]):
    """With a password: people sign in by nothing else."""

    class Meta:
        model = User
        fields = ("email", "name")
        field_classes: dict[str, type] = {}


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    # Django's speaks of other ways to sign in, of which there are none here. Its script shows and hides the list.
    usable_password_help_text = format_lazy(  # type: ignore[assignment]
        '<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
        _("Disabled: they can’t sign in until a new password is set. Nothing of theirs is touched."),
    )


class ChangeForm(UserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type] = {}


class UserAdmin(Lists[User], DjangoUserAdmin[User]):
    """Registered where it is known what deleting somebody means (`conversions.admin`), as are teams and endpoints."""

    add_form = CreationForm
    add_form_template = "admin/change_form.html"
    change_password_form = PasswordForm
    form = ChangeForm
    inlines = [MembershipInline]
    ordering = ["email"]
    list_display = ["email", "name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "teams"]
    search_fields = ["email", "name"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = []
    actions = ["deactivate"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        (
            _("Rights"),
            {
                "fields": ["is_active", "is_staff", "is_superuser"],
                "description": _(
                    "Who isn’t active can’t sign in; what they sent goes on, and all of it stays. Staff who are "
                    "superusers run this site. What people may do in a team is its role below."
                ),
            },
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {"classes": ["wide"], "fields": ["email", "name", "password1", "password2"]},
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__team")

    @admin.display(description=_("teams"))
    def roles(self, user: User) -> str:
        return ", ".join(f"{member.team} ({member.get_role_display()})" for member in user.memberships.all())

    @admin.action(description=_("Deactivate: sign out, and keep all of their work"), permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        # Who locks themselves out has nobody to let them in again.
        others = users.exclude(pk=signed_in(request).pk)
        count = others.filter(is_active=True).count()
        deactivate(others)
        words = ngettext("%d person was deactivated.", "%d people were deactivated.", count)
        self.message_user(request, words % count, messages.SUCCESS if count else messages.WARNING)

    def save_related(self, request: HttpRequest, form: ModelForm[User], formsets: object, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.instance.is_active and not form.instance.memberships.exists():
            words = gettext("%s is in no team, and can convert nothing until you add one under Memberships.")
            self.message_user(request, words % form.instance, messages.WARNING)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            deactivate(User.objects.filter(pk=obj.pk))


class _Counted(TypedDict):
    members_count: int | None  # None: nobody


class TeamAdmin(Lists[Team]):
    ordering = ["name", "pk"]
    list_display = ["name", "people", "minutes", "storage", "created_at"]
    search_fields = ["name"]
    inlines = [MembershipInline]
    readonly_fields = ["created_at"]
    fieldsets = [
        (None, {"fields": ["name"]}),
        (_("Limits"), {"fields": ["monthly_minutes", "storage_megabytes"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        members = Membership.objects.filter(team=OuterRef("pk")).order_by().values("team")
        count = Subquery(members.annotate(count=Count("pk")).values("count"))
        return super().get_queryset(request).annotate(members_count=count)

    @admin.display(description=_("people"), ordering="members_count")
    def people(self, team: WithAnnotations[Team, _Counted]) -> int:
        return team.members_count or 0

    @admin.display(description=_("minutes a month"), ordering="monthly_minutes")
    def minutes(self, team: Team) -> str:
        return _limit(team.monthly_minutes)

    @admin.display(description=_("storage in MB"), ordering="storage_megabytes")
    def storage(self, team: Team) -> str:
        return _limit(team.storage_megabytes)


def _limit(limit: int | None) -> str:
    return gettext("no limit") if limit is None else number_format(limit, 0, force_grouping=True)
