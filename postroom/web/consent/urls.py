from django.urls import path

from postroom.connector.models import Provider
from postroom.providers.registry import PROVIDERS
from postroom.web.consent import views

urlpatterns = [
    path(
        PROVIDERS[provider].callback,
        views.callback,
        {"provider": provider},
        name=f"{provider.value}_callback",
    )
    for provider in Provider
]
