"""Selenium's commands for Firefox's own remote control, Marionette.

WebDriver reaches Firefox through geckodriver, a program that no package of Debian 12 has and that PyPI and npm only
bring in copies nobody keeps. What it does is small: Marionette knows WebDriver's commands, under other names, as JSON
over TCP, each message after its length (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
"""

from __future__ import annotations

import json
import socket
from typing import Any

from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.remote_connection import RemoteConnection

_NAMES = {
    Command.NEW_SESSION: "WebDriver:NewSession",
    Command.QUIT: "Marionette:Quit",
    Command.GET: "WebDriver:Navigate",
    Command.REFRESH: "WebDriver:Refresh",
    Command.GET_CURRENT_URL: "WebDriver:GetCurrentURL",
    Command.GET_TITLE: "WebDriver:GetTitle",
    Command.FIND_ELEMENT: "WebDriver:FindElement",
    Command.FIND_ELEMENTS: "WebDriver:FindElements",
    Command.FIND_CHILD_ELEMENT: "WebDriver:FindElement",
    Command.FIND_CHILD_ELEMENTS: "WebDriver:FindElements",
    Command.IS_ELEMENT_SELECTED: "WebDriver:IsElementSelected",
    Command.CLICK_ELEMENT: "WebDriver:ElementClick",
    Command.SEND_KEYS_TO_ELEMENT: "WebDriver:ElementSendKeys",
    Command.CLEAR_ELEMENT: "WebDriver:ElementClear",
    Command.GET_ELEMENT_TEXT: "WebDriver:GetElementText",
    Command.GET_ELEMENT_ARIA_LABEL: "WebDriver:GetComputedLabel",
    Command.W3C_ACTIONS: "WebDriver:PerformActions",
    Command.W3C_EXECUTE_SCRIPT: "WebDriver:ExecuteScript",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "WebDriver:ExecuteAsyncScript",
    Command.W3C_ACCEPT_ALERT: "WebDriver:AcceptAlert",
    Command.GET_WINDOW_RECT: "WebDriver:GetWindowRect",
    Command.SET_WINDOW_RECT: "WebDriver:SetWindowRect",
    Command.SET_TIMEOUTS: "WebDriver:SetTimeouts",
    Command.SCREENSHOT: "WebDriver:TakeScreenshot",
}
_CHILDREN = (Command.FIND_CHILD_ELEMENT, Command.FIND_CHILD_ELEMENTS)


class Marionette(RemoteConnection):
    """One session of the Firefox that listens at `port` of this machine."""

    browser_name = "firefox"

    def __init__(self, port: int) -> None:
        super().__init__(client_config=ClientConfig(f"http://127.0.0.1:{port}"))
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._number = 0
        self._receive()  # it says who it is

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer as geckodriver gives it; {"status", "value"} of an error. KeyError for what isn't in the list."""
        self._number += 1
        self._send([0, self._number, _NAMES[command], self._given(command, params)])
        _kind, _number, error, result = self._receive()
        if error:
            return {"status": 500, "value": json.dumps({"value": error})}
        if command == Command.NEW_SESSION:
            return {"value": result, **result}
        return result if isinstance(result, dict) and "value" in result else {"value": result}

    def close(self) -> None:
        self._socket.close()

    @staticmethod
    def _given(command: str, params: dict[str, Any]) -> dict[str, Any]:
        if command == Command.NEW_SESSION:
            wanted: dict[str, Any] = params["capabilities"]["alwaysMatch"]
            return {name: value for name, value in wanted.items() if not name.startswith("moz:")}
        given = {name: value for name, value in params.items() if name != "sessionId"}
        if command in _CHILDREN:
            given["element"] = given.pop("id")
        return given

    def _send(self, message: list[Any]) -> None:
        sent = json.dumps(message).encode()
        self._socket.sendall(b"%d:%s" % (len(sent), sent))

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            piece = self._socket.recv(count - len(read))
            if not piece:
                raise ConnectionError("Firefox has left.")
            read += piece
        return read
