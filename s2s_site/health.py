"""/healthz: the web process is up. /readyz: everything that a conversion needs is there, or the reason why not.
/healthz/queue: how the queue is, for admins and monitors."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import asdict

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError, ResponseError

from conversions.files import durable
from conversions.ground.connections import redis
from conversions.upkeep.alarms import alarms_of
from conversions.upkeep.vitals import vitals
from s2s.client import EndpointError
from s2s_site import alive
from voices.clients import client_for
from voices.models import Endpoint, Voice

# An endpoint is asked at most this often, however often a load balancer asks us.
ENDPOINT_ANSWER_S = 10
# One that trickles must not hold the threads of the web server, nor the answer that a load balancer waits for.
ENDPOINT_PATIENCE_S = 3.0
WORKERS = frozenset({"calls", "cpu"})


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check says "ok"; else 503. The reasons name no secret and no address."""
    checks = {name: check() for name, check in CHECKS.items()}
    ready = all(word == "ok" for word in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


@login_not_required
@never_cache
@require_safe
def queue(request: HttpRequest) -> JsonResponse:
    """Ages, counts and the alarms that are due; 503 when nothing is known. For staff, and for a monitor that sends
    `Authorization: Bearer <HEALTH_TOKEN>`.
    """
    try:
        if not (_has_token(request) or request.user.is_staff):
            return JsonResponse({"detail": "For staff, or with the token in HEALTH_TOKEN."}, status=403)
        found = vitals()
    except DatabaseError:
        return JsonResponse({"detail": "The database does not answer."}, status=503)
    due = alarms_of(found)
    return JsonResponse({"well": not due, "alarms": due, "oldest_s": found.oldest_s, **asdict(found)})


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(settings.HEALTH_TOKEN)
        and scheme.lower() == "bearer"
        and hmac.compare_digest(given.strip().encode(), settings.HEALTH_TOKEN.encode())
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database does not answer"
    return "ok"


def _redis() -> str:
    try:
        redis().set("timbre:health", 1, ex=60)
    except ResponseError:
        return "Redis refuses to write: is its disk or its memory full?"
    except RedisError:
        return "Redis does not answer"
    return "ok"


def _storage() -> str:
    return "ok" if durable.are_there() else "files can't be stored"


def _workers() -> str:
    try:
        missing = WORKERS - alive.living()
    except RedisError:
        return "unknown, Redis does not answer"
    return "ok" if not missing else f"no living worker: {', '.join(sorted(missing))}"


def _endpoint() -> str:
    word: str | None = cache.get("health:endpoint")
    if word is None:
        word = _ask_endpoints()
        cache.set("health:endpoint", word, ENDPOINT_ANSWER_S if word == "ok" else 1)
    return word


def _ask_endpoints() -> str:
    try:
        endpoints = list(Endpoint.objects.filter(enabled=True, paused=False))
        if not Voice.objects.filter(hidden=False, endpoint__enabled=True).exists():
            return "no voice is known yet"
    except DatabaseError:
        return "unknown, the database does not answer"
    for endpoint in endpoints:
        try:
            client_for(endpoint).ping(deadline_s=ENDPOINT_PATIENCE_S)
        except EndpointError:
            continue
        return "ok"
    return "no endpoint answers"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "redis": _redis,
    "storage": _storage,
    "workers": _workers,
    "endpoint": _endpoint,
}
