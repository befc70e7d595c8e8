"""The steps of every start that need Django, in one process of their own: importing the site takes longer than they do.

    python -m s2s_site.supervisor.site_steps

The last line on stdout is what `manage.py setup` says; on failure the last line on stderr is the reason.
"""

from __future__ import annotations

import gc
import sys

STEPS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("The database could not be brought up to date", "migrate", {"interactive": False, "verbosity": 0}),
    ("The static files could not be collected", "collectstatic", {"interactive": False, "verbosity": 0}),
    ("The first admin could not be made", "setup", {}),
)


def main() -> int:
    gc.disable()  # while all is loaded, of which nearly everything stays
    # Here, because the module's names are also read where Django must not be imported.
    import django
    from django.core.management import call_command

    step = "The settings can't be used"
    try:
        django.setup()
        gc.freeze()
        gc.enable()
        for failure, command, options in STEPS:
            step = failure
            call_command(command, **options)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        sys.stderr.write(f"{step}: {lines[0]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
