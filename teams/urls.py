"""Addresses about oneself and one's team."""

from django.urls import path

from teams import joining, views

app_name = "teams"
urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/choices/", views.choices, name="choices"),
    path("join/<str:token>/", joining.join, name="join"),
]
