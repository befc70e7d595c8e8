"""Addresses about oneself and one's team."""

from django.urls import path

from teams import views

app_name = "teams"
urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/choices/", views.choices, name="choices"),
]
