"""What `bench/quality` needs beyond the product: measures, peers and speech. Fetched once, kept in a cache folder.

Packages of PyPI are pinned in requirements-quality.txt and lie in a folder of their own, so that nothing of them gets
into the product's environment. Speech comes from Debian's packages: they are fetched and unpacked, not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.measure import CHECKOUT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "timbre-quality"
_REQUIREMENTS = CHECKOUT / "requirements-quality.txt"
# By program; each is in the Debian package of that name but one.
_PROGRAMS = {"flite": "flite", "sox": "sox", "rubberband": "rubberband-cli"}


def prepare() -> None:
    """Packages can be imported and programs be run afterwards. Raises CalledProcessError where they can't be had."""
    folder = CACHE / "packages"
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != _REQUIREMENTS.read_text():
        print("Installing what the measures need (once) ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--target", str(folder), "-r", str(_REQUIREMENTS)], check=True)
        stamp.write_text(_REQUIREMENTS.read_text())
    sys.path.append(str(folder))
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


def unpacked(package: str) -> Path:
    """The files of a Debian package, in the cache. Raises CalledProcessError."""
    folder = CACHE / "debian" / package
    if not folder.exists():
        print(f"Fetching {package} (once) ...", file=sys.stderr)
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=draft, check=True)
        (archive,) = draft.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, draft], check=True)
        archive.unlink()
        draft.rename(folder)
    return folder
