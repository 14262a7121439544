from django.urls import path

from postroom.web.lead_imports import views

urlpatterns = [
    path("", views.index, name="lead_imports"),
    path("<int:pk>/", views.page, name="lead_import"),
    path("<int:pk>/columns/", views.columns, name="lead_import_columns"),
    path("<int:pk>/go/", views.go, name="lead_import_go"),
    path("<int:pk>/cancel/", views.stop, name="lead_import_cancel"),
    path("<int:pk>/refused/", views.refused, name="lead_import_refused"),
]
