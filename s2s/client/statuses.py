"""Which error a failed call is: by its status, or by what was raised where there was none.

In doubt it is `Unclear`. What follows on which is the caller's policy (conversions/queue/failures.py). Sources: the two
shapes of error bodies (`s2s.contract`); RFC 9110, 10.2.3 for `Retry-After`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from s2s.client.abort import Line, LineCut
from s2s.client.errors import Aborted, AccountProblem, Busy, EndpointError, NotSent, Rejected, Unclear
from s2s.client.said import one_line, read_json
from s2s.contract import TOO_MANY_CONCURRENT

MAX_RETRY_AFTER_S = 3600.0

# Seen in `detail.status` with 400, 401 and 403: the account, not the request, is at fault.
_ACCOUNT_CODES = frozenset(
    {
        "quota_exceeded",
        "insufficient_credits",
        "invalid_api_key",
        "missing_permissions",
        "detected_unusual_activity",
        "payment_issue",
        "payment_required",
    }
)
# Other statuses of 3xx and 4xx are `Rejected`, of 5xx `Unclear`.
_BY_STATUS: Mapping[int, type[EndpointError]] = {
    401: AccountProblem,
    402: AccountProblem,
    407: AccountProblem,
    408: Unclear,  # what had arrived may have been enough
    429: Busy,
    500: Busy,
    501: Rejected,
    503: Busy,
    505: Rejected,
}
_NOT_SENT: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "connect_timeout",
    httpx.PoolTimeout: "pool_timeout",
    httpx.ProxyError: "proxy",
    httpx.ConnectError: "connect",
    httpx.UnsupportedProtocol: "connect",
}


# ---- no answer, or not all of it ----


def unanswered(error: Exception, line: Line) -> EndpointError:
    """The call failed with `error` before an answer's headers were there."""
    if not line.sent:
        if line.cut_by == "aborted":
            return Aborted("Stopped before anything was sent.", code="aborted")
        if line.cut_by == "deadline":
            return NotSent("There was no time left to reach the endpoint. Nothing was sent.", code="deadline")
    code = next((code for kind, code in _NOT_SENT.items() if isinstance(error, kind)), None)
    if code or (line.connecting and not line.sent):
        return NotSent(
            "The endpoint could not be reached. Nothing was sent.",
            code=code or "connect",
            message=one_line(str(error)),
        )
    return lost(error, line, None)


def lost(error: Exception, line: Line, headers: httpx.Headers | None) -> Unclear:
    """The call failed with `error` after sending had begun. `headers` are those of the answer, if one had begun."""
    if line.cut_by == "aborted":
        code, why = "aborted", "The call was stopped after it had been sent."
    elif line.cut_by == "deadline" or line.overdue:
        code, why = "deadline", "The endpoint took too long."
    elif isinstance(error, httpx.ReadTimeout):
        code, why = "read_timeout", "The endpoint fell silent."
    elif isinstance(error, httpx.WriteTimeout):
        code, why = "write_timeout", "The endpoint stopped taking the recording."
    elif not isinstance(error, httpx.HTTPError | httpx.StreamError | LineCut):
        # httpx wraps all of its own: what else is raised on the way comes from reading the recording.
        code, why = "source", "The recording could not be read to its end while it was sent."
    elif headers is not None:
        code, why = "cut", "The answer broke off."
    else:
        code, why = "no_answer", "The connection broke before the answer came."
    return Unclear(
        why,
        status_code=None if headers is None else 200,
        code=code,
        message=one_line(str(error)),
        headers=headers,
    )


# ---- an answer, but not audio ----


def refused(status_code: int, headers: httpx.Headers, body: bytes) -> EndpointError:
    """The endpoint answered with something else than 200. `body` may be cut, empty, HTML or JSON of either shape."""
    code, message = words(body)
    if 300 <= status_code < 400:
        code, message = "redirect", one_line(f"sent on to {headers.get('location', 'nowhere')}")
    kind = _class_of(status_code, code)
    said = f": {message.rstrip('.')}" if message else f" (status {status_code})"
    return kind(
        _sentence(kind, code, said),
        status_code=status_code,
        code=code,
        message=message,
        retry_after_s=retry_after_s(headers),
        headers=headers,
    )


def not_audio(headers: httpx.Headers, body: bytes) -> Unclear:
    """200 with HTML or JSON, as a proxy or a login page sends it: what stands behind it may have worked."""
    code, message = words(body)
    return Unclear(
        f"The endpoint answered with {media_type(headers)} instead of audio.",
        status_code=200,
        code="not_audio",
        message=": ".join(part for part in (code, message) if part),
        headers=headers,
    )


def empty(headers: httpx.Headers) -> Unclear:
    return Unclear(
        "The endpoint answered with no audio at all.",
        status_code=200,
        code="empty",
        headers=headers,
    )


def too_large(headers: httpx.Headers, most_bytes: int, *, billed: bool) -> Unclear | Rejected:
    """Asked again it would be as large: where nothing is unclear about it, don't."""
    kind = Unclear if billed else Rejected
    return kind(
        "The endpoint sent far more than this recording can come to, so we stopped taking it.",
        status_code=200,
        code="too_large",
        message=f"more than {most_bytes} bytes",
        headers=headers,
    )


def unbilled(error: Unclear) -> Busy | Aborted:
    """The same of a call that is never billed, as of a list: nothing is unclear about it, so ask again."""
    if error.code == "aborted":
        return Aborted("The call was stopped.", code="aborted", message=error.message, headers=error.headers)
    return Busy(
        "The endpoint gave no usable answer.",
        status_code=error.status_code,
        code=error.code,
        message=error.message,
        retry_after_s=error.retry_after_s,
        headers=error.headers,
    )


def not_the_contract(headers: httpx.Headers | None, why: str) -> Rejected:
    return Rejected(
        "The endpoint's address answers, but not as a convert endpoint does.",
        status_code=200,
        code="not_the_contract",
        message=why,
        headers=headers,
    )


def media_type(headers: httpx.Headers) -> str:
    """Without parameters, in lower case; RFC 9110 8.3 takes a missing one for octets."""
    value: str = headers.get("content-type", "application/octet-stream")
    return value.partition(";")[0].strip().lower()


def is_audio(headers: httpx.Headers) -> bool:
    kind = media_type(headers)
    return kind.startswith("audio/") or kind.endswith("/octet-stream")


def retry_after_s(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """`Retry-After` in seconds from now, 0 to `MAX_RETRY_AFTER_S`; None when absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError, IndexError):  # of what the parser of e-mail makes of odd dates
        return None
    if moment.tzinfo is None:  # "-0000": UTC from an unknown place
        moment = moment.replace(tzinfo=UTC)
    wait_s = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


def _class_of(status_code: int, code: str | None) -> type[EndpointError]:
    if code in _ACCOUNT_CODES:
        return AccountProblem
    if status_code == 403:
        # With a reason of the contract's it is about this request (a format of a dearer plan); a firewall gives none,
        # and turns away every request alike.
        return Rejected if code else AccountProblem
    return _BY_STATUS.get(status_code, Rejected if 300 <= status_code < 500 else Unclear)


def _sentence(kind: type[EndpointError], code: str | None, said: str) -> str:
    if kind is AccountProblem:
        return f"The endpoint doesn't serve our account{said}. Nothing was converted."
    if kind is Busy and code == TOO_MANY_CONCURRENT:
        return "The endpoint has as many requests from us as it takes at once. Nothing was converted."
    if kind is Busy:
        return f"The endpoint is busy{said}. Nothing was converted."
    if kind is Rejected and code == "redirect":
        return f"The endpoint's address is wrong{said}. Nothing was converted."
    if kind is Rejected:
        return f"The endpoint refused the request{said}."
    return f"The endpoint gave no usable answer{said}."


# ---- words in an error's body ----


def words(body: bytes) -> tuple[str | None, str]:
    """The code and the message in an error's body: of either shape, else the text (of HTML, its title)."""
    text = body.decode("utf-8", "replace")
    try:
        data = read_json(text)
    except ValueError:
        return None, one_line(_text_of(text))
    detail = data.get("detail", data.get("error", data)) if isinstance(data, dict) else data
    if isinstance(detail, list):
        return None, one_line("; ".join(map(_parameter, detail)))
    if isinstance(detail, dict):
        code = detail.get("status") or detail.get("code")
        message = detail.get("message")
        return (
            one_line(code) if isinstance(code, str) else None,
            one_line(message) if isinstance(message, str) else "",
        )
    return None, one_line(detail) if isinstance(detail, str) else ""


def _parameter(entry: object) -> str:
    """`{"loc": ["body", "voice_settings", "speed"], "msg": "too large"}` as `voice_settings.speed: too large`."""
    if not isinstance(entry, dict):
        return str(entry)
    place = entry.get("loc")
    names = [str(name) for name in place] if isinstance(place, list) else []
    if len(names) > 1 and names[0] in ("body", "query", "path", "header"):
        names = names[1:]
    return ": ".join(part for part in (".".join(names), str(entry.get("msg", ""))) if part)


def _text_of(text: str) -> str:
    if not re.match(r"\s*<", text):
        return text
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    return html.unescape(title[1]) if title else ""
