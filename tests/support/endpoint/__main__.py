"""The scripted endpoint as a process: prints its address, runs until killed."""

import argparse
import sys
import threading
from pathlib import Path

from tests.support.endpoint import Endpoint, Script


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.endpoint", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", default="{}", help="JSON, or a file with it")
    options = parser.parse_args()
    text = options.script if options.script.lstrip().startswith("{") else Path(options.script).read_text()
    with Endpoint(options.port, Script.of_json(text)) as endpoint:
        sys.stdout.write(f"{endpoint.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
