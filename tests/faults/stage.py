"""The product between two scripted endpoints: one that costs nothing and one that bills."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.promises import assert_promises, ids_of
from tests.support.endpoint import Endpoint
from tests.support.inside import Inside
from tests.support.person import Person
from tests.support.product import CHECKOUT, Product, wait_for
from tests.support.sound import lengthless, phrase

# Of either endpoint: a test gives each of its recordings a voice of its own, and each voice a fate of its own.
VOICES = [{"voice_id": f"v{number}", "name": f"Voice {number}"} for number in range(30)]
KEYS = {"local": "local", "paid": "elevenlabs"}
SLOTS = 8
_seeds = itertools.count()


# Of the product's workers: so long that they renew it on a busy machine too, for every call is counted here. Few tests
# wait for its end. Roles have a short one, which may run out while the worker that sweeps is frozen.
LEASE_S, LEASE_OF_ROLES_S = 10, 2

SETTINGS = {
    "LEASE_SECONDS": str(LEASE_S),
    "CALL_DEADLINE_S": "12",
    "CALL_TIMES_LENGTH": "0",
    # An answer that is there must become known within it, also on a busy machine.
    "DRAIN_SECONDS": "5",
    "MIN_FREE_BYTES": "0",
    # Workers are killed again and again here, and a test would wait longer for each.
    "RESTART_PAUSE_SECONDS": "0.5",
    "ELEVENLABS_API_KEY": "a-key-for-tests",
}


@contextmanager
def running_stage(data_dir: Path, environment: dict[str, str], *, output_path: Path | None = None) -> Iterator[Stage]:
    with Endpoint() as local, Endpoint() as paid:
        local.ledger.voices, paid.ledger.voices = list(VOICES), list(VOICES)
        urls = {"ENGINE_URL": local.url, "ELEVENLABS_URL": paid.url}
        with Product(data_dir, SETTINGS | urls | environment, output_path=output_path) as product:
            stage = Stage(product, local, paid)
            wait_for(
                lambda: all(stage.inside.ask("voices", key) for key in KEYS.values()), "both endpoints have voices"
            )
            try:
                yield stage
            finally:
                stage.close()


class Stage:
    """Everything that a test of faults works with."""

    def __init__(self, product: Product, local: Endpoint, paid: Endpoint) -> None:
        self.product = product
        self.local = local
        self.paid = paid
        self.inside = Inside.of(product, "tests.faults.inside")
        self._person: Person | None = None
        self._form: dict[str, str] = {}
        self._voices: dict[str, dict[str, int]] = {}

    def endpoint(self, name: str) -> Endpoint:
        return self.paid if name == "paid" else self.local

    def release(self) -> None:
        self.local.release()
        self.paid.release()

    @property
    def person(self) -> Person:
        if self._person is None:
            self._person = Person(self.product)
            self._form = self._person.form()
            self._voices = {name: self.inside.ask("voices", key) for name, key in KEYS.items()}
        return self._person

    def submit(
        self,
        title: str = "recording",
        *,
        to: str = "local",
        voice: str = "v0",
        seconds: float = 2.0,
        at_the_door: bool = False,
        output_format: str = "wav_16000",
        audio: bytes = b"",
    ) -> str:
        """The address of `audio`, else of a recording like no other, so that the endpoint's count tells them apart.

        It has the long way, by a worker that prepares it, unless it is to be understood `at_the_door`.
        """
        audio, person = audio or phrase(seconds, next(_seeds)), self.person
        form = {**self._form, "voice": str(self._voices[to][voice])}
        return person.send(form, audio if at_the_door else lengthless(audio), f"{title}.wav", output_format)

    def state(self, address: str) -> str:
        return self.states([address])[0]

    def states(self, addresses: list[str]) -> list[str]:
        return [fact["status"] for fact in self.inside.ask("survey", ids_of(addresses))]

    def words(self, address: str) -> str:
        error: str = self.inside.ask("survey", ids_of([address]))[0]["error"]
        return error

    def promises(self, addresses: list[str], *, to: str = "local", timeout_s: float = 60) -> list[dict[str, Any]]:
        return assert_promises(self.product, self.endpoint(to), addresses, timeout_s=timeout_s)

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """`Product.frozen`, and nobody is caught within a transaction, whose locks would stop everybody else."""
        while True:
            with self.product.frozen(*names):
                if self.inside.ask("nobody_in_a_transaction"):
                    yield
                    return

    def kill(self, lane: str) -> None:
        """SIGKILL for a worker, whose leases run out at once. Those of its successor last longer, and are left."""
        with self.product.frozen(lane):  # it renews and claims nothing after that moment
            until = self.inside.ask("moment", LEASE_S)
            self.product.kill(lane)
        self.inside.ask("leases_run_out", [lane], until)

    def start(
        self, role: str, *arguments: str, times: int = 1, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A process of the product, or so many, that plays a role of tests/faults/roles.py."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.roles", str(times), role, *arguments],
            env=self.product.environment_inside() | {"LEASE_SECONDS": str(LEASE_OF_ROLES_S)} | (environment or {}),
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        if self._person is not None:
            self._person.http.close()
        self.inside.close()


def line(process: subprocess.Popen[str]) -> str:
    """The next that it says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], times: int = 1) -> None:
    """Each of so many processes may go on by one step."""
    assert process.stdin is not None
    process.stdin.write("\n" * times)
    process.stdin.flush()


def ended(process: subprocess.Popen[str], *, code: int = 0, timeout_s: float = 40) -> str:
    """What a process printed that was to end with `code`."""
    output, complaints = process.communicate(timeout=timeout_s)
    assert process.returncode == code, f"it ended with {process.returncode}: {complaints}"
    return output


def killed(process: subprocess.Popen[str], *, timeout_s: float = 40) -> str:
    """What a process printed before it killed itself."""
    return ended(process, code=-signal.SIGKILL, timeout_s=timeout_s)
