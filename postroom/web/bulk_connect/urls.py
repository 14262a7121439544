from django.urls import path

from postroom.web.bulk_connect import access, runs, users

urlpatterns = [
    path("", access.page, name="bulk_connect"),
    path("<slug:name>/access/", access.save, name="bulk_access"),
    path("<slug:name>/access/test/", access.test, name="bulk_access_test"),
    path("<slug:name>/access/again/", access.again, name="bulk_access_again"),
    path("<slug:name>/access/forget/", access.forget, name="bulk_access_forget"),
    path("<slug:name>/users/", users.choose, name="bulk_users"),
    path("<slug:name>/preview/", users.preview, name="bulk_preview"),
    path("runs/<int:pk>/", runs.page, name="bulk_run"),
    path("runs/<int:pk>/again/", runs.again, name="bulk_run_again"),
    path("runs/<int:pk>/undo/", runs.undo, name="bulk_run_undo"),
]
