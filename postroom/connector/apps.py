from django.apps import AppConfig


class ConnectorConfig(AppConfig):
    name = "postroom.connector"
    label = "connector"
