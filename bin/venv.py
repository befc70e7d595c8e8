"""Makes .venv hold exactly what the requirements files say: python bin/venv.py requirements.txt ...

Runs on a bare Python (standard library only). A file that is already installed costs nothing: beside the packages lies
a stamp, written last, with the file's content and what it installed; an interrupted or damaged install doesn't match.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = VENV / "lib" / f"python{VERSION}" / "site-packages"
# The one list is pinned with all that is needed, except what is left out on purpose (requirements-override.txt). Of the
# other only files of numbers are read: those of one machine's package are as good on any, and not every machine and
# every Python has one of its own.
OPTIONS = {
    "requirements-dev.txt": ["--no-deps"],
    "requirements-speakers.txt": [
        *("--no-deps", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"),
        *("--target", str(PACKAGES), "--upgrade"),
    ],
}


class CannotInstall(Exception):
    """The message is what the person reads."""


# What pip says, and what a person can do about it. The first that matches counts: without a network pip also says
# that it found no version.
REASONS = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full: about 600 MB are needed for the packages in {venv}.",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|Connection refused|Network is unreachable|ProxyError"
        r"|Temporary failure in name resolution|Max retries exceeded|ReadTimeout|Failed to establish a new connection",
        "pip could not reach the package index: check the network or proxy of this machine and run this again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "A downloaded package is not the one that was checked in (its hash differs), so nothing was installed.",
    ),
    (
        r"No matching distribution found for (?P<package>\S+)",
        "There is no ready-made package of {package} for Python {version} on this machine: "
        "use Python 3.11 or 3.12, for example PYTHON=python3.11 bin/start",
    ),
    (
        r"Permission denied|Read-only file system",
        "The folder {venv} can't be written: give yourself the right to, or copy Timbre elsewhere.",
    ),
)


def main(names: list[str]) -> int:
    try:
        if all(_is_installed(name) for name in names):
            return 0
        with _only_one_at_a_time():
            if not all(_is_installed(name) for name in names):
                _install_all(names)
    except CannotInstall as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{_sentence(os.strerror(error.errno or 0), str(error))}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _install_all(names: list[str]) -> None:
    sys.stderr.write("Installing the packages Timbre needs into .venv (once; a minute or two) ...\n")
    # Without any stamp the folder is half made, or somebody else's: what pip finds there can't be trusted.
    stamps = [_stamp(path.name) for path in CHECKOUT.glob("requirements*.txt")]
    is_sound = any(stamps) and _python_of_venv() == VERSION
    if not is_sound or not (PACKAGES / "pip").exists():  # to make it once more takes longer than most updates
        _make_venv(clear=not is_sound)
    for name in names:
        if not _is_installed(name):
            _install(name)


def _make_venv(*, clear: bool) -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable
    command = [base, "-m", "venv", *(["--clear"] if clear else []), str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    said = made.stdout + made.stderr
    if made.returncode == 0:
        return
    if re.search(r"ensurepip|No module named '?venv", said):
        raise CannotInstall(
            f"Python {VERSION} ({base}) has no venv module: install it (Debian, Ubuntu: apt install python3-venv) "
            "and run this again."
        )
    raise CannotInstall(_sentence(said, f"The virtual environment could not be made: {_last_line(said)}"))


def _install(name: str) -> None:
    _stamp_path(name).unlink(missing_ok=True)
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", "--require-hashes"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "-r", str(CHECKOUT / name)]
    command += OPTIONS.get(name, [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise CannotInstall(_sentence(said, f"pip could not install {name}: {_last_line(said)}"))
    _write_stamp(name)


def _sentence(said: str, otherwise: str) -> str:
    for pattern, reason in REASONS:
        match = re.search(pattern, said)
        if match:
            package = match.groupdict().get("package", "").split("==")[0]
            return reason.format(venv=VENV, package=package, version=VERSION)
    return otherwise


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1]


# ---- stamps ----


def _stamp_path(name: str) -> Path:
    return VENV / f"installed-{name}.json"


def _stamp(name: str) -> dict[str, object]:
    try:
        stamp = json.loads(_stamp_path(name).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _is_installed(name: str) -> bool:
    stamp = _stamp(name)
    packages = stamp.get("packages")
    return (
        stamp.get("requirements") == (CHECKOUT / name).read_text()
        and stamp.get("python") == _python_of_venv()
        and isinstance(packages, list)
        and set(packages) <= _packages()
    )


def _write_stamp(name: str) -> None:
    stamp = {
        "requirements": (CHECKOUT / name).read_text(),
        "python": _python_of_venv(),
        "packages": sorted(_packages()),
    }
    draft = _stamp_path(name).with_suffix(".new")
    draft.write_text(json.dumps(stamp))
    draft.replace(_stamp_path(name))


def _packages() -> set[str]:
    """What lies in the folder of the Python that the environment runs on now, which an upgrade may have changed."""
    return {path.name for path in PACKAGES.glob("*.dist-info")}


def _python_of_venv() -> str:
    """The version of the environment's Python, "" if that one doesn't run. Mostly it is this very process."""
    if Path(sys.prefix).resolve() == VENV:
        return VERSION
    show = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        command = [str(VENV / "bin" / "python"), "-I", "-c", show]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


class _only_one_at_a_time:
    """Two first starts at once must not install into one folder. The kernel frees the lock when its owner dies."""

    def __enter__(self) -> None:
        self._folder = os.open(CHECKOUT, os.O_RDONLY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):  # a network folder without locks
                raise

    def __exit__(self, *reason: object) -> None:
        os.close(self._folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
