"""What the operator sets: environment variables, read once into one value.

Every variable is optional; with none set, Postroom runs on its embedded database in the user's data
folder. ``docs/operator-guide.md`` lists them for people.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from postroom.errors import Misconfigured

THIS_SERVER = "this server"
"""The hosting region where the operator names none."""
Network = IPv4Network | IPv6Network
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class WebhookAllowance:
    """Hosts inside that webhooks may go to all the same, also by http://."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def names(self, host: str) -> bool:
        """Whether this host is allowed by its name, or as the address that it is."""
        if host.lower() in self.hosts:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return self._holds(address)

    def covers(self, host: str, address: IPv4Address | IPv6Address) -> bool:
        """Whether a host that leads to this address may be called."""
        return host.lower() in self.hosts or self._holds(address)

    def _holds(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


@dataclass(frozen=True, slots=True)
class Config:
    """The deployment's settings."""

    home: Path
    """Folder of the embedded database, the blobs and the keys."""
    database_url: str = field(repr=False)
    """PostgreSQL URL; "" means the embedded server under ``home``."""
    blob_url: str
    """Where attachments are kept: file:///, s3://, gs:// or az:// URL."""
    public_url: str
    """Origin under which browsers and the providers reach Postroom, with no trailing slash."""
    allowed_hosts: tuple[str, ...]
    proxies: int
    """Proxies before us that each add to X-Forwarded-For; 0 where people reach us directly."""
    debug: bool
    google_url: str
    """Origin that stands in for every Google host; "" means Google itself."""
    google_client_id: str
    google_client_secret: str = field(repr=False)
    google_topic: str
    """Pub/Sub topic that Gmail publishes to (projects/…/topics/…); "" means poll only."""
    google_push_audience: str
    """Audience that push tokens must carry."""
    google_push_service_account: str
    """E-mail address of the service account that signs pushes."""
    microsoft_url: str
    """Origin that stands in for every Microsoft host; "" means Microsoft itself."""
    microsoft_client_id: str
    microsoft_client_secret: str = field(repr=False)
    microsoft_tenant: str
    """Id or domain of the one organisation that the app is limited to; "" for any."""
    leadsquared_url: str
    """Origin that stands in for every LeadSquared host; "" means LeadSquared itself."""
    webhook_allow: WebhookAllowance
    """What webhooks may reach besides the internet."""
    gmail_units_per_minute: int
    """Quota units a minute and mailbox; 0 switches Postroom's own budget off."""
    poll_seconds: int
    """Longest time a mailbox goes without a look, pushed or not."""
    region: str
    """Where the deployment is hosted, as shown to administrators."""
    email_url: str = field(repr=False)
    """smtp:// or smtps:// URL for notices; "" writes them to the log."""

    @property
    def is_sandbox(self) -> bool:
        """Whether a provider, or LeadSquared, is the local stand-in."""
        return bool(self.google_url or self.microsoft_url or self.leadsquared_url)


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment; raises ``Misconfigured`` with the variable's name for a bad value."""
    env = os.environ if environ is None else environ
    home = Path(env.get("POSTROOM_HOME") or platformdirs.user_data_dir("postroom")).expanduser().absolute()
    public_url = _origin(env, "POSTROOM_URL", "http://127.0.0.1:8000")
    host = urlsplit(public_url).hostname or ""
    return Config(
        home=home,
        database_url=env.get("DATABASE_URL", ""),
        blob_url=env.get("POSTROOM_BLOB_URL") or (home / "blobs").as_uri(),
        public_url=public_url,
        allowed_hosts=tuple(h for h in env.get("POSTROOM_ALLOWED_HOSTS", "").split(",") if h)
        or (host, "127.0.0.1", "localhost"),
        proxies=_number(env, "POSTROOM_PROXIES", 1 if public_url.startswith("https://") else 0),
        debug=_flag(env, "POSTROOM_DEBUG"),
        google_url=_origin(env, "POSTROOM_GOOGLE_URL", ""),
        google_client_id=env.get("POSTROOM_GOOGLE_CLIENT_ID", ""),
        google_client_secret=env.get("POSTROOM_GOOGLE_CLIENT_SECRET", ""),
        google_topic=env.get("POSTROOM_GOOGLE_TOPIC", ""),
        google_push_audience=env.get("POSTROOM_GOOGLE_PUSH_AUDIENCE", f"{public_url}/push/google/"),
        google_push_service_account=env.get("POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT", ""),
        microsoft_url=_origin(env, "POSTROOM_MICROSOFT_URL", ""),
        microsoft_client_id=env.get("POSTROOM_MICROSOFT_CLIENT_ID", ""),
        microsoft_client_secret=env.get("POSTROOM_MICROSOFT_CLIENT_SECRET", ""),
        microsoft_tenant=env.get("POSTROOM_MICROSOFT_TENANT", ""),
        leadsquared_url=_origin(env, "POSTROOM_LEADSQUARED_URL", ""),
        webhook_allow=_allowance(env.get("POSTROOM_WEBHOOK_ALLOW", "")),
        gmail_units_per_minute=_number(env, "POSTROOM_GMAIL_UNITS_PER_MINUTE", 6000),
        poll_seconds=_number(env, "POSTROOM_POLL_SECONDS", 300),
        region=env.get("POSTROOM_REGION", THIS_SERVER),
        email_url=env.get("POSTROOM_EMAIL_URL", ""),
    )


def _origin(env: Mapping[str, str], name: str, default: str) -> str:
    value = (env.get(name) or default).rstrip("/")
    if value and urlsplit(value).scheme not in {"http", "https"}:
        raise Misconfigured(f"{name} must start with http:// or https://, but is {value!r}.")
    return value


def _allowance(value: str) -> WebhookAllowance:
    """From host names, addresses and networks, separated by commas."""
    hosts, networks = set[str](), list[Network]()
    for entry in (each.strip() for each in value.split(",") if each.strip()):
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            if "/" in entry or ":" in entry:
                raise Misconfigured(
                    f"POSTROOM_WEBHOOK_ALLOW names host names and networks such as 10.0.0.0/8, not {entry!r}."
                ) from error
            hosts.add(entry.lower())
    return WebhookAllowance(frozenset(hosts), tuple(networks))


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise Misconfigured(f"{name} must be yes or no, but is {value!r}.")


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if value.isascii() and value.isdigit():
        return int(value)
    raise Misconfigured(f"{name} must be a whole number, but is {value!r}.")
