from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "postroom.organisations"
    label = "organisations"
