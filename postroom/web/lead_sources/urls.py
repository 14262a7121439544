from django.urls import path

from postroom.web.lead_sources import views

urlpatterns = [
    path("", views.index, name="lead_sources"),
    path("<int:pk>/", views.change, name="lead_source"),
    path("<int:pk>/merge/", views.merge, name="lead_source_merge"),
    path("<int:pk>/delete/", views.delete, name="lead_source_delete"),
]
