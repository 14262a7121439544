"""Every page's route."""

urlpatterns: list = []
