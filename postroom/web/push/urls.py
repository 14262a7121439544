from django.urls import path

from postroom.web.push import views

urlpatterns = [path("google/", views.google, name="push_google")]
