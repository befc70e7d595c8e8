"""Django's PostgreSQL, with another look at a connection before it is handed out (`base`)."""
