"""The words that a page brings for its scripts."""

from __future__ import annotations

import json
import re
from typing import Any


def words_in(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script id="words" type="application/json">(.*?)</script>', page)
    words: dict[str, Any] = json.loads(found)
    return words
