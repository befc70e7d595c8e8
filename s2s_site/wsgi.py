"""The WSGI application that Granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from s2s.orphan import exit_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")
exit_with_parent()  # Granian's worker outlives a killed main process

application = get_wsgi_application()
