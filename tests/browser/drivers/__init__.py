"""Browsers as Debian ships them, driven through WebDriver: Chromium, Firefox and WebKitGTK."""
