"""The OAuth scopes the sandbox knows, in Google's words to the person who consents.

Source: "OAuth 2.0 Scopes for Google APIs" and the ``auth`` section of the Gmail discovery document.
"""

MAIL = "https://mail.google.com/"
GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"
GMAIL_READONLY = "https://www.googleapis.com/auth/gmail.readonly"
GMAIL_METADATA = "https://www.googleapis.com/auth/gmail.metadata"
GMAIL_COMPOSE = "https://www.googleapis.com/auth/gmail.compose"
GMAIL_SEND = "https://www.googleapis.com/auth/gmail.send"
GMAIL_LABELS = "https://www.googleapis.com/auth/gmail.labels"
GMAIL_SETTINGS = "https://www.googleapis.com/auth/gmail.settings.basic"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
USERINFO_PROFILE = "https://www.googleapis.com/auth/userinfo.profile"

SIGN_IN = {
    "openid": "Associate you with your personal info on Google",
    USERINFO_EMAIL: "See your primary Google Account email address",
    USERINFO_PROFILE: "See your personal info, including any personal info you've made publicly available",
}
"""Asked for together with sign-in; a person cannot untick them one by one."""

ACCESS = {
    MAIL: "Read, compose, send, and permanently delete all your email from Gmail",
    GMAIL_MODIFY: "Read, compose, and send emails from your Gmail account",
    GMAIL_READONLY: "View your email messages and settings",
    GMAIL_METADATA: "View your email message metadata such as labels and headers, but not the email body",
    GMAIL_COMPOSE: "Manage drafts and send emails",
    GMAIL_SEND: "Send email on your behalf",
    GMAIL_LABELS: "See and edit your email labels",
    GMAIL_SETTINGS: "See, edit, create, or change your email settings and filters in Gmail",
}
"""Granted one by one ("How to handle granular permissions")."""

KNOWN = {**SIGN_IN, **ACCESS}

_ALIASES = {"email": USERINFO_EMAIL, "profile": USERINFO_PROFILE}


def parse(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The scopes in ``text`` under their full names, and those that do not exist."""
    names = dict.fromkeys(_ALIASES.get(name, name) for name in text.split())
    return tuple(n for n in names if n in KNOWN), tuple(n for n in names if n not in KNOWN)


def touches_mail(scopes: frozenset[str]) -> bool:
    """Whether a grant reaches into Gmail (a password change ends such grants)."""
    return any(scope in ACCESS for scope in scopes)
