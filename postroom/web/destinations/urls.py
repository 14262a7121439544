from django.urls import path

from postroom.web.destinations import deliveries, leadsquared, views, webhook

urlpatterns = [
    path("", views.index, name="destinations"),
    path("new/leadsquared/", leadsquared.new, name="destination_new_leadsquared"),
    path("new/leadsquared/types/", leadsquared.new_types, name="destination_new_leadsquared_types"),
    path("new/webhook/", webhook.new, name="destination_new_webhook"),
    path("<int:pk>/", views.page, name="destination"),
    path("<int:pk>/edit/", views.edit, name="destination_edit"),
    path("<int:pk>/keys/", leadsquared.keys, name="destination_keys"),
    path("<int:pk>/secret/", webhook.rotate, name="destination_secret"),
    path("<int:pk>/check/", views.check, name="destination_check"),
    path("<int:pk>/pause/", views.pause, name="destination_pause"),
    path("<int:pk>/resume/", views.resume, name="destination_resume"),
    path("<int:pk>/remove/", views.remove, name="destination_remove"),
    path("<int:pk>/again/", deliveries.again, name="destination_again"),
    path("<int:pk>/drop/", deliveries.drop, name="destination_drop"),
]
