from django.urls import path

from postroom.web.people import views

urlpatterns = [
    path("people/", views.index, name="people"),
    path("people/invite/", views.invite, name="invite"),
    path("people/fields/", views.fields, name="user_fields"),
    path("people/fields/<int:pk>/", views.field, name="user_field"),
    path("people/fields/<int:pk>/remove/", views.remove_field, name="user_field_remove"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/fields/", views.person_fields, name="person_fields"),
    path("people/<int:pk>/deactivate/", views.deactivate, name="person_deactivate"),
    path("people/<int:pk>/activate/", views.activate, name="person_activate"),
    path("people/<int:pk>/invitation/send/", views.invite_again, name="invitation_send"),
    path("people/<int:pk>/invitation/cancel/", views.cancel_invitation, name="invitation_cancel"),
    path("invitation/<str:token>/", views.accept, name="invitation"),
]
