"""Addresses of the pages."""

from django.urls import path

from conversions.views import detail, files, history, studio

app_name = "conversions"
urlpatterns = [
    path("", studio.studio, name="studio"),
    path("history/", history.history, name="history"),
    path("conversions/<uuid:conversion_id>/", detail.detail, name="detail"),
    path("conversions/<uuid:conversion_id>/status/", detail.status, name="status"),
    path("conversions/<uuid:conversion_id>/download/", files.download, name="download"),
    path("conversions/<uuid:conversion_id>/source/", files.source, name="source"),
    path("conversions/<uuid:conversion_id>/cancel/", detail.cancel, name="cancel"),
    path("conversions/<uuid:conversion_id>/retry/", detail.retry, name="retry"),
    path("conversions/<uuid:conversion_id>/delete/", detail.delete, name="delete"),
    path("voices/<int:voice_id>/preview/", files.preview, name="preview"),
]
