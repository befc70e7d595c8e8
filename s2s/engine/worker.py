"""What each server process has: the application, ready to answer.

The main process imports this and rehearses, and Granian forks the others: what all of them have loaded is there once.
"""

from __future__ import annotations

import logging
import os
import time
from functools import cache
from pathlib import Path

import numpy as np

from s2s import loaded
from s2s.audio import Encoder, warm_up
from s2s.engine import blocks, denoiser
from s2s.engine.app import DEFAULT_MAX_BYTES, App
from s2s.engine.asgi import Asgi
from s2s.engine.concurrency import Slots
from s2s.engine.converter import convert
from s2s.engine.cores import Cores
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import catalogue
from s2s.engine.voices.added import AddedVoices
from s2s.orphan import exit_with_parent

logger = logging.getLogger(__name__)


@cache
def rehearse() -> None:
    """One tiny conversion, so that nobody's first request pays for loading and for tables."""
    began = time.monotonic()
    hum = np.sign(np.sin(2 * np.pi * 120 * np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ)) * 0.1
    encoder = Encoder("mp3", 44_100, 128, input_rate_hz=SAMPLE_RATE_HZ)
    for block in convert(iter([hum.astype(np.float32)]), next(iter(catalogue().values()))):
        encoder.write(block)
    encoder.finish()
    denoiser.removes()  # the log says it once, if not
    loaded.keep()
    logger.info("warmed up in %.1f s", time.monotonic() - began)


def application() -> Asgi:
    """In a server process. Where those are forked, the main one has rehearsed."""
    exit_with_parent()
    rehearse()
    warm_up()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shared = Path(os.environ["ENGINE_SHARED_DIR"])
    blocks.CORES = Cores(shared / "cores", cores)
    app = App(
        Slots(shared / "slots", int(os.environ["ENGINE_CONCURRENCY"])),
        AddedVoices(shared / "voices"),
        api_key=os.environ.get("ENGINE_API_KEY") or None,
        max_bytes=int(os.environ.get("ENGINE_MAX_BYTES") or DEFAULT_MAX_BYTES),
    )
    return Asgi(app)
