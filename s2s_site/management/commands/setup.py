"""`manage.py setup`: what a new installation needs before anyone can sign in. Does nothing that is done already."""

from __future__ import annotations

import json
import secrets

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from s2s_site.environment import env, secret
from teams.models import Membership, Role, Team, User
from voices.catalogue import ensure_endpoints


class Command(BaseCommand):
    help = "Creates the first admin, their team and the endpoints. Prints one line of JSON."

    def handle(self, *args: object, **options: object) -> None:
        ensure_endpoints()
        if User.objects.exists():
            self.stdout.write(json.dumps({"created": False}))
            return
        email = env.str("ADMIN_EMAIL", default="admin@example.com").strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"ADMIN_EMAIL is not an e-mail address: {email}") from error
        given = secret("ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        with transaction.atomic():
            admin = User.objects.create_superuser(email, password, name=env.str("ADMIN_NAME", default=""))
            team = Team.objects.create(name=env.str("TEAM_NAME", default="Our team"))
            Membership.objects.create(team=team, user=admin, role=Role.OWNER)
        self.stdout.write(json.dumps({"created": True, "email": email, "password": "" if given else password}))
