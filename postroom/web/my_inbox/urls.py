from django.urls import path

from postroom.web.my_inbox import views

urlpatterns = [
    path("my-inbox/", views.page, name="my_inbox"),
    path("my-inbox/state/", views.state, name="my_inbox_state"),
    path("my-inbox/own/", views.own, name="my_inbox_own"),
    path("my-inbox/connect/", views.connect, name="my_inbox_connect"),
    path("my-inbox/activate/", views.activate, name="my_inbox_activate"),
    path("my-inbox/pause/", views.pause, name="my_inbox_pause"),
    path("my-inbox/resume/", views.resume, name="my_inbox_resume"),
    path("my-inbox/remove/", views.remove, name="my_inbox_remove"),
]
