from django.urls import path

from postroom.web.push import views

urlpatterns = [
    path("google/", views.google, name="push_google"),
    path("outlook/<int:pk>/", views.outlook, name="push_outlook"),
]
