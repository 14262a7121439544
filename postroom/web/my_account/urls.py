from django.urls import path

from postroom.web.my_account import views

urlpatterns = [path("", views.page, name="my_account")]
