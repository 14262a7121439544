from django.urls import path

from postroom.mail.message import Direction
from postroom.web.setup import audit, direction, provider, views

SENT, RECEIVED = {"direction": Direction.SENT}, {"direction": Direction.RECEIVED}

urlpatterns = [
    path("", views.index, name="setup"),
    path("security/", views.security, name="setup_security"),
    path("access/", views.access, name="setup_access"),
    path("provider/", provider.page, name="setup_provider"),
    path("provider/<slug:name>/client/", provider.client, name="setup_client"),
    path("provider/<slug:name>/client/test/", provider.test, name="setup_client_test"),
    path("provider/<slug:name>/client/forget/", provider.forget, name="setup_client_forget"),
    path("provider/<slug:name>/prepared/", provider.prepared, name="setup_prepared"),
    path("provider/<slug:name>/approve/", provider.approve, name="setup_approve"),
    path("outbound/", direction.page, SENT, name="setup_outbound"),
    path("outbound/preview/", direction.preview, SENT, name="setup_outbound_preview"),
    path("inbound/", direction.page, RECEIVED, name="setup_inbound"),
    path("inbound/preview/", direction.preview, RECEIVED, name="setup_inbound_preview"),
    path("advanced/", views.advanced, name="setup_advanced"),
    path("done/", views.done, name="setup_done"),
    path("audit/", audit.page, name="audit"),
]
