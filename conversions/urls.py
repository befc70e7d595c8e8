"""Addresses of the pages."""

from django.conf import settings
from django.urls import path

from conversions.views import (
    auditions,
    batches,
    changes,
    detail,
    exports,
    files,
    history,
    offering,
    own_voices,
    parts,
    pieces,
    presets,
    studio,
    styleguide,
)

app_name = "conversions"
urlpatterns = [
    # First what is asked for most: addresses are looked for in this order.
    path("conversions/<uuid:conversion_id>/status/", detail.status, name="status"),
    path("", studio.studio, name="studio"),
    path("offering.css", offering.offering, name="offering"),
    path("history/", history.history, name="history"),
    path("conversions/<uuid:conversion_id>/", detail.detail, name="detail"),
    path("conversions/<uuid:conversion_id>/download/", files.download, name="download"),
    path("conversions/<uuid:conversion_id>/source/", files.source, name="source"),
    path("conversions/<uuid:conversion_id>/loudness/source/", detail.loud, {"which": "source"}, name="source_loudness"),
    path("conversions/<uuid:conversion_id>/loudness/", detail.loud, {"which": "output"}, name="loudness"),
    path("conversions/<uuid:conversion_id>/peaks/source/", detail.peaks, {"which": "source"}, name="source_peaks"),
    path("conversions/<uuid:conversion_id>/peaks/", detail.peaks, {"which": "output"}, name="peaks"),
    path("conversions/<uuid:conversion_id>/cancel/", changes.cancel, name="cancel"),
    path("conversions/<uuid:conversion_id>/retry/", changes.retry, name="retry"),
    path("conversions/<uuid:conversion_id>/rename/", changes.rename, name="rename"),
    path("conversions/<uuid:conversion_id>/delete/", changes.delete, name="delete"),
    path("conversions/<uuid:conversion_id>/restore/", changes.restore, name="restore"),
    path("conversions/<uuid:conversion_id>/parts/", parts.parts, name="parts"),
    path("conversions/<uuid:conversion_id>/parts/speakers/", parts.speakers, name="parts_speakers"),
    path("conversions/<uuid:conversion_id>/exports/", exports.create, name="exports"),
    path("conversions/<uuid:conversion_id>/film/", exports.film, name="film"),
    path("conversions/<uuid:conversion_id>/exports/status/", exports.status, name="exports_status"),
    path("conversions/<uuid:conversion_id>/exports/<slug:output_format>/", exports.download, name="export"),
    path("conversions/<uuid:conversion_id>/beginning/", pieces.beginning, name="beginning"),
    path("conversions/<uuid:conversion_id>/pieces/", pieces.status, name="pieces"),
    path("conversions/<uuid:conversion_id>/pieces/<int:number>/", pieces.listen, name="piece"),
    path("conversions/<uuid:conversion_id>/pieces/<int:number>/redo/", pieces.redo, name="redo"),
    path("conversions/<uuid:conversion_id>/pieces/<int:number>/redo/cancel/", pieces.cancel_redo, name="cancel_redo"),
    path("batches/<uuid:batch_id>/", batches.batch, name="batch"),
    path("batches/<uuid:batch_id>/status/", batches.status, name="batch_status"),
    path("batches/<uuid:batch_id>/download/", batches.download, name="batch_download"),
    path("batches/<uuid:batch_id>/cancel/", batches.cancel, name="batch_cancel"),
    path("batches/<uuid:batch_id>/retry/", batches.retry, name="batch_retry"),
    path("auditions/<uuid:recording_id>/", auditions.audition, name="audition"),
    path("auditions/<uuid:recording_id>/<uuid:conversion_id>/", auditions.voice, name="audition_voice"),
    path("auditions/<uuid:recording_id>/convert/", auditions.convert, name="audition_convert"),
    path("auditions/<uuid:recording_id>/source/", auditions.source, name="audition_source"),
    path("presets/", presets.presets, name="presets"),
    path("presets/<int:preset_id>/", presets.change, name="preset"),
    path("presets/<int:preset_id>/delete/", presets.delete, name="preset_delete"),
    path("presets/default/", presets.default, name="preset_default"),
    path("voices/", own_voices.own_voices, name="own_voices"),
    path("voices/<uuid:enrolment_id>/", own_voices.own_voice, name="own_voice"),
    path("voices/<uuid:enrolment_id>/rename/", own_voices.rename, name="own_voice_rename"),
    path("voices/<uuid:enrolment_id>/retry/", own_voices.retry, name="own_voice_retry"),
    path("voices/<uuid:enrolment_id>/delete/", own_voices.delete, name="own_voice_delete"),
    path("voices/<int:voice_id>/preview/", files.preview, name="preview"),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide.styleguide, name="styleguide"))
