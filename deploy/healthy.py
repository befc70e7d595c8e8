"""`python -m deploy.healthy web`: exits 0 if that process of the product answers, else 1 with a word why.

web and engine are asked over HTTP; calls and cpu leave a sign of life in Redis every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

from deploy.run import ENGINE_PORT
from s2s_site.supervisor.ready import site_host


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "web"
    if name in ("calls", "cpu"):
        reason = _sign_of_life(name)
    else:
        reason = _answer(ENGINE_PORT if name == "engine" else int(os.environ.get("PORT", "8000")))
    if reason:
        sys.stderr.write(f"{reason}\n")
    return 1 if reason else 0


def _answer(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": site_host()})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {type(error).__name__}"
    finally:
        connection.close()
    return "" if status == 200 else f"answers {status}"


def _sign_of_life(name: str) -> str:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")
    from redis.exceptions import RedisError

    from s2s_site import alive

    try:
        return "" if name in alive.living() else "no sign of life"
    except RedisError:
        return "Redis does not answer"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
