"""Every page's route."""

from allauth.account import views as sign_in
from django.urls import include, path

from postroom.web import entrance

urlpatterns = [
    path("", entrance.home, name="home"),
    path("healthz", entrance.healthz, name="healthz"),
    path("", include("postroom.web.my_inbox.urls")),
    path("", include("postroom.web.consent.urls")),
    path("leads/", include("postroom.web.leads.urls")),
    path("leads/import/", include("postroom.web.lead_imports.urls")),
    path("leads/fields/", include("postroom.web.lead_fields.urls")),
    path("leads/sources/", include("postroom.web.lead_sources.urls")),
    path("mails/", include("postroom.web.mails.urls")),
    path("mailboxes/", include("postroom.web.mailboxes.urls")),
    path("bulk-connect/", include("postroom.web.bulk_connect.urls")),
    path("", include("postroom.web.people.urls")),
    path("my-account/", include("postroom.web.my_account.urls")),
    path("my-account/api-tokens/", include("postroom.web.api_tokens.urls")),
    path("journal/", include("postroom.web.dashboard.urls")),
    path("settings/", include("postroom.web.setup.urls")),
    path("settings/destinations/", include("postroom.web.destinations.urls")),
    path("tags/", include("postroom.web.tags.urls")),
    path("push/", include("postroom.web.push.urls")),
    path("api/", include("postroom.web.api_reference.urls")),
    path("api/v1/", include("postroom.api.urls")),
    path("sign-in/", sign_in.login, name="account_login"),
    path("sign-out/", sign_in.logout, name="account_logout"),
    path("sign-up/", sign_in.signup, name="account_signup"),
    path("inactive/", sign_in.account_inactive, name="account_inactive"),
    path("confirm/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("password/", sign_in.password_change, name="account_change_password"),
    path("password/set/", sign_in.password_set, name="account_set_password"),
    path("password/reset/", sign_in.password_reset, name="account_reset_password"),
    path("password/reset/sent/", sign_in.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/<uidb36>-<key>/",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/done/",
        sign_in.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
