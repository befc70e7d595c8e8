"""The admin site's pages that ask before they do something: what they say, and the answer that they are given."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client


@dataclass(frozen=True)
class Asked:
    """A page that asks: its words, and what its form sends when its button is pressed."""

    client: Client
    address: str  # that the form is sent to
    words: str
    form: dict[str, str]

    def confirm(self) -> str:
        """The page that it leads to."""
        return _words(self.client.post(self.address, self.form, follow=True))


def choose(client: Client, model: str, action: str, *rows: Any, query: str = "") -> Any:
    """Does what a person does in a list: ticks rows, chooses the action, presses Go."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    return client.post(f"/admin/{model}/{query}", chosen, follow=True)


def ask(client: Client, model: str, action: str, *rows: Any, query: str = "") -> Asked:
    return _asked(client, choose(client, model, action, *rows, query=query), f"/admin/{model}/{query}")


def ask_of_all(client: Client, model: str, action: str, rows: Sequence[Any], query: str = "") -> Asked:
    """With "select all across pages": only the first are ticked."""
    address = f"/admin/{model}/{query}"
    chosen = {"action": action, "_selected_action": [str(rows[0].pk)], "select_across": "1", "index": "0"}
    return _asked(client, client.post(address, chosen), address)


def ask_to_delete(client: Client, model: str, row: Any) -> Asked:
    """On the row's own page."""
    address = f"/admin/{model}/{row.pk}/delete/"
    return _asked(client, client.get(address), address)


def _asked(client: Client, response: Any, address: str) -> Asked:
    page = response.content.decode()
    (form,) = re.findall(
        r'<form method="post"(?: action="([^"]*)")?>(.*?)</form>', page[page.index('id="content-main"') :], re.S
    )
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[1])
    return Asked(client, form[0] or address, _words(response), {name: html.unescape(value) for name, value in hidden})


def _words(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return html.unescape(response.content.decode())
