from django.urls import path

from postroom.web.api_tokens import views

urlpatterns = [
    path("", views.own, name="api_tokens"),
    path("all/", views.everyones, name="api_tokens_all"),
    path("<int:pk>/revoke/", views.revoke, name="api_token_revoke"),
]
