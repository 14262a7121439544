"""What `postroom doctor` says about the providers."""

from dataclasses import replace

from django.conf import settings as django_settings

from postroom.connector.models import Provider
from postroom.connector.secrets import save_client
from postroom.connector.setting_up import save_providers
from postroom.providers.base import Client
from postroom.sync.doctor import Finding, examine


def finding(subject: str) -> Finding:
    return next(each for each in examine() if each.subject == subject)


def test_the_redirect_addresses_to_register_are_named(account):
    found = finding("Providers")
    assert found.ok
    assert "http://testserver/oauth/google/callback/" in found.said
    assert "http://testserver/oauth/outlook/callback/" in found.said


def test_a_provider_that_is_on_needs_a_client(account, settings):
    settings.POSTROOM = replace(django_settings.POSTROOM, microsoft_client_id="")
    found = finding("Providers")
    assert not found.ok
    assert "POSTROOM_MICROSOFT_CLIENT_ID" in found.said
    save_client(account, Provider.OUTLOOK, Client("own", "secret"))
    assert finding("Providers").ok


def test_a_provider_that_is_off_needs_none(account, settings):
    settings.POSTROOM = replace(django_settings.POSTROOM, microsoft_client_id="")
    save_providers(account, ["gmail"], None)
    assert finding("Providers").ok


def test_outlook_pushes_to_https_only(account, settings):
    assert "https" in finding("Push of Outlook").said
    settings.POSTROOM = replace(django_settings.POSTROOM, public_url="https://postroom.example")
    assert "https://postroom.example/push/outlook/" in finding("Push of Outlook").said
