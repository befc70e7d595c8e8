"""What can go wrong with a call, sorted by what it means for the bill.

| class            | billed?   | what to do                                           |
|------------------|-----------|------------------------------------------------------|
| `NotSent`        | no        | try again later                                      |
| `Busy`           | no        | try again after `retry_after_s`                      |
| `AccountProblem` | no        | nothing works until somebody looks at the account    |
| `Rejected`       | no        | never try this request again as it is                |
| `Unclear`        | perhaps   | look it up; don't repeat it without asking           |
| `Aborted`        | no        | nothing: `Abort.abort` was called                    |
"""

from __future__ import annotations

from typing import Literal

import httpx

from s2s.client.said import SENTENCE_CHARACTERS, name, one_line
from s2s.client.said import code as word
from s2s.contract import TOO_MANY_CONCURRENT

BusyKind = Literal["too_many_concurrent_requests", "system_busy"]


class EndpointError(Exception):
    """A call that brought no (whole) answer. `str()` is a sentence for people.

    `status_code` is None when no status line came. `code` is `detail.status` as the endpoint sent it, or a word of
    ours (`deadline`, `aborted`, `cut`, `not_audio`, ...). `message` is the endpoint's own text or the technical cause,
    on one line. What the endpoint said of all that has passed the door (`s2s.client.said`). `headers` are those of the
    answer, whole and as they came; empty when there was none.
    """

    def __init__(
        self,
        sentence: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        message: str = "",
        retry_after_s: float | None = None,
        headers: httpx.Headers | None = None,
    ) -> None:
        # The sentence is the only positional argument, so that these errors survive pickling.
        super().__init__(one_line(sentence, SENTENCE_CHARACTERS))
        self.status_code = status_code
        self.code = word(code)
        self.message = one_line(message)
        self.retry_after_s = retry_after_s
        self.headers = httpx.Headers() if headers is None else headers

    @property
    def happened(self) -> str:
        """The sentence without what it means for the bill: of an endpoint that bills nothing this is all there is."""
        return str(self.args[0])

    @property
    def request_id(self) -> str | None:
        return name(self.headers.get("request-id"))


class NotSent(EndpointError):
    """No connection came about (name, refusal, TLS, time): nothing was sent, so nothing was billed."""


class Aborted(EndpointError):
    """`Abort.abort` came before anything was sent; or later in a call that is never billed, as for a list.

    Of a conversion that was sent it is `Unclear` with the code `aborted`.
    """


class Busy(EndpointError):
    """429, 500 or 503: the endpoint did nothing and may be asked again later."""

    @property
    def kind(self) -> BusyKind:
        """`too_many_concurrent_requests`: over the plan's concurrency. Everything else is `system_busy`."""
        return "too_many_concurrent_requests" if self.code == TOO_MANY_CONCURRENT else "system_busy"


class AccountProblem(EndpointError):
    """401, 402, a used-up quota, a firewall's 403: no request will work until somebody acts."""


class Rejected(EndpointError):
    """This request will never work as it is: unknown voice, bad parameter, too large, wrong address."""


class Unclear(EndpointError):
    """Sending had begun and no whole answer came: it may have been billed, which `str()` says after what happened."""

    def __str__(self) -> str:
        return f"{self.happened} It may have been billed."
