"""What each server process imports: the application, ready to answer when the import is done."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np

from s2s.audio import Encoder, warm_up
from s2s.engine.app import DEFAULT_MAX_BYTES, App
from s2s.engine.asgi import Asgi
from s2s.engine.concurrency import Slots
from s2s.engine.converter import convert
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import catalogue
from s2s.orphan import exit_with_parent

logger = logging.getLogger(__name__)


def _rehearse() -> None:
    """One tiny conversion, so that nobody's first request pays for loading and for tables."""
    warm_up()
    hum = np.sign(np.sin(2 * np.pi * 120 * np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ)) * 0.1
    encoder = Encoder("mp3", 44_100, 128, input_rate_hz=SAMPLE_RATE_HZ)
    for block in convert(iter([hum.astype(np.float32)]), next(iter(catalogue().values()))):
        encoder.write(block)
    encoder.finish()


def _application() -> Asgi:
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(name)s: %(message)s")
    if multiprocessing.parent_process() is not None:  # started by Granian, not imported by a test
        exit_with_parent()
    began = time.monotonic()
    _rehearse()
    logger.info("warmed up in %.1f s", time.monotonic() - began)
    app = App(
        Slots(Path(os.environ["ENGINE_SLOTS_DIR"]), int(os.environ["ENGINE_CONCURRENCY"])),
        api_key=os.environ.get("ENGINE_API_KEY") or None,
        max_bytes=int(os.environ.get("ENGINE_MAX_BYTES") or DEFAULT_MAX_BYTES),
    )
    return Asgi(app)


application = _application()
