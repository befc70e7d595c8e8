"""Tables of several columns."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def columns(*names: str, css: str = "") -> SafeString:
    """The heads of columns with these names, and this class."""
    classes = format_html(' class="{}"', css) if css else ""
    return format_html_join("\n", '<th scope="col"{}>{}</th>', ((classes, name) for name in names))
