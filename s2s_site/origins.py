"""A form that is refused for where it comes from: mostly there is a proxy in front that the settings say nothing of.

Then people at the right address can neither sign in nor send anything, and no reload helps: what helps are settings,
which the page names. It must not name those that an attacker's page would like to see there: an address is only shown
when the browser itself says that it is ours (`Sec-Fetch-Site`, which no page can write), or when it is the one that
the request names as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import validate_host
from django.middleware import csrf

_OF_THE_ORIGIN = (csrf.REASON_BAD_ORIGIN, csrf.REASON_BAD_REFERER)


@dataclass(frozen=True)
class Trouble:
    """Why no form can be sent from where this one came. `address`: of the page, empty where nobody can tell it."""

    address: str = ""
    settings: tuple[str, ...] = ()  # as the environment has them
    headers: tuple[str, ...] = ()  # that the proxy should send and didn't
    elsewhere: str = ""  # the address at which it works


def trouble_of(request: HttpRequest, reason: str) -> Trouble | None:
    """None: it is no matter of settings. `reason` is one of django.middleware.csrf."""
    origin = _origin_of(request)
    if reason == csrf.REASON_NO_CSRF_COOKIE and settings.CSRF_COOKIE_SECURE and origin.startswith("http://"):
        return Trouble(elsewhere=settings.BASE_URL)  # browsers keep no secure cookie there
    if not reason.startswith(tuple(words.split("%s")[0] for words in _OF_THE_ORIGIN)) or not origin:
        return None
    site = request.headers.get("Sec-Fetch-Site")
    if site is None and not _is_named_by(request, origin):
        return Trouble(elsewhere=settings.BASE_URL)
    if site not in (None, "same-origin"):
        return None  # somebody else's page
    return Trouble(origin, _settings_for(origin), _headers_for(request, origin), settings.BASE_URL)


def _origin_of(request: HttpRequest) -> str:
    """ "https://timbre.example.com:8443"; empty where the browser doesn't say."""
    try:
        said = urlsplit(request.headers.get("Origin") or request.headers.get("Referer") or "")
        good = said.scheme in ("http", "https") and said.hostname and (said.port is None or said.port)
    except ValueError:
        return ""
    return f"{said.scheme}://{said.netloc}" if good and validate_host(said.hostname or "", ["*"]) else ""


def _is_named_by(request: HttpRequest, origin: str) -> bool:
    """No page of another site can have a browser write these two."""
    names = (request.META.get("HTTP_X_FORWARDED_HOST"), request.META.get("HTTP_HOST"))
    return urlsplit(origin).netloc in names


def _settings_for(origin: str) -> tuple[str, ...]:
    """Only those that aren't so already."""
    lines = []
    if not settings.BASE_URL:
        lines.append(f"BASE_URL={origin}{settings.SITE_PATH}")
    else:
        trusted = dict.fromkeys([*settings.CSRF_TRUSTED_ORIGINS, origin])
        lines.append(f"CSRF_TRUSTED_ORIGINS={','.join(trusted)}")
    if not settings.USE_X_FORWARDED_HOST:
        lines.append("BEHIND_PROXY=true")
    name = urlsplit(origin).hostname or ""
    if not validate_host(name, settings.ALLOWED_HOSTS):
        lines.append(f"ALLOWED_HOSTS={','.join([*settings.ALLOWED_HOSTS, name])}")
    return tuple(lines)


def _headers_for(request: HttpRequest, origin: str) -> tuple[str, ...]:
    page, lines = urlsplit(origin), []
    if page.scheme == "https" and request.headers.get("X-Forwarded-Proto") != "https":
        lines.append("X-Forwarded-Proto: https")
    try:
        host = request.get_host()
    except DisallowedHost:
        host = ""
    if page.netloc not in (host, request.headers.get("X-Forwarded-Host")):
        lines.append(f"X-Forwarded-Host: {page.netloc}")
    return tuple(lines)
