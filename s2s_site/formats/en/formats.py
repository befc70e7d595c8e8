"""As on our own pages; a moment says its time zone, because people elsewhere read it too."""

DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i T"
