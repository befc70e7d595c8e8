"""Django's settings. Everything that differs between two installations comes from the environment.

docs/configuration.md lists the variables; `manage.py check --deploy` names what is dangerous in public.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.schedules import schedule
from csp.constants import NONE, SELF
from kombu import Exchange, Queue

from s2s_site.environment import broker_url, data_dir, database, env, most_pieces, public_address, secret, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = data_dir(BASE_DIR / "data")

SITE_NAME = env.str("SITE_NAME", default="Timbre")
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret_key(DATA_DIR)

# ---- who may reach the site ----
# A team opens it by the name or the address of the machine: without a public address any name is accepted, which
# is safe as long as no e-mail with links is sent; `check --deploy` asks for the real name.
SITE_ORIGIN, SITE_PATH = public_address(env.str("BASE_URL", default=""))
BASE_URL = SITE_ORIGIN + SITE_PATH
FORCE_SCRIPT_NAME = SITE_PATH or None  # all addresses begin with it; s2s_site/wsgi.py takes it off again
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_ORIGIN] if SITE_ORIGIN else [])
HTTPS = env.bool("HTTPS", default=BASE_URL.startswith("https://"))
CSRF_FAILURE_VIEW = "s2s_site.errors.unproven"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Two copies on one machine differ by their port, which cookies ignore: each needs names of its own.
SESSION_COOKIE_NAME = f"timbre_session_{env.str('PORT', default='8000')}"
CSRF_COOKIE_NAME = f"timbre_csrf_{env.str('PORT', default='8000')}"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
# Asked from inside, where there is no HTTPS.
SECURE_REDIRECT_EXEMPT = [f"^{re.escape(SITE_PATH[1:] + '/' if SITE_PATH else '')}(healthz|healthz/queue|readyz)$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_SUBDOMAINS", default=False)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # or all people behind the proxy would share one limit of failed sign-ins
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, dict[str, list[str]]] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
    }
}

# ---- the house ----
INSTALLED_APPS = [
    "s2s_site",
    "conversions",
    "voices",
    "teams",
    "s2s_site.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
]
MIDDLEWARE = [
    "s2s_site.middleware.hear_out",  # around all that may answer early
    *(["s2s_site.middleware.keep_cookies_below"] if SITE_PATH else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "s2s_site.middleware.declare_policy",  # within: scripts and sheets need none, and a page has forty of them
    "s2s_site.middleware.refuse_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before CsrfViewMiddleware, which reads the body of a POST: a stranger's is read on open pages alone.
    "teams.middleware.SignInRequired",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "s2s_site.middleware.keep_pages_private",
]
MESSAGE_STORAGE = "s2s_site.messages.Storage"
ROOT_URLCONF = "s2s_site.urls"
WSGI_APPLICATION = "s2s_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "s2s_site.context.site",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["s2s_site.formats"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

# ---- database ----
DATABASE_URL = secret("DATABASE_URL")
# No URL of our own: in one, a #, ?, % or + of the data folder's path would mean something else.
DATABASES: dict[str, dict[str, Any]] = {
    "default": database(DATABASE_URL)
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "timbre.sqlite3")}
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {
        "ENGINE": "s2s_site.sqlite",
        # A thread keeps its connection between requests; the pragmas below run once for each.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            # A transaction that reads and then writes must take the write lock first: deferred ones fail with
            # "database is locked" under load, whatever the time-out.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: an accepted recording survives a power cut. secure_delete: a deleted row is overwritten.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
            ),
        },
        "TEST": {"NAME": env.str("TEST_SQLITE", default=str(DATA_DIR / "test.sqlite3"))},
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        # A connection that a firewall has forgotten is found within a minute, and those in use aren't forgotten.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        **DATABASES["default"].get("OPTIONS", {}),  # those of the URL, such as sslmode
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 20},
        # The server puts the values in: it takes us less time than to write them into the statement.
        "server_side_binding": True,
    }
    # After a restart of the server, the pool's connections are replaced before anyone's request meets a dead one.
    DATABASES["default"]["ENGINE"] = "s2s_site.postgresql"

# ---- files ----
MEDIA_ROOT = DATA_DIR / "media"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "conversions.files.storages.disk.DurableFileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT)},
    },
    "staticfiles": {"BACKEND": "s2s_site.statics.ModuleStorage"},
}
# The proxy in front reads DATA_DIR/media and hands out files itself (deploy/nginx).
X_ACCEL = env.bool("X_ACCEL", default=False)
if S3_BUCKET := env.str("S3_BUCKET", default=""):
    from conversions.files.storages.bucket import Bucket

    S3 = Bucket(
        bucket=S3_BUCKET,
        endpoint_url=env.str("S3_ENDPOINT_URL", default="").rstrip("/"),
        public_endpoint_url=env.str("S3_PUBLIC_ENDPOINT_URL", default="").rstrip("/"),
        region=env.str("S3_REGION", default=""),
        access_key_id=secret("S3_ACCESS_KEY_ID"),
        secret_access_key=secret("S3_SECRET_ACCESS_KEY"),
        addressing_style=env.str("S3_ADDRESSING_STYLE", default=""),
    )
    STORAGES["default"] = {
        "BACKEND": "conversions.files.storages.s3.BucketStorage",
        "OPTIONS": {
            "prefix": env.str("S3_PREFIX", default="").strip("/"),
            "link_seconds": env.int("S3_LINK_SECONDS", default=3600),
            **vars(S3),
        },
    }
    # Players are sent there with a signed address.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["media-src"].append(S3.public_origin())
FILE_UPLOAD_PERMISSIONS = 0o600
# On the same filesystem as the media, so that saving an upload is a rename.
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "uploads")
FILE_UPLOAD_HANDLERS = ["conversions.forms.uploads.NoFilesHandler"]  # views that take files say so
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # the page of a recording's parts takes more (`most_fields`, s2s_site/door.py)
DATA_UPLOAD_MAX_NUMBER_FILES = 50
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=2 * 1024**3)
MAX_DURATION_S = env.float("MAX_DURATION_S", default=6 * 3600.0)
MAX_PIECES = most_pieces()
UNORDERED_DAYS = env.int("UNORDERED_DAYS", default=30)
MIN_FREE_BYTES = env.int("MIN_FREE_BYTES", default=512 * 1024**2)
STATIC_URL = f"{SITE_PATH}/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"

# ---- sign-in ----
AUTH_USER_MODEL = "teams.User"
AUTHENTICATION_BACKENDS = ["teams.sessions.Backend"]
SESSION_ENGINE = "teams.sessions"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "teams.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Beside allauth's own: whatever opens a shared link, tries its password, comments there.
ACCOUNT_RATE_LIMITS = {"share": "120/m/ip", "share_password": "10/m/ip,30/10m/key", "share_comment": "10/m/ip"}
# Django forgets some at random beyond 300, and with them how often somebody has tried.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5_000}},
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "conversions:studio"

# ---- e-mail: nothing depends on it; without EMAIL_URL nothing is sent ----
EMAIL_URL = secret("EMAIL_URL")
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="timbre@localhost")
EMAIL_TIMEOUT = 10
# Not Django's ADMINS: those would be mailed every error page with all that was sent to it.
ALARM_EMAILS = env.list("ALARM_EMAILS", default=list(filter(None, [env.str("ADMIN_EMAIL", default="")])))

# ---- convert endpoints ----
ENGINE_URL = env.str("ENGINE_URL", default="http://127.0.0.1:8801").rstrip("/")
# The keys of endpoints, by the name that an Endpoint row carries: rows and the admin site never see a value.
ENDPOINT_SECRETS = {
    name: secret(name)
    for name in {
        key.removesuffix("_FILE")
        for key in os.environ
        if key.startswith(("ELEVENLABS_API_KEY", "ENGINE_API_KEY", "ENDPOINT_KEY_"))
    }
}
ELEVENLABS_URL = env.str("ELEVENLABS_URL", default="https://api.elevenlabs.io").rstrip("/")

# ---- the queue: the database is the truth, Redis carries bells ----
REDIS_URL = secret("REDIS_URL") or "redis://127.0.0.1:6379/0"
LEASE_SECONDS = env.float("LEASE_SECONDS", default=30.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=5.0)
DRAIN_SECONDS = env.float("DRAIN_SECONDS", default=20.0)
# How long after a lost answer, and after each search, the endpoint's history is searched for it.
LOOKUP_SECONDS = [float(seconds) for seconds in env.list("LOOKUP_SECONDS", default=["5", "30", "120"])]
# Of a call: how long it may take, its endpoint may say nothing; and so many times the recording's length more.
CALL_DEADLINE_S = env.float("CALL_DEADLINE_S", default=3600.0)
CALL_SILENCE_S = env.float("CALL_SILENCE_S", default=600.0)
CALL_TIMES_LENGTH = env.float("CALL_TIMES_LENGTH", default=10.0)
CALLS_CONCURRENCY = env.int("CALLS_CONCURRENCY", default=32)
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", default=8)
# A recording that lasts longer holds a free endpoint for so long that one of its slots is kept for what doesn't.
LONG_SECONDS = env.float("LONG_SECONDS", default=60.0)
QUEUE_ALARM_SECONDS = env.float("QUEUE_ALARM_SECONDS", default=900.0)
# Lets a monitor read /healthz/queue; without it staff alone may.
HEALTH_TOKEN = secret("HEALTH_TOKEN")

CELERY_BROKER_URL = broker_url(REDIS_URL)
# A stopped Redis must not hang a page: the publisher gives up after two seconds, and at once where nobody listens. The
# sweeper rings again.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A Redis that refuses to write (its disk or memory is full, it is a replica) is waited for: see the consumer.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_WORKER_CONSUMER = "s2s_site.consumer:Consumer"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "sweep"
# A bell is gone when it is heard: to acknowledge it was a third of what it costs, and Redis kept what was not, to be
# looked through again and again. One that is lost with its hearer is rung again by the sweeper.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), name, no_ack=True) for name in ("sweep", "calls", "cpu")]
CELERY_TASK_ROUTES = {
    "conversions.tasks.work_calls": {"queue": "calls"},
    "conversions.tasks.work_cpu": {"queue": "cpu"},
    "conversions.tasks.work_voices": {"queue": "calls"},
}
# No limit: bells weigh nothing, so a busy worker may hold some.
CELERY_WORKER_PREFETCH_MULTIPLIER = 0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULER = "s2s_site.beat:Scheduler"
# No bell expires: the clocks of the machine that rings and of the one that hears may be minutes apart, and then none
# would ever be heard. That they don't pile up is seen to by the scheduler above and by ring_for_waiting.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "conversions.tasks.sweep",
        "schedule": schedule(timedelta(seconds=SWEEP_SECONDS)),
    },
    "tell": {
        "task": "conversions.tasks.tell",  # sends e-mail to those who chose it; none is due without EMAIL_URL
        "schedule": schedule(timedelta(seconds=SWEEP_SECONDS)),
    },
    "housekeep": {
        "task": "conversions.tasks.housekeep",
        "schedule": schedule(timedelta(hours=1)),
    },
    "watch-endpoints": {
        "task": "voices.tasks.watch_endpoints",  # looks only at those that are paused and due
        "schedule": schedule(timedelta(seconds=SWEEP_SECONDS)),
    },
    "sync-voices": {
        "task": "voices.tasks.sync_catalogues",  # asks only those endpoints that are due
        "schedule": schedule(timedelta(seconds=SWEEP_SECONDS)),
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "filters": {"one_line": {"()": "s2s_site.logs.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["one_line"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
