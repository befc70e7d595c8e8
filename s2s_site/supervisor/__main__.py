"""python -m s2s_site.supervisor: what bin/start becomes once the packages are installed."""

from __future__ import annotations

import os
import sys

from s2s_site.supervisor.config import read_config
from s2s_site.supervisor.errors import CannotStart, is_full
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.run import Supervisor
from s2s_site.supervisor.signals import Signals


def main() -> int:
    output = Output()
    try:
        Supervisor(read_config(os.environ), output, Signals()).run()
    except CannotStart as error:
        output.flush()
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        output.flush()
        why = "the disk is full" if is_full(error) else str(error)
        sys.stderr.write(f"Timbre could not go on: {why}.\n")
        return 1
    finally:
        output.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
