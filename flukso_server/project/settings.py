# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's settings.

All that differs between installations comes from the environment (docs/guide/server.md).
"""

from pathlib import Path

from flukso_server.project import clock, env, languages

SERVER_DIR = Path(__file__).resolve().parent.parent

DEBUG = False
env.require("FLUKSO_SECRET_KEY", "FLUKSO_DEVICE_KEY_SECRET", "FLUKSO_DATA_DIR")
SECRET_KEY = env.secret("FLUKSO_SECRET_KEY", 32)
DEVICE_KEY_SECRETS = env.hex_keys("FLUKSO_DEVICE_KEY_SECRET")
DATA_DIR = Path(env.text("FLUKSO_DATA_DIR"))
HTTPS = env.flag("FLUKSO_HTTPS", True)
BEHIND_PROXY = env.flag("FLUKSO_BEHIND_PROXY", False)
ALLOWED_HOSTS = env.words("FLUKSO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
_GUESS = f"http{'s' if HTTPS else ''}://{[*ALLOWED_HOSTS, 'localhost'][0]}"
BASE_URL = env.origin("FLUKSO_BASE_URL", _GUESS, HTTPS)  # of all links in mails
# project/serve.py then adds the port at which it listens
BASE_URL_WANTS_PORT = not env.text("FLUKSO_BASE_URL", "") and not BEHIND_PROXY
ALLOWED_HOSTS += [name for name in (env.host_of(BASE_URL),) if name not in ALLOWED_HOSTS]
TESTING = env.flag("FLUKSO_TESTING", False)
clock.set_for_tests(env.text(clock.NAME, ""), TESTING, ALLOWED_HOSTS)
CSRF_TRUSTED_ORIGINS = [BASE_URL]  # proxies may ask for the pages under another name
DATABASES = {"default": env.database("FLUKSO_DATABASE_URL", f"sqlite:///{DATA_DIR}/accounts.db")}
SERIES_PATH = env.text("FLUKSO_SERIES_PATH", f"{DATA_DIR}/series.sqlite3")
RRD_DIR = env.text("FLUKSO_RRD_DIR", "")  # empty: no RRD files, no graphs
RRDCACHED = env.text("FLUKSO_RRDCACHED", "")  # its address; empty: librrd writes the files itself
SIGNUP_OPEN = env.flag("FLUKSO_SIGNUP_OPEN", False)  # else by invitation alone
CONNECTIONS_MAX = env.number("FLUKSO_CONNECTIONS_MAX", 20_000, 10, 1_000_000)
UNCLAIMED_DEVICES_MAX = env.number("FLUKSO_UNCLAIMED_DEVICES_MAX", 10_000, 0, 10_000_000)

INSTALLED_APPS = [
    "flukso_server.accounts",  # before allauth: its templates look as ours do
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "ninja",
    "flukso_server.devices",
    "flukso_server.api",
    "flukso_server.dashboard",
]
MIDDLEWARE = [
    "flukso_server.project.front.Front",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "flukso_server.project.typed.Typists",
    "flukso_server.project.sessions.LivingOn",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "flukso_server.project.urls"
CSRF_FAILURE_VIEW = "flukso_server.project.trouble.csrf_failure"
AUTH_USER_MODEL = "accounts.Account"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "flukso_server.accounts.adapter.Adapter"
ACCOUNT_FORMS = {
    "login": "flukso_server.accounts.forms.LoginForm",
    "signup": "flukso_server.accounts.forms.SignupForm",
    "add_email": "flukso_server.accounts.forms.AddEmailForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True  # one address; the old one stays until the new one is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password or address
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_SESSION_REMEMBER = True  # a phone in the kitchen
ACCOUNT_RATE_LIMITS = {  # beside allauth's own
    "login_failed": "10/m/ip,5/5m/key",  # key: the name that is tried
    "signup": "20/h/ip",
    "reset_password": "10/h/ip,3/h/key",
    "export": "5/h/user",
    "rename": "10/h/user",  # whether a name is taken tells who is here
    "delete": "5/h/user",
    "typed": "30/m/ip",  # forms of ended sessions that are kept for the log-in
    "follow": "120/m/user",  # clicks in the lists; each writes
}
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("FLUKSO_MAIL_FROM", "flukso@localhost")
globals().update(env.mail("FLUKSO_MAIL_URL", "smtp://localhost"))
# for rate limits, which all processes share, and which outlive a restart
CACHES = {
    "default": {
        "BACKEND": "flukso_server.project.counts.Counts",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]  # a browser says which one it wants
LOCALE_PATHS = [languages.compiled(SERVER_DIR / "locale", DATA_DIR / "locale")]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"  # project/static.py serves the packages' own files; nothing is collected
# sent together with all that they import (project/bundle.py)
BUNDLES = ("dashboard/main.js", "dashboard/chart.css")

if BEHIND_PROXY:  # the proxy must set this header, as that of deploy/nginx.conf does
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# With "no-referrer" browsers send `Origin: null`, and every form would be refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 90 * 86_400  # s, from the last day of use on (project/sessions.py)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20  # bytes; as for devices, see hot/limits.py
HISTORY_MAX_SIZE = 16 << 20  # bytes: two years of a smart meter's quarter hours, as downloaded
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # data: the admin's and the API page's own icons
        "style-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "filters": {"redact": {"()": "flukso_server.project.redaction.Redact"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}
    },
    "root": {"handlers": ["stderr"], "level": env.text("FLUKSO_LOG_LEVEL", "INFO").upper()},
    # its 4xx lines would double those of the access log
    "loggers": {"django.request": {"level": "ERROR"}, "asyncio": {"level": "WARNING"}},
}
