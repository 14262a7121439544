from django.urls import path

from postroom.web.api_reference import views

urlpatterns = [path("", views.page, name="api_reference")]
