"""Addresses of the whole site."""

from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.views.defaults import page_not_found

from s2s_site import health, statics

admin.autodiscover()  # a worker hasn't: see apps.py

urlpatterns = [
    # First what is asked for most: every address is looked for from here on.
    path("", include("conversions.urls")),
    path("healthz", health.healthz),
    path("healthz/queue", health.queue),
    path("readyz", health.readyz),
    path("favicon.ico", statics.favicon),
    # People sign in with the address that their admin gave them: it is not theirs to change or remove.
    path("accounts/email/", page_not_found, {"exception": Http404()}),
    path("accounts/", include("allauth.account.urls")),
    # "View on site" of the admin site, which none of our objects offers: Django's view breaks on ids that are UUIDs.
    re_path("^admin/r/", page_not_found, {"exception": Http404()}),
    path("admin/", admin.site.urls),
    path("voices/", include("voices.urls")),
    path("", include("teams.urls")),
]

handler400 = "s2s_site.errors.malformed"
handler403 = "s2s_site.errors.forbidden"
handler404 = "s2s_site.errors.missing"
handler500 = "s2s_site.errors.broken"
