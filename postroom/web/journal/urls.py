from django.urls import path

from postroom.web.journal import views

urlpatterns = [path("", views.page, name="journal")]
