"""Refusals as the contract words them: a status code and a JSON body."""

from __future__ import annotations

import errno

from pydantic import ValidationError

from s2s.contract import ErrorDetail, ParameterError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
QUERY_PARAMETERS = frozenset({"output_format", "optimize_streaming_latency", "enable_logging"})


class Refusal(Exception):
    """A request that is answered by an error. `detail` is what stands under that name in the body."""

    def __init__(self, status_code: int, detail: object, headers: dict[str, str] | None = None) -> None:
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail
        self.headers = headers or {}

    @classmethod
    def because(cls, status_code: int, status: str, message: str, **headers: str) -> Refusal:
        """`{"detail": {"status": ..., "message": ...}}`."""
        return cls(status_code, ErrorDetail(status=status, message=message).model_dump(), headers)

    @classmethod
    def of_parameter(cls, *loc: str, msg: str, kind: str = "value_error") -> Refusal:
        """A 422 about one parameter; `loc` is where it stands, e.g. `"body", "audio"`."""
        return cls(422, [ParameterError(loc=list(loc), msg=msg, type=kind).model_dump()])

    @classmethod
    def of_validation(cls, error: ValidationError) -> Refusal:
        """A 422 from what pydantic found; the input is left out, since it may be private."""
        return cls(
            422,
            [
                ParameterError(loc=_located(entry["loc"]), msg=entry["msg"], type=entry["type"]).model_dump()
                for entry in error.errors(include_url=False, include_context=False, include_input=False)
            ],
        )

    @classmethod
    def of_full_disk(cls, error: OSError) -> Refusal | None:
        """A 503, which clients try again: few know that with 507 too nothing was done. None: another error."""
        if error.errno not in _NO_ROOM:
            return None
        message = "The engine has no room for this recording at the moment. Nothing was converted."
        return cls.because(503, "insufficient_storage", message, **{"Retry-After": "30"})


def _located(loc: tuple[int | str, ...]) -> list[int | str]:
    place = "query" if loc and loc[0] in QUERY_PARAMETERS else "body"
    return [place, *loc]
