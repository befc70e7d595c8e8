"""The site below a path of its host, such as https://example.com/timbre."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def below(path: str, application: WSGIApplication) -> WSGIApplication:
    """`path` is taken off what is asked for: Django puts its FORCE_SCRIPT_NAME in front of all that it writes, but
    expects to be asked without. A proxy that has taken it off itself is as welcome, and so is who asks from inside."""
    if not path:
        return application

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if asked == path:  # a link that forgot its end; our cookies aren't shown there
            query = environ.get("QUERY_STRING", "")
            start_response("308 Permanent Redirect", [("Location", f"{path}/?{query}" if query else f"{path}/")])
            return []
        if asked.startswith(f"{path}/"):
            environ["PATH_INFO"] = asked[len(path) :]
        return application(environ, start_response)

    return respond
