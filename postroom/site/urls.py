"""Every route of the site."""

from django.urls import include, path

urlpatterns = [path("", include("postroom.web.urls"))]
