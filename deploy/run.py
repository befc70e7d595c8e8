"""`python -m deploy.run web`: becomes one process of the product, as a container wants it.

The commands are those of bin/start (s2s_site/supervisor/processes.py), so the two can't drift apart. `setup` is what
bin/start does before it starts anything: migrations, static files, the first admin.
"""

from __future__ import annotations

import os
import sys

from s2s_site.supervisor.config import Config, read_config
from s2s_site.supervisor.errors import CannotStart
from s2s_site.supervisor.processes import table

ENGINE_PORT = 8801
SETUP = (sys.executable, "-m", "s2s_site.supervisor.site_steps")


def command(name: str, config: Config) -> tuple[str, ...]:
    """Raises KeyError for a name that is no process."""
    if name == "setup":
        return SETUP
    process = {process.name: process for process in table(config, ENGINE_PORT)}[name]
    if process.repair is not None:
        process.repair(1)  # a container that starts can't know why the one before ended
    if name == "engine":  # the other containers must reach it
        return tuple(config.host if word == "127.0.0.1" else word for word in process.command)
    return process.command


def main(arguments: list[str]) -> int:
    os.umask(0o077)  # recordings are private, as under bin/start
    try:
        (name,) = arguments
        config = read_config(os.environ)
        words = command(name, config)
        # Recordings are spooled where there is room: /tmp of a container is memory.
        temporary = config.data_dir / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = str(temporary)
        os.execv(words[0], words)  # noqa: S606 - becomes the process: signals reach it, and no shell is wanted
    except (KeyError, ValueError):
        sys.stderr.write("Say which: web, calls, cpu, beat, engine or setup.\n")
    except (CannotStart, OSError) as error:
        sys.stderr.write(f"{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
