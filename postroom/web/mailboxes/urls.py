from django.urls import path

from postroom.web.mailboxes import views

urlpatterns = [
    path("", views.index, name="mailboxes"),
    path("all/<slug:action>/", views.change_many, name="mailboxes_change"),
    path("<int:pk>/<slug:action>/", views.change, name="mailbox_change"),
]
