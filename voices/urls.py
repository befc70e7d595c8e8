"""Addresses of the voices."""

from django.urls import path

from voices import views

app_name = "voices"
urlpatterns = [path("favourite/", views.favourite, name="favourite")]
