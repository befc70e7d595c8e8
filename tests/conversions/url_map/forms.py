"""What a page's forms hold before anybody types, as a browser would send it, and the words to choose from."""

from __future__ import annotations

from html.parser import HTMLParser


class Forms(HTMLParser):
    """All forms of a page together. `fields` are pairs of name and value, `words` the values of buttons and options."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.names: set[str] = set()
        self.words: set[str] = set()
        self.take_files = False
        self._select: str | None = None
        self._area: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name, value = given.get("name"), given.get("value", "")
        if name and tag in ("input", "button", "select", "textarea"):
            self.names.add(name)
        if tag == "button" or given.get("type") in ("radio", "submit") or (tag == "option" and self._select):
            self.words.add(value)
        self.take_files |= given.get("type") == "file"
        if tag == "input" and name:
            if given.get("type") not in ("checkbox", "radio", "file", "submit") or "checked" in given:
                self.fields.append((name, given.get("value", "on" if "checked" in given else "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields.append((self._select, value))
        elif tag == "textarea" and name:
            self._area = name
            self.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[-1] = (self._area, self.fields[-1][1] + data.removeprefix("\n"))
