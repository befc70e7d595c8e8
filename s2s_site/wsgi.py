"""The WSGI application that Granian serves."""

import gc
import os

import django
from django.conf import settings
from django.urls import get_resolver

from s2s import loaded
from s2s.orphan import exit_with_parent
from s2s_site.below import below
from s2s_site.door import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")
gc.disable()  # while all is loaded, of which nearly everything stays
exit_with_parent()  # Granian's worker outlives a killed main process

django.setup(set_prefix=False)
application = below(settings.SITE_PATH, Handler())
_ = get_resolver().url_patterns  # every view is loaded before the first request
# All this stays. Looking through it for garbage takes 50 ms, which somebody would wait for.
loaded.keep()
gc.enable()
