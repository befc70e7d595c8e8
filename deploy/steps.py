"""`python deploy/steps.py ROOT`: runs the steps of the Dockerfile in a Debian root, then asks the result. Run by
deploy/try-build as root; knows the instructions that our Dockerfile has. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ASKED = ("-m", "deploy.run", "setup")


def main(root: Path) -> int:
    environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or "proxy" in name}
    environment["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    folder, user = "/", "0:0"
    text = re.sub(r"\\\n", " ", (CHECKOUT / "Dockerfile").read_text())
    for line in (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")):
        word, _, rest = line.partition(" ")
        if word == "RUN":
            step(root, folder, environment, ["sh", "-c", rest])
        elif word == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                environment[name] = value.replace("$PATH", environment["PATH"])
        elif word == "WORKDIR":
            folder = rest
        elif word == "USER":
            user = rest
        elif word == "COPY" and not rest.startswith("--from"):  # both stages are one root here
            source, target = rest.split()
            copy(source, target, root)
    step(root, folder, environment, ["python", *ASKED], user)
    return 0


def step(root: Path, folder: str, environment: dict[str, str], command: list[str], user: str = "0:0") -> None:
    began = time.monotonic()
    words = ["chroot", f"--userspec={user}", str(root), "env", "-C", folder, "-i"]
    words += [f"{name}={value}" for name, value in environment.items()]
    subprocess.run([*words, *command], check=True)
    sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {' '.join(command)[:100]}\n")
    sys.stdout.flush()


def copy(source: str, target: str, root: Path) -> None:
    if source != ".":
        shutil.copy(CHECKOUT / source, root / target.lstrip("/"))
        return
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        path = CHECKOUT / line[1:]
        place = root / target.lstrip("/") / line[1:]
        if line.startswith("!") and path.is_dir():
            shutil.copytree(path, place, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!"):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
