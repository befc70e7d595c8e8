"""Django's SQLite, with one way of writing a moment (`base`)."""
