from django.urls import path

from postroom.web.mails import views

urlpatterns = [
    path("<int:pk>/", views.content, name="mail"),
    path("<int:pk>/body/", views.body, name="mail_body"),
    path("attachments/<int:pk>/", views.attachment, name="attachment"),
    path("attachments/<int:pk>/inline/", views.inline, name="attachment_inline"),
]
