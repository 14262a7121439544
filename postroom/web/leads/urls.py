from django.urls import path

from postroom.web.leads import views

urlpatterns = [
    path("", views.index, name="leads"),
    path("<int:pk>/", views.details, name="lead"),
    path("<int:pk>/history/", views.history, name="lead_history"),
]
