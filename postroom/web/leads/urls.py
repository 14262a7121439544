from django.urls import path

from postroom.web.leads import changing, erasing, merging, views

urlpatterns = [
    path("", views.index, name="leads"),
    path("new/", changing.create, name="lead_new"),
    path("export/", changing.export, name="leads_export"),
    path("<int:pk>/", views.details, name="lead"),
    path("<int:pk>/history/", views.history, name="lead_history"),
    path("<int:pk>/older/", views.older, name="lead_older"),
    path("<int:pk>/edit/", changing.edit, name="lead_edit"),
    path("<int:pk>/delete/", changing.delete, name="lead_delete"),
    path("<int:pk>/merge/", merging.choose, name="lead_merge"),
    path("<int:pk>/merge/<int:other>/", merging.decide, name="lead_merge_with"),
    path("<int:pk>/erase/", erasing.erase, name="lead_erase"),
    path("merges/<int:pk>/undo/", merging.take_back, name="merge_undo"),
    path("erasures/", erasing.erasures, name="erasures"),
    path("erasures/<int:pk>/", erasing.erasure, name="erasure"),
]
