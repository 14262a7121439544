from django.urls import path

from postroom.web.tags import views

urlpatterns = [path("check/", views.check, name="tags_check")]
