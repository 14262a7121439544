from django.apps import AppConfig


class DestinationsConfig(AppConfig):
    name = "postroom.destinations"
    label = "destinations"
