"""Questions to the product from within: a process with its settings, database and files that a test talks to.

    Inside.of(product, "tests.faults.inside").ask("survey", ids)

The module that is named ends with `serve`: it reads a question a line and answers with a line of JSON. It is asked
often, and starting Django takes longer than all the answers.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tests.support.product import CHECKOUT, Product


class Inside:
    """Started when it is needed, and again when it was killed with the rest of the product."""

    _known: ClassVar[dict[tuple[int, str], Inside]] = {}

    def __init__(self, product: Product, module: str) -> None:
        self._product = product
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def of(cls, product: Product, module: str) -> Inside:
        return cls._known.setdefault((id(product), module), cls(product, module))

    def ask(self, name: str, *arguments: Any) -> Any:
        """What the function `name` of the module says."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([name, *arguments]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"the process inside ended while it was asked for {name}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        self._known.pop((id(self._product), self._module), None)
        self.rest()

    def rest(self) -> None:
        """Ends the process until the next question."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env=self._product.environment_inside(),
                cwd=CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process


# ---- in the product's process ----


def serve(questions: Sequence[Callable[..., Any]]) -> None:
    """Answers until nobody asks any more."""
    import django
    from django.db import connection

    django.setup()
    known = {question.__name__: question for question in questions}
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = {"value": known[name](*arguments)}
        except Exception as error:
            answer = {"error": f"{name}: {type(error).__name__}: {error}"}
        connection.close()  # to the product's pool, which gives a live one also after the database was restarted
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
