from django.urls import path

from postroom.web.dashboard import views

urlpatterns = [
    path("", views.everyone, name="journal"),
    path("csv/", views.everyone_csv, name="journal_csv"),
    path("<int:pk>/", views.one_user, name="dashboard"),
    path("<int:pk>/csv/", views.one_user_csv, name="dashboard_csv"),
]
