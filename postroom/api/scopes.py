"""What a token may do, within what its user may do."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    LEADS_READ = "leads:read", _("Read leads, lead fields and lead sources")
    LEADS_WRITE = "leads:write", _("Create, change, merge and delete leads")
    ACTIVITIES_READ = "activities:read", _("Read the mail on leads, with attachments")
    JOURNAL_READ = "journal:read", _("Read the journal")
    MAILBOXES_READ = "mailboxes:read", _("Read mailboxes and their states")
    MAILBOXES_WRITE = "mailboxes:write", _("Pause, resume, deactivate and activate mailboxes")
    SETTINGS_READ = "settings:read", _("Read the settings")
    SETTINGS_WRITE = "settings:write", _("Change the settings")
    USERS_READ = "users:read", _("Read users")
    DESTINATIONS_READ = "destinations:read", _("Read destinations and deliveries")
