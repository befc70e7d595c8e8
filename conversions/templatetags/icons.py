"""Icons, drawn inline: they take the colour of their text and need no request."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# Strokes on a square of 24 units.
_PATHS = {
    "account": "M4 20a8 8 0 0 1 16 0M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8",
    "back": "M4 12h16M10 6l-6 6 6 6",
    "bell": "M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4",
    "bin": "M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5",
    "compare": "M4 8h16M4 16h16M9 5v6M15 13v6",
    "copy": "M9 9h11v11H9zM15 9V4H4v11h5",
    "cross": "M6 6l12 12M18 6 6 18",
    "download": "M12 4v12m-5-5 5 5 5-5M4 20h16",
    "fit": "M4 6v12M20 6v12M8 12h8m-5.5-2.5L8 12l2.5 2.5m3-5L16 12l-2.5 2.5",
    "history": "M4 6h16M4 12h16M4 18h16",
    "keyboard": "M3 6h18v12H3zM7 10h.1M11 10h.1M15 10h.1M18 10h-.1M8 14.5h8",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "minus": "M6 12h12",
    "parts": "M3 7h7M14 7h7M3 17h3M10 17h11M12 4v16",
    "pause": "M9 5v14M15 5v14",
    "pencil": "m4 20 1-4L16 5l3 3L8 19zM13.5 7.5l3 3",
    "play": "M8 5v14l11-7z",
    "plus": "M6 12h12M12 6v12",
    "retry": "M20 12a8 8 0 1 1-2.4-5.7M20 4v5h-5",
    "search": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M20 20l-4.9-4.9",
    "share": "M12 15V4M8 8l4-4 4 4M6 12H5v8h14v-8h-1",
    "star": "m12 3.5 2.6 5.4 5.9.8-4.3 4.1 1.1 5.9-5.3-2.9-5.3 2.9 1.1-5.9-4.3-4.1 5.9-.8z",
    "studio": "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3M5 11a7 7 0 0 0 14 0M12 18v3",
    "switch": "M7 4v14m-3-3 3 3 3-3M17 20V6m-3 3 3-3 3 3",
    "undo": "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
    "wave": "M3 12h2l2-6 3 14 3-18 3 14 2-4h3",
    "warning": "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.2",
}
NAMES = tuple(_PATHS)


@register.simple_tag
def icon(name: str) -> SafeString:
    """The icon `name`, hidden from screen readers: a word always stands beside it. Raises KeyError for unknown ones."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>',
        _PATHS[name],
    )


@register.simple_tag
def play_icon() -> SafeString:
    """Of a button that plays and pauses: CSS shows the path that counts, by the button's `aria-pressed`."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">'
        '<path class="if-silent" d="{}"/><path class="if-playing" d="{}"/></svg>',
        _PATHS["play"],
        _PATHS["pause"],
    )
