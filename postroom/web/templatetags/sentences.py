"""``{{ row.reason|told }}``: what a room below said, in the viewer's language."""

from django import template

from postroom.web import sentences

register = template.Library()
register.filter("told", sentences.told)
