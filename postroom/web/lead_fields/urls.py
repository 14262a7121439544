from django.urls import path

from postroom.web.lead_fields import views

urlpatterns = [
    path("", views.index, name="lead_fields"),
    path("<int:pk>/", views.change, name="lead_field"),
    path("<int:pk>/retire/", views.retire, name="lead_field_retire"),
    path("<int:pk>/restore/", views.restore, name="lead_field_restore"),
]
