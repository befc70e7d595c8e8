"""What must hold after every fault (docs/reliability.md), in one place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from tests.support.endpoint import Endpoint
from tests.support.inside import Inside
from tests.support.product import Product, wait_for

UNFINISHED = {"waiting", "preparing", "converting", "assembling"}
# A sentence for people says what is safe (or that nothing was spent) and what to do.
SAFE = re.compile(r"\bsafe\b|Nothing was (sent|converted|billed)")
TO_DO = re.compile(r"\b(Retry|[Cc]hoose|upload|[Aa]sk)\b")
# More than housekeeping waits before it takes a file for an orphan.
LONG_AGO_S = 48 * 3600


def ids_of(addresses: Sequence[str]) -> list[str]:
    return [address.strip("/").rpartition("/")[2] for address in addresses]


def assert_promises(
    product: Product, endpoint: Endpoint, addresses: Sequence[str], *, timeout_s: float = 60
) -> list[dict[str, Any]]:
    """Waits until all has come to an end, then says everything that is wrong. Returns what the database knows.

    1. Every accepted recording is ready, or in a state that says why, what is safe and what to do.
    2. Every result stands once: in the steps, in the ledger, in the timeline and on the disk.
    3. By the endpoint's own count, nothing was billed that isn't a result or called unclear, and nothing was billed
       twice that costs, unless a person had read that it may cost again and pressed Retry or Redo.
    4. No slot is taken any more.
    5. After housekeeping there is no file without a row and no row without its file.
    """
    inside, ids = Inside.of(product, "tests.faults.inside"), ids_of(addresses)
    wait_for(lambda: _is_quiet(inside, endpoint, ids), lambda: f"all is over: {inside.ask('states', ids)}", timeout_s)
    facts: list[dict[str, Any]] = inside.ask("survey", ids)
    billed = _billed_for(product, facts, endpoint.billed_by_audio())
    wrong = [
        f"{fact['title']}: {problem}"
        for fact, times in zip(facts, billed, strict=True)
        for problem in _problems(product, fact, times)
    ]
    assert not wrong, "\n".join(wrong)
    _assert_no_orphans(product, inside)
    return facts


def _is_quiet(inside: Inside, endpoint: Endpoint, ids: list[str]) -> bool:
    return not (UNFINISHED & inside.ask("states", ids).keys() or inside.ask("leases") or endpoint.ledger.in_flight)


def _billed_for(product: Product, facts: list[dict[str, Any]], billed: Counter[str]) -> list[list[int]]:
    """How often each audio was that belongs to each of them: what is no whole recording's is a piece's."""
    sent = ["" if fact["pieces"] else _sha256(_stored(product, fact["source"])) for fact in facts]
    assert sent.count("") <= 1, "of two recordings in pieces nobody knows whose a piece is"
    of_pieces = [times for audio, times in billed.items() if audio not in sent]
    return [[billed[audio]] if audio else of_pieces for audio in sent]


def _problems(product: Product, fact: dict[str, Any], billed: list[int]) -> list[str]:
    problems = _about_the_state(fact) + _about_the_bill(fact, billed)
    if fact["status"] == "ready":
        problems += _about_the_result(product, fact)
    return problems


def _about_the_state(fact: dict[str, Any]) -> list[str]:
    problems = [f"a step is still {step['status']}" for step in fact["steps"] if step["leased"]]
    problems += [f"a call is still {call['outcome']}" for call in fact["calls"] if call["outcome"] == "sent"]
    if fact["status"] == "failed" and not (
        fact["error_code"] and SAFE.search(fact["error"]) and TO_DO.search(fact["error"])
    ):
        problems.append(f"failed with words that don't say enough: {fact['error_code']}: {fact['error']!r}")
    if fact["status"] != "failed" and fact["error"]:
        problems.append(f"{fact['status']}, but says {fact['error']!r}")
    return problems


def _about_the_result(product: Product, fact: dict[str, Any]) -> list[str]:
    problems = []
    if fact["events"].count("ready") != 1:
        problems.append(f"became ready {fact['events'].count('ready')} times")
    if any(step["status"] != "done" for step in fact["steps"]):
        problems.append(f"ready with steps that aren't done: {fact['steps']}")
    results, pieces = [step["result"] for step in fact["steps"] if step["kind"] == "convert"], fact["pieces"] or 1
    is_one_of_them = bool({fact["output"]} & set(results))
    if len(set(results) - {""}) != pieces or is_one_of_them == bool(fact["pieces"]):
        problems.append(f"its output is {fact['output']!r}, its answers are {results}")
    answered = sum(call["outcome"] == "answered" for call in fact["calls"])
    if not pieces <= answered <= pieces * (1 + fact["repeats"]) + sum(fact["redos"].values()):
        problems.append(f"{answered} calls were answered")
    stored = _stored(product, fact["output"])
    if not stored.is_file() or stored.stat().st_size != fact["output_bytes"]:
        problems.append("the result isn't on the disk as the database knows it")
    elif _noted_checksum(stored) != xxh3_128(stored.read_bytes()).hexdigest():
        problems.append("the result has another checksum than its note")
    return problems


def _about_the_bill(fact: dict[str, Any], billed: list[int]) -> list[str]:
    """`billed`: how often each audio was that was sent of it: the recording, or its pieces. What a person has asked for
    once more may be billed once more: that piece, or what Retry sent again."""
    outcomes = Counter(call["outcome"] for call in fact["calls"])
    problems = []
    if sum(billed) > outcomes["answered"] + outcomes["unclear"]:
        problems.append(f"billed {sum(billed)} times, but the ledger says {dict(outcomes)}")
    asked = [1 + fact["repeats"] + times for times in fact["redos"].values()]
    asked += [1 + fact["repeats"]] * (max(1, fact["pieces"]) - len(asked))
    each = zip_longest(sorted(billed, reverse=True), sorted(asked, reverse=True), fillvalue=0)
    if fact["billed"] and any(times > most for times, most in each):
        problems.append(f"billed {billed} times, but who knew of it has asked for {asked} times")
    return problems


def _stored(product: Product, key: str) -> Path:
    return product.data_dir / "media" / key


def _noted_checksum(stored: Path) -> str:
    noted: str = json.loads(stored.with_name(f"{stored.name}.json").read_text())["checksum"]
    return noted


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_ready(facts: Sequence[dict[str, Any]]) -> None:
    """All of them, and what the others say."""
    others = [f"{fact['title']} is {fact['status']}: {fact['error']} {fact['calls']}" for fact in facts]
    assert {fact["status"] for fact in facts} == {"ready"}, "\n".join(others)


# ---- orphans ----


def _assert_no_orphans(product: Product, inside: Inside) -> None:
    media, uploads = product.data_dir / "media", product.data_dir / "uploads"
    then = time.time() - LONG_AGO_S
    for path in (*media.rglob("*"), *uploads.rglob("*")):
        os.utime(path, (then, then))
    inside.ask("housekeep")
    inside.ask("housekeep")  # a second time changes nothing
    named = inside.ask("named_files")
    needed = {*named["sources"], *(f"{result}{end}" for result in named["results"] for end in ("", ".json"))}
    there = {str(path.relative_to(media)) for path in (media / "conversions").rglob("*") if path.is_file()}
    assert there == needed, f"orphans: {sorted(there - needed)}, missing: {sorted(needed - there)}"
    assert not list(uploads.iterdir()), "temporary files are left"
