"""How scripts and stylesheets are named and stored."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = r"""(?P<matched>from\s*"(?P<url>\./[^"]+)";)"""


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules import each other by their hashed names, so that a page never mixes an old one with a new one.

    Django can do this for all scripts, but then stumbles over those of other packages: this is for ours alone.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", ((_IMPORT, 'from "%(url)s";'),)))


@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """For who asks without having read a page: bookmarks, shortcuts, previews of links."""
    return redirect(static("icons/favicon.svg"))
