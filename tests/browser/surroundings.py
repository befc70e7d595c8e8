"""What a team works with, as a test wants to find it: people, their quota, endpoints and voices. `stage` runs these
inside the product.
"""

from __future__ import annotations


def people() -> dict[str, str]:
    """Bob, a member; Victor, who may only listen; Mallory, from another team; all with Alice's password for tests."""
    from teams.models import Membership, Role, Team, User

    team = Team.objects.order_by("pk").first()
    other = Team.objects.create(name="Mallory’s team")
    members = (("bob", team, Role.MEMBER), ("victor", team, Role.VIEWER), ("mallory", other, Role.OWNER))
    for name, where, role in members:
        user = User.objects.create_user(f"{name}@example.com", "a long password for tests", name=name.title())
        Membership.objects.create(team=where, user=user, role=role)
    return {name: f"{name}@example.com" for name, _where, _role in members}


def leaver() -> str:
    """The e-mail address of a new member of Alice's team, with the others' password."""
    from teams.models import Membership, Role, Team, User

    user = User.objects.create_user(f"leaver-{User.objects.count()}@example.com", "a long password for tests")
    Membership.objects.create(team=Team.objects.order_by("pk").first(), user=user, role=Role.MEMBER)
    return str(user.email)


def second_endpoint() -> str:
    """ElevenLabs beside the local engine: it costs, removes noise, keeps what it gets, and has models of its own."""
    from voices.models import Endpoint, Voice, VoiceModel

    endpoint, _ = Endpoint.objects.update_or_create(
        key="second",
        defaults={
            "name": "ElevenLabs",
            "base_url": "http://127.0.0.1:9",
            "paused": True,
            "enabled": True,
            "credits_per_minute": 1000,
            "max_seconds": None,
        },
    )
    for name, description in (("Ana", "Warm, close, made for audiobooks"), ("Otis", "Deep and slow")):
        settings = {"stability": 0.3, "similarity_boost": 0.9, "style": 0.1, "speed": 1.0, "use_speaker_boost": False}
        Voice.objects.update_or_create(
            endpoint=endpoint,
            voice_id=name,
            defaults={"name": name, "description": description, "settings": settings, "hidden": False},
        )
    for model_id, name in (("multilingual", "Multilingual v2"), ("english", "English v2")):
        # As the catalogue keeps what nobody says more of.
        kept = {"name": name, "without_effect": ["noise_reduction_db"]}
        VoiceModel.objects.update_or_create(endpoint=endpoint, model_id=model_id, defaults=kept)
    return endpoint.name


def noise_stays_here() -> int:
    """What an admin may say of the local engine."""
    from voices.models import Endpoint

    return Endpoint.objects.filter(key=Endpoint.LOCAL).update(removes_noise=False)


def noise_goes_here() -> int:
    """As it was before."""
    from voices.models import Endpoint

    return Endpoint.objects.filter(key=Endpoint.LOCAL).update(removes_noise=True)


def takes_little_at_once() -> str:
    """That one takes four seconds, which is less than any of the recordings has."""
    from voices.models import Endpoint

    name = second_endpoint()
    Endpoint.objects.filter(key="second").update(max_seconds=4.0, billed=True)
    return name


def many_voices() -> int:
    """An account with as many voices as people have."""
    from voices.models import Endpoint, Voice

    second_endpoint()
    endpoint = Endpoint.objects.get(key="second")
    rows = [
        Voice(
            endpoint=endpoint,
            voice_id=f"many-{number}",
            name=f"Voice {number}",
            description="Made for audiobooks" if number % 2 else "Made for adverts",
            labels={"gender": "female" if number % 3 else "male", "accent": "irish" if number % 10 == 0 else "british"},
            position=number + 10,
        )
        for number in range(1, 31)
    ]
    Voice.objects.bulk_create(rows, ignore_conflicts=True)
    Voice.objects.filter(endpoint=endpoint, voice_id__startswith="many-").update(hidden=False)
    return len(rows)


def quota_is_used_up() -> None:
    """Alice's team has no minutes this month."""
    _set_minutes(0)


def no_quota() -> None:
    _set_minutes(None)


def _set_minutes(minutes: int | None) -> None:
    from teams.models import Team

    team = Team.objects.order_by("pk").first()
    Team.objects.filter(pk=team.pk).update(monthly_minutes=minutes)


def no_second_endpoint() -> int:
    """As it was before."""
    from voices.models import Endpoint, Voice

    Voice.objects.filter(voice_id__startswith="many-").update(hidden=True)
    return Endpoint.objects.filter(key="second").update(enabled=False)
