"""Signing in, by django-allauth."""
