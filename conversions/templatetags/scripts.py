"""A page's scripts, and the words that they show."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join, json_script
from django.utils.safestring import SafeString

from conversions.pages.scripts import words_of

register = template.Library()


@register.simple_tag
def modules(*names: str) -> SafeString:
    """The ES modules of these names (static/js), in this order."""
    return format_html_join(
        "\n", '<script type="module" src="{}"></script>', ((static(f"js/{name}.js"),) for name in names)
    )


@register.simple_tag
def words_for_scripts(page: str) -> SafeString:
    """The words of this page (conversions/pages/scripts.py), for words.js: a block of data, which nobody runs."""
    return json_script(words_of(page), "words")
