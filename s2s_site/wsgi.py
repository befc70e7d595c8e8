"""The WSGI application that Granian serves."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from s2s.orphan import exit_with_parent
from s2s_site.below import below

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")
exit_with_parent()  # Granian's worker outlives a killed main process

application = below(settings.SITE_PATH, get_wsgi_application())
_ = get_resolver().url_patterns  # every view is loaded before the first request
# All this stays. Looking through it for garbage takes 50 ms, which somebody would wait for.
gc.collect()
gc.freeze()
