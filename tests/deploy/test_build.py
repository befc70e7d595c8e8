"""The image's build steps run in a plain Debian root, and what they made sets itself up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 600  # two downloads are in it


@pytest.mark.timeout(PATIENCE_S + 60)
def test_the_steps_of_the_dockerfile_run_in_a_plain_debian_root() -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("a Debian root is made by root, with debootstrap")
    done = subprocess.run(
        [CHECKOUT / "deploy" / "try-build"], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    made, last_step = done.stdout.splitlines()[-2:]
    assert json.loads(made)["created"] is True
    assert last_step.endswith("deploy.run setup")
    runs = sum(line.startswith("RUN ") for line in (CHECKOUT / "Dockerfile").read_text().splitlines())
    assert done.stdout.count(" s  sh -c ") == runs
