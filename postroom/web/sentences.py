"""Sentences that the rooms below the pages make, told in the language of the viewer.

Those rooms know no Django: they speak English, in reasons, refusals and errors, and the journal keeps what
they said. A sentence is found again by its text among ``SENTENCES``; what stood in it is read out of it, and
put into the translation. A sentence that is not among them stays as it is, and so do the words of a server
outside that some sentences quote.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from django.utils import translation
from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("Sync is switched off for the whole account."),
    _("Sync of sent mail is switched off."),
    _("Sync of received mail is switched off."),
    _("There is no keyword to look for."),
    _("There is no place to look for keywords."),
    _("An address in %(field)s is on the exclusion list."),
    _("Nobody but the rep is on this mail."),
    _("Sender and recipients are all internal."),
    _("This is an automatic reply, which does not sync."),
    _("This is a bounce, which does not sync."),
    _("This is mail from a mailing list, which does not sync."),
    _("This is calendar mail, which does not sync."),
    _("No keyword is in the subject."),
    _("No keyword is in the body."),
    _("No keyword is in the subject or body."),
    _("Nobody on this mail is a lead, and new leads are not captured."),
    _("Nobody on this mail is a lead, and a bounce makes no leads."),
    _("Nobody on this mail is a lead, and nobody on it may become one."),
    _("Synced: sent mail."),
    _("Synced: received mail."),
    _("Synced: sent mail with a keyword in the %(field)s."),
    _("Synced: received mail with a keyword in the %(field)s."),
    _("Synced: sent mail with the keyword “%(keyword)s” in the %(field)s."),
    _("Synced: received mail with the keyword “%(keyword)s” in the %(field)s."),
    _("%(number)s leads have the same address in the field %(name)s; the oldest is used."),
    _("An entry is an address such as jane@example.com, or a domain such as example.com."),
    _("This is too long for an address or a domain."),
    _("A star stands for nothing in an address; for everyone there, enter the domain."),
    _("These are several addresses; enter them one by one."),
    _("This is not an address; one looks like jane@example.com."),
    _("A star stands for nothing here; a domain covers its subdomains by itself."),
    _("These are several words; enter one address or domain at a time."),
    _("An IP address is not a domain; enter the domain or the whole address."),
    _("“%(text)s” is not a whole domain; one looks like example.com."),
    _("Anyone can have a domain under “%(text)s”; enter a domain below it."),
    _("“%(text)s” cannot be a domain; one looks like example.com."),
    _("Enter a domain, not an address."),
    _("A keyword has at least one character, and at most 255."),
    _("It holds a character that cannot be stored."),
    _("Choose at least one field by which leads are found."),
    _("Choose each field only once."),
    _("Choose between 0 and %(number)s days."),
    _("Enter at least one internal domain, or let internal mail sync."),
    _("Choose at least one kind, or leave attachments out."),
    _("Choose at least one field that new leads are captured from."),
    _("Add at least one keyword, or let all emails sync."),
    _("Choose the subject, the body or both."),
    _("Choose at least one field that exclusions apply to."),
    _("This user may not connect a mailbox at present. An administrator decides who may."),
    _("Postroom holds no authorisation for this mailbox. Reconnect it."),
    _(
        "Your administrator connected this mailbox for you, so there is nothing to sign in to. They "
        "are told when Postroom cannot read it."
    ),
    _("Deactivated by %(who)s on %(day)s."),
    _("%(address)s is connected already. Remove it first to connect %(other)s."),
    _("%(text)s is not a mail address."),
    _("%(address)s does not belong to %(account)s, whose mail domain is %(domains)s. Use the work address."),
    _("%(address)s is connected by a colleague already."),
    _("%(who)s has connected %(address)s already."),
    _("The account has no mail domains yet, so any mailbox would count as its own. The operator adds them."),
    _(
        "An administrator removed the permission by which Postroom read this mailbox. It goes on "
        "once they enter another."
    ),
    _("Postroom is not set up yet, so no mailbox can be connected."),
    _(
        "Postroom is not set up yet, so no mailbox can be connected. %(who)s has to finish the "
        "set-up first; still open: %(what)s."
    ),
    _("Your company does not connect mailboxes of this provider."),
    _("Your company does not connect %(provider)s mailboxes at present."),
    _("Sync is switched off for all users at the moment, so no mailbox can be connected."),
    _(
        "The mailbox was removed here, but %(company)s could not be told. Remove Postroom's access "
        "at %(page)s too."
    ),
    _(
        "There is no %(company)s OAuth client yet: an administrator enters one in the settings, "
        "under Provider, or the operator sets %(id)s and %(secret)s."
    ),
    _("Someone else saved these settings meanwhile. Look at what they saved, then save yours again."),
    _("The mailbox no longer accepts Postroom's authorisation; reconnect it."),
    _("The mail provider cannot be reached at the moment."),
    _("The provider asks Postroom to slow down."),
    _("The mail provider gave an answer that Postroom cannot use."),
    _("Postroom is not set up correctly."),
    _("The mail was deleted before it could be read."),
    _("This mail cannot be read; it was set aside."),
    _("The mail was moved out of Inbox and Sent before it could be read."),
    _("This mail is too large to be read."),
    _("This mail is larger than 100 MB."),
    _(
        "Google no longer accepts this mailbox's authorisation: it was revoked, it expired, or the "
        "password was changed. Reconnect the mailbox."
    ),
    _("Google no longer accepts Postroom's access to this mailbox; reconnect it."),
    _(
        "Your Google Workspace administrator does not allow Postroom. Ask them to mark the app as "
        "trusted, then reconnect."
    ),
    _("Your Google Workspace administrator must mark Postroom as trusted first. Please ask them."),
    _("The OAuth app is limited to another organisation. Ask your administrator, then reconnect."),
    _("Google does not allow this OAuth client to renew its access. Reconnect the mailbox."),
    _(
        "This is a personal Google account. Postroom connects Google Workspace mailboxes only, so "
        "that private mail never reaches the CRM. Nothing of it was kept."
    ),
    _("The permission to read mail was not given. Connect again and leave its box ticked."),
    _("Google gave a permission that ends within the hour. Connect again."),
    _("Google did not accept this sign-in: it took too long, or it was used before. Connect again."),
    _("Google says that the consent was declined. Nothing was connected."),
    _("Google could not complete the consent (%(reason)s). Please try again."),
    _("Gmail has asked to slow down."),
    _("Gmail is overloaded."),
    _("Gmail, or something on the way to it, answered %(status)s."),
    _("Gmail is switched off for this account in Google Workspace."),
    _("The Gmail API is not enabled in the Google Cloud project of the OAuth client."),
    _(
        "The Google Workspace administrator has switched off Gmail, or access to it by other apps. "
        "Ask them to mark the app as trusted, then reconnect."
    ),
    _("The permission to read mail is missing. Reconnect and leave its box ticked."),
    _("Google does not know the OAuth client id, or its secret is wrong."),
    _("The OAuth client was deleted in the Google Cloud console."),
    _("The OAuth client is disabled in the Google Cloud console."),
    _("Microsoft no longer accepts this mailbox's authorisation. Reconnect the mailbox."),
    _("Microsoft no longer accepts Postroom's access to this mailbox; reconnect it."),
    _("Microsoft did not accept this sign-in: it took too long, or it was used before. Connect again."),
    _(
        "This is a personal Microsoft account. Postroom connects Microsoft 365 mailboxes of "
        "organisations only, so that private mail never reaches the CRM. Nothing of it was kept; the "
        "permission can be taken back at %(page)s."
    ),
    _("The permission to read mail was not given. Connect again and accept what is asked for."),
    _("The permission was declined. Connect again and accept what is asked for."),
    _("Microsoft gave a permission that ends within the hour. Connect again."),
    _(
        "Postroom has forgotten this mailbox. Microsoft lets no app give a permission back, so "
        "remove Postroom at %(page)s, too."
    ),
    _("The permission to read this mailbox was taken back. Reconnect the mailbox."),
    _(
        "The password was changed or all sign-ins were ended, so Microsoft wants a new sign-in. "
        "Reconnect the mailbox."
    ),
    _("The password has expired or was changed. Reconnect the mailbox."),
    _("The authorisation of this mailbox ran out. Reconnect the mailbox."),
    _("The permission to read mail is missing. Reconnect the mailbox and accept what is asked for."),
    _(
        "An administrator of your organisation must approve Postroom first. Ask for it, then "
        "reconnect the mailbox."
    ),
    _("Microsoft has asked to slow down."),
    _("Microsoft, or something on the way to it, answered %(status)s."),
    _(
        "Microsoft wants this person to sign in again: the password, the place or a policy has "
        "changed. Reconnect the mailbox."
    ),
    _("This file cannot be read as CSV."),
    _("The file is empty."),
    _("This is not a text file. Export the leads as CSV (UTF-8) and choose that file."),
    _("This is an Excel workbook. Save it as CSV first (File, Save as, CSV UTF-8)."),
    _("A quotation mark opens here and is not closed, so %(number)s lines were read as one row."),
    _("The row has %(number)s cells, but the header names %(width)s columns."),
    _("The first line of the file must name the columns, such as Email or First name."),
    _("The file has %(number)s columns; at most %(most)s can be read."),
    _("The file has a header but no rows below it."),
    _("At most %(most)s rows can be imported at once. Split the file."),
    _("Choose a field, or nothing, for each column of the file."),
    _("Choose the column that holds the email address; by it leads are recognised."),
    _("This import is already under way, or over."),
    _("Two columns are set to %(label)s. Choose it for one of them."),
    _("There is no lead %(pk)s."),
    _("“%(text)s” is no mail address."),
    _("There is no user “%(text)s” who could be the owner."),
    _("%(address)s belongs to lead %(pk)s already."),
    _("“%(text)s” is no lead id."),
    _("The row has no email address."),
    _("The value for %(name)s has %(number)s characters, too many."),
    _("The same lead as in line %(line)s; only that row is used."),
    _("Leads have no field %(name)s."),
    _("%(label)s is yes or no."),
    _("%(label)s needs a mail address; %(text)s is none."),
    _("%(label)s needs a number; %(text)s is none."),
    _("%(label)s needs a date such as 2026-05-04."),
    _("%(label)s is one of %(options)s."),
    _("%(label)s holds at most %(number)s characters."),
    _("This is no mail address; one looks like jane@example.com."),
    _("Enter a name, a company or an email address."),
    _("A phone number has digits, such as +49 30 1234567."),
    _("At most %(number)s characters, please."),
    _("This cannot be empty."),
    _("%(text)s is in use already."),
    _("Type a mail address, such as rita@company.example."),
    _("This address is too long."),
    _("This invitation does not hold any more. Ask whoever invited you for a new one."),
    _("You cannot deactivate yourself; another administrator can."),
    _("%(who)s is the only administrator. Make someone else an administrator first."),
    _("Nobody can be their own manager."),
    _("There is a user field %(label)s already."),
    _("Access to “%(what)s” goes by this field. Change that first."),
    _("This holds characters that cannot be seen. Please type it again."),
    _("Choose at least one role; to stop everyone, switch the sync off instead."),
    _("Choose one of the user fields."),
    _("There is a destination %(name)s already."),
    _("A destination needs a name of at most 100 characters."),
    _("This destination was removed in the meantime."),
    _("Someone else saved this destination meanwhile. Look at what they saved, then save yours again."),
    _("This is no URL; one looks like https://example.com/webhooks."),
    _("The URL must begin with https://, for mail of customers goes there."),
    _("Leave user name and password out of the URL: each request is signed instead."),
    _("Choose at least one event."),
    _("LeadSquared did not answer in time."),
    _("The destination did not answer in time."),
    _(
        "The file has %(size)s MB; at most %(most)s MB can be imported at once. Split it and import "
        "the parts."
    ),
    _("The first line cannot be read: %(error)s"),
    _("Postroom failed at this file (%(fault)s); the worker's log has more. What was written stays."),
    _("The password has expired. Change it, then reconnect the mailbox."),
    _("This account is at risk and needs a new password. Change it, then reconnect the mailbox."),
    _("This account was blocked for being at risk. Ask your administrator, then reconnect the mailbox."),
    _("The mailbox was not read for 90 days, so its authorisation ran out. Reconnect the mailbox."),
    _("The organisation lets sign-ins last for a limited time, which is over. Reconnect the mailbox."),
    _("The organisation now asks for a second factor at sign-in. Reconnect the mailbox."),
    _(
        "The organisation now asks for a second factor, which has to be set up. Do so, then "
        "reconnect the mailbox."
    ),
    _("The organisation asks for a second factor at sign-in. Reconnect the mailbox."),
    _("The second factor has to be given again. Reconnect the mailbox."),
    _("The organisation asks for a further check at sign-in. Reconnect the mailbox."),
    _("This account is disabled. Ask your administrator, then reconnect the mailbox."),
    _("This account is no longer in its organisation. Connect another, or reconnect it once it is back."),
    _("The administrator has not assigned Postroom to this person. Ask for it, then reconnect the mailbox."),
    _("The organisation allows approved devices only. Ask your administrator, then reconnect the mailbox."),
    _("The organisation allows its own devices only. Ask your administrator, then reconnect the mailbox."),
    _("A Conditional Access policy keeps Postroom out. Ask your administrator, then reconnect the mailbox."),
    _("A security policy keeps Postroom out. Ask your administrator, then reconnect the mailbox."),
    _("An administrator has been asked to approve Postroom. Reconnect the mailbox once that is done."),
    _("Entra does not accept the client secret: it is wrong, or its id was entered in place of its value."),
    _("The client secret has expired. Make a new one in Entra's app registration and enter it."),
    _("Entra wants a client secret; the app registration must be of type Web."),
    _(
        "Entra does not know the application id in this organisation. Check it, or let an "
        "administrator consent."
    ),
    _("The application is disabled in Entra."),
    _("The app registration is for one organisation only. Make it multitenant, or name the tenant."),
    _("The app registration lacks the permissions that Postroom asks for, or an administrator's consent."),
    _("Entra does not know Microsoft Graph in this organisation."),
    _("The app registration does not list Postroom's address as a redirect URI."),
    _("The OAuth client does not list Postroom's address as a redirect URI."),
    _("Entra does not know this organisation. Check the tenant's id."),
    _("Entra does not know one of the permissions that Postroom asks for."),
    _("Entra does not accept the application's id or secret."),
    _("Microsoft asks to slow down."),
    _("Google asks to slow down."),
    _("Microsoft's sign-in service answered %(status)s."),
    _("Google's sign-in service answered %(status)s."),
    _("Microsoft gave an access token of no sensible lifetime."),
    _("Google gave an access token of no sensible lifetime."),
    _("Gmail does not understand the request."),
    _("Microsoft Graph does not understand the request."),
    _("What was asked for does not exist at Microsoft."),
    _("Microsoft 365 has no user of this address, or the user was deleted."),
    _(
        "An Exchange application access policy keeps Postroom out of this mailbox. Ask the "
        "administrator to allow it, then reconnect."
    ),
    _(
        "The application may not read this mailbox. Either an administrator has not consented to "
        "Mail.Read as an application permission, or the mailbox is outside of the group that the "
        "permission is limited to in Exchange (RBAC for Applications). A change there takes up to "
        "two hours to count."
    ),
    _(
        "This account has no mailbox in Exchange Online: it lacks a licence, or its mail is kept "
        "elsewhere. Reconnect once it has one."
    ),
    _(
        "Microsoft cannot reach Postroom's address for notifications, or was not answered. It must "
        "be reachable from the internet by https."
    ),
    _("What should be made exists at Microsoft already."),
    _(
        "This is not the JSON key of a service account. In the Google Cloud console, open the "
        "service account, then Keys, Add key, Create new key, JSON, and enter the whole file. (Its "
        "type is %(kind)s.)"
    ),
    _(
        "This is not the JSON key of a service account. In the Google Cloud console, open the "
        "service account, then Keys, Add key, Create new key, JSON, and enter the whole file."
    ),
    _("The key file lacks %(names)s. Enter the whole file, unchanged."),
    _(
        "The private key in this file cannot be read: part of it is missing, or it was changed. "
        "Enter the whole file, unchanged."
    ),
    _("The private key in this file is not an RSA key of %(bits)s bits or more."),
    _(
        "Google does not accept the service account's key: it was deleted or disabled, or has "
        "expired. Make another key, and enter it."
    ),
    _("The service account was deleted in the Google Cloud console. Make another, and enter its key."),
    _(
        "The service account is not let in for %(user)s: in the admin console, under Security, "
        "Access and data control, API controls, Domain-wide delegation, a super administrator "
        "enters the client id %(id)s with the scope %(scope)s. Google may take up to 24 hours to "
        "let it in everywhere."
    ),
    _(
        "The scope %(scope)s is missing for the service account: in the admin console, under "
        "Security, Access and data control, API controls, Domain-wide delegation, a super "
        "administrator adds it to the client id %(id)s. Google may take up to 24 hours to let it in "
        "everywhere."
    ),
    _(
        "The Google Workspace administrator does not allow this service account to read mail. In "
        "the admin console, under API controls, mark the client id %(id)s as trusted."
    ),
    _(
        "The service account belongs to another organisation, which keeps it to itself. Use one of "
        "your own organisation."
    ),
    _(
        "The service account is disabled. Enable it in the Google Cloud console, under IAM and "
        "admin, Service accounts."
    ),
    _("Google does not know the scope %(scope)s: the Gmail API may be off."),
    _("Google Workspace has no user %(user)s, or the user is suspended."),
    _("The clock of this server is wrong, so Google refuses its requests. Set it."),
    _("There is no OAuth client for Outlook yet. Enter one first, with your organisation's tenant id."),
    _(
        "The OAuth client for Outlook does not say which organisation it is for. Enter your "
        "tenant's id or domain beside it first."
    ),
    _("%(user)s has connected %(address)s already."),
    _("The administrator who asked for this is none any more. Choose the user again."),
    # Of providers, with their own words.
    _("Gmail asks to slow down: %(words)s"),
    _("Gmail answered %(status)s to %(what)s: %(words)s"),
    _("Gmail does not understand %(what)s: %(words)s"),
    _("Google refuses access to this mailbox: %(words)s"),
    _(
        "Gmail may not publish to the Pub/Sub topic, or there is none. Create it and give "
        "gmail-api-push@system.gserviceaccount.com the role Pub/Sub Publisher. Google says: %(words)s"
    ),
    _("Microsoft asks to slow down: %(words)s"),
    _("Microsoft answered %(status)s to %(what)s: %(words)s"),
    _("Microsoft does not know what %(what)s asks for: %(words)s"),
    _("Microsoft does not understand %(what)s: %(words)s"),
    _("Microsoft has what %(what)s asks for: %(words)s"),
    _("Microsoft says: %(words)s"),
    # What destinations say: the log of deliveries, the state of a destination, the reading of its leads.
    _("The worker ended before an answer came."),
    _("There was no answer in time."),
    _("The destination's limit is used up for now."),
    _("It was deleted before it was sent."),
    _("It was merged before it was sent."),
    _("The activity is not there any more."),
    _("The activity is there again."),
    _("The lead is not there any more."),
    _("The lead is there again."),
    _("The merge was undone."),
    _("It waits for the one before."),
    _("It waits for what comes before it on this lead."),
    _("There was no time left for it; it goes next."),
    _("No answer came within the time (%(fault)s)."),
    _("This is no URL that can be called; enter another."),
    _(
        "The URL leads to %(address)s, an address inside a network, which is not called. The operator "
        "can allow it by POSTROOM_WEBHOOK_ALLOW."
    ),
    _("The endpoint cannot be reached: %(words)s"),
    _("The endpoint answered 410 Gone: it wants no more webhooks. Change its URL, or remove it."),
    _("The endpoint answered %(status)s, and redirects are not followed. Change its URL."),
    _("The endpoint answered %(status)s: %(words)s"),
    _("The endpoint answered %(status)s."),
    _("The endpoint took a test and answered %(status)s."),
    _("The webhook has no secret to sign with. Make one."),
    _("The webhook's secret cannot be read. Make a new one."),
    _("Enter LeadSquared's access key and secret key."),
    _("LeadSquared cannot be reached: %(words)s"),
    _("LeadSquared broke off: no answer"),
    _("LeadSquared broke off: %(words)s"),
    _("LeadSquared's answer is no JSON, or was cut short."),
    _("LeadSquared's answer does not say what became of the activities."),
    _("LeadSquared's answer does not say what became of the leads."),
    _("LeadSquared's answer does not mention this activity."),
    _("LeadSquared says: nothing about this lead"),
    _("LeadSquared says: no reason given"),
    _("LeadSquared says: %(words)s"),
    _("LeadSquared asks to slow down: status %(status)s"),
    _("LeadSquared asks to slow down: %(words)s"),
    _(
        "LeadSquared does not accept the access key and secret key: %(words)s Check the keys, that "
        "their user is active, and the region."
    ),
    _(
        "LeadSquared does not show users, activity types and lead fields to these keys; use an "
        "administrator's."
    ),
    _("LeadSquared has no activity type with code %(code)s; choose another."),
    _("LeadSquared answered, but has no activity type with code %(code)s."),
    _("LeadSquared answered: %(number)s active users; mail becomes “%(first)s” and “%(second)s”."),
    _("LeadSquared answered: %(number)s active users; mail becomes %(names)s."),
    _("LeadSquared answered status %(status)s."),
    _("LeadSquared answered %(words)s."),
    _("LeadSquared, or something on the way to it, answered %(status)s."),
    _("LeadSquared has no lead with this address, and Postroom is set to make none there."),
    _("The lead has no mail address, by which LeadSquared could know it."),
    _("LeadSquared had this lead already; its values stay."),
    _("LeadSquared made the lead without its fields: %(sentence)s"),
    _("LeadSquared does not tell whether it has it: %(sentence)s"),
    _("It had arrived at an earlier try."),
    _("Left as it is in LeadSquared."),
    _("It is not known to be in LeadSquared."),
    _("LeadSquared does not have it any more."),
    _("LeadSquared deletes by time, and the lead has another activity of that time."),
    _("LeadSquared changes neither type nor lead of an activity; it stays as it was posted."),
    _("LeadSquared merges no leads for others; both stay, and can be merged there."),
    _("Choose the activity type for mail that was sent."),
    _("Choose the activity type for mail that was received."),
    _("Choose the region of your LeadSquared account."),
    _("Choose your LeadSquared plan."),
    _("Choose what goes into the field %(name)s."),
    _("Choose what happens to what is deleted."),
    _("Choose which values go into which fields."),
    _("Choose yes or no."),
    _("EmailAddress always gets the lead's address."),
    _("Enter how many calls a day Postroom may make, from 1."),
    _("Enter how many calls within %(number)s seconds Postroom may make, from 1."),
    _("%(name)s is no name of a LeadSquared field."),
    _("There is no secret key: set POSTROOM_SECRET_KEYS or remove the empty file."),
    _("A secret key is not 32 bytes in URL-safe base64; `postroom new-key` prints one that is."),
    _(
        "A stored secret cannot be opened with the present keys. Put the key it was sealed with back "
        "at the end of POSTROOM_SECRET_KEYS (or of the file secret-keys)."
    ),
)
"""As they are made, with a name for each value."""
FIELDS: Mapping[str, str] = {
    "from": _("From"),
    "to": _("To"),
    "cc": _("Cc"),
    "bcc": _("Bcc"),
    "subject": _("Subject"),
    "body": _("Body"),
}
"""Names of parts of a mail, as a value has them."""


MOST_PARTS, MOST_TOGETHER = 40, 8
"""Sentences of a text that is looked through, and of those that are tried as one: words of strangers, such as
an endpoint's answer, stand in some, and with each sentence of theirs there is more to try."""


def told(sentence: object) -> str:
    """An error, or a text of one sentence or several, in the language in force."""
    text = str(sentence)
    return _told(text, translation.get_language() or "en") if text else text


@lru_cache(maxsize=4096)
def _told(text: str, language: str) -> str:
    if language.startswith("en"):
        return text
    quoted, mark, rest = text.partition("”: ")
    if mark and text.startswith("“"):
        return f"{quoted}{mark}{_told(rest, language)}"
    if whole := _one(text):
        return whole
    parts = re.split(r"(?<=[.!?])\s+(?=[^a-z])", text)
    if len(parts) > MOST_PARTS:
        return text
    said: list[str] = []
    while parts:
        sizes = range(min(len(parts), MOST_TOGETHER), 0, -1)
        size = next((size for size in sizes if _one(" ".join(parts[:size]))), 0)
        said.append(_one(" ".join(parts[:size])) if size else parts[0])
        parts = parts[size or 1 :]
    return " ".join(said)


def _one(text: str) -> str:
    """The translation of what is one of the sentences; "" for anything else."""
    if text in _patterns():
        return translation.gettext(text)
    for template, pattern in _patterns().items():
        found = pattern.fullmatch(text) if "%(" in template else None
        if found:
            values = {name: _value(name, value) for name, value in found.groupdict().items()}
            return translation.gettext(template) % values
    return ""


def _value(name: str, value: str) -> str:
    if name == "sentence":
        return told(value)
    known = FIELDS.get(value.lower()) if name == "field" else None
    return translation.gettext(known) if known else value


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    return {template: _pattern(template) for template in SENTENCES}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", template)
    named = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(named), re.DOTALL)
