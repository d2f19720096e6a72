"""Addresses of the pages. Ids are opaque; nothing in an address says who a patient is."""

from __future__ import annotations

from django.urls import path

from counterfoil.service.pages.views import (
    audits,
    case,
    importing,
    letter,
    other,
    patients,
    pilot,
    questions,
    requests,
    team,
    today,
)

urlpatterns = [
    path("", today.today, name="today"),
    path("next/", today.following, name="next"),
    path("cases/<uuid:ref>/", case.case, name="case"),
    path("cases/<uuid:ref>/claim/", case.claim, name="claim"),
    path("cases/<uuid:ref>/hand-over/", case.hand_over, name="hand-over"),
    path("cases/<uuid:ref>/answers/<uuid:handover>/", case.acknowledge, name="acknowledge"),
    path("cases/<uuid:ref>/findings/<str:finding>/<slug:action>/", case.decide, name="decide"),
    path("letters/", letter.letters, name="letters"),
    path("letters/add/", letter.add, name="add-letter"),
    path("letters/quality/", letter.quality, name="letter-quality"),
    path("letters/<uuid:ref>/", letter.letter, name="letter"),
    path("letters/<uuid:ref>/confirm-same/", letter.confirm_same, name="confirm-same"),
    path("letters/<uuid:ref>/finish/", letter.finish, name="finish-letter"),
    path("letters/<uuid:ref>/outcome/", letter.outcome, name="letter-outcome"),
    path("letters/<uuid:ref>/outcome.pdf", letter.outcome_pdf, name="letter-pdf"),
    path("letters/<uuid:ref>/original/", letter.original, name="original-letter"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<uuid:ref>/", requests.one, name="request"),
    path("requests/<uuid:ref>/note/", requests.read_note, name="read-note"),
    path("requests/<uuid:ref>/next/", requests.following, name="next-request"),
    path("cases/<uuid:ref>/erd/", requests.erd, name="erd"),
    path("questions/", questions.questions, name="questions"),
    path("questions/<uuid:ref>/reply/", questions.reply, name="reply"),
    path("patients/", patients.patients, name="patients"),
    path("audits/", audits.audits, name="audits"),
    path("audits/<str:name>/", audits.rule, name="rule"),
    path("audits/<str:name>/approve/", audits.approve, name="approve-rule"),
    path("team/", team.team, name="team"),
    path("pilot/", pilot.pilot, name="pilot"),
    path("pilot/report.css", pilot.style, name="pilot-style"),
    path("pilot/<str:organisation>/report/", pilot.report, name="pilot-report"),
    path("import/", importing.start, name="import"),
    path("import/<uuid:ref>/", importing.tried, name="import-tried"),
    path("import/<uuid:ref>/publish/", importing.publish, name="import-publish"),
    path("import/<uuid:ref>/forget/", importing.forget, name="import-forget"),
    path("keys/", other.keys, name="keys"),
]
