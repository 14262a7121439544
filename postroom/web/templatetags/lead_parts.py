"""What the templates of leads need beyond Django's own filters."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(values: Mapping[Any, object], key: object) -> object:
    """The value under a key; None where there is none."""
    return values.get(key)
