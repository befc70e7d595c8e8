"""Runs the benches and writes what they said into docs/performance.md. Exits non-zero when any bar is missed."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime

from bench.measure import CHECKOUT

BENCHES = (
    "overhead",
    "idle",
    "reading",
    "engine",
    "patience",
    "long",
    "video",
    "upload",
    "download",
    "poll",
    "history",
    "queue",
    "fairness",
    "recovery",
    "claim",
    "admin",
    "pages",
)
_PAGE = CHECKOUT / "docs" / "performance.md"


def main() -> int:
    names = _names()
    (prose, sections), missed = _written(), []
    for name in names:
        print(f"== bench/{name}", flush=True)
        ran = subprocess.run([CHECKOUT / "bench" / name], cwd=CHECKOUT, capture_output=True, text=True, check=False)
        print(ran.stdout or ran.stderr, flush=True)
        sections[name] = _section(name, ran.stdout)
        if ran.returncode:
            missed.append(name)
        _PAGE.write_text(prose + "\n".join(sections[known] for known in BENCHES if known in sections))
    print(f"missed: {', '.join(missed)}" if missed else f"{len(names)} benches met their bars")
    return 1 if missed else 0


def _names() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"only these of {', '.join(BENCHES)}; the others keep their sections")
    names: list[str] = parser.parse_args().names
    if unknown := set(names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    return names or list(BENCHES)


def _section(name: str, output: str) -> str:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = "\n    ".join(output.strip().splitlines())
    return f"## `bench/{name}`\n\n{machine}, {datetime.now(UTC).date()}\n\n    {lines}\n"


def _written() -> tuple[str, dict[str, str]]:
    """What people have written above, and the sections that the page has now, by bench."""
    prose, *parts = re.split(r"^## `bench/(\w+)`$", _PAGE.read_text(), flags=re.MULTILINE)
    sections = zip(parts[::2], parts[1::2], strict=True)
    return prose, {name: f"## `bench/{name}`{body.rstrip()}\n" for name, body in sections}


if __name__ == "__main__":
    sys.exit(main())
