"""The words that a page's scripts show, in the page."""

from __future__ import annotations

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString

from conversions.pages.scripts import words_of

register = template.Library()


@register.simple_tag
def words_for_scripts(page: str) -> SafeString:
    """The words of this page (conversions/pages/scripts.py), for words.js: a block of data, which nobody runs."""
    return json_script(words_of(page), "words")
