"""Every page's route."""

from django.urls import path

urlpatterns: list = []
