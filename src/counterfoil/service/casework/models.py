"""Findings, cases, decisions, hand-overs, letters, approvals and the event log.

``actions.py`` and ``intake.py`` are the only writers; pages read through ``queries.py``.
"""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from counterfoil.service.accounts.models import Role
from counterfoil.service.organisations.models import Organisation


class AppendOnlyError(Exception):
    """Something tried to change or delete a row that is kept for ever."""


class AppendOnly(models.Model):
    """Rows that are written once. The database refuses the rest as well (migration 0002)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; ``AppendOnlyError`` where the row exists."""
        if not self._state.adding:
            raise AppendOnlyError(f"a {self._meta.verbose_name} is never changed")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always ``AppendOnlyError``."""
        raise AppendOnlyError(f"a {self._meta.verbose_name} is never deleted")


class Case(models.Model):
    """The work on one person: one person, one case, wherever they are registered."""

    class Status(models.TextChoices):
        """Whether there is anything left to do."""

        OPEN = "open", "open"
        CLOSED = "closed", "closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person_id = models.CharField(max_length=80, unique=True)
    practices = models.ManyToManyField(Organisation, related_name="cases")
    """Who sees it: where the person is registered now."""
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="claims"
    )
    claimed_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    """Grows with every write: forms send it back, so that nobody writes over news they have not seen."""


class Finding(models.Model):
    """Something about one person that somebody should look at.

    ``state`` is what the engine says; ``work`` is what people have done about it, derived from
    decisions and hand-overs by ``work.derive`` and kept here by the actions.
    """

    class Kind(models.TextChoices):
        """Where a finding comes from."""

        RULE = "rule", "rule"
        LETTER_LINE = "letter_line", "letter line"
        REQUEST_ITEM = "request_item", "request item"

    class State(models.TextChoices):
        """What the engine says."""

        OPEN = "open", "open"
        NEAR = "near", "near"
        CANNOT_TELL = "cannot_tell", "cannot tell"
        CLEAR = "clear", "clear"

    class Work(models.TextChoices):
        """What people have done."""

        TODO = "todo", "to do"
        HANDED_OVER = "handed_over", "handed over"
        ANSWERED = "answered", "answered"
        WAITING = "waiting", "waiting"
        DONE = "done", "done"

    id = models.CharField(primary_key=True, max_length=20)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="findings")
    person_id = models.CharField(max_length=80)
    patient_id = models.CharField(max_length=80)
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    rule = models.CharField(max_length=80)
    rule_version = models.CharField(max_length=20, blank=True)
    klass = models.CharField(max_length=40)
    """Its class in the role policy: ``monitoring``, ``interaction``, ``letter.changed`` ..."""
    subject = models.CharField(max_length=160)
    episode = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State.choices)
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    """First day on which it no longer holds, as far as is known."""
    due = models.DateField(null=True)
    owner = models.CharField(max_length=12, choices=Role.choices)
    urgency = models.CharField(max_length=10, default="routine")
    """``same_day``, ``soon`` or ``routine``: the rule's published class, never a score."""
    cause = models.CharField(max_length=200, blank=True)
    """Why the engine cannot tell."""
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=400, blank=True)
    reasons = models.JSONField(default=list)
    """The engine's reasons (design section 9), or for a letter line its outcome."""
    fingerprint = models.CharField(max_length=64)
    """What a decision was about; when it changes, the finding is to do again."""
    high_risk = models.BooleanField(null=True)
    """Whether a high-risk drug is concerned; null where that is not known."""
    issued_on = models.DateField(null=True)
    """The latest issue of the drug concerned, where known."""
    makes_work = models.BooleanField(default=True)
    """False until this version of the rule is approved for the practice."""
    snapshot = models.CharField(max_length=80)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    letter = models.ForeignKey(
        "LetterDocument", null=True, on_delete=models.PROTECT, related_name="findings"
    )

    work = models.CharField(max_length=12, choices=Work.choices, default=Work.TODO)
    waiting_until = models.DateField(null=True)
    with_role = models.CharField(max_length=12, blank=True)
    """The role it was handed to, while it is."""
    must_hand_over = models.BooleanField(default=False)
    """Booked or declined, but what is still being issued has to be handed over as well."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person_id", "rule", "subject", "episode"), name="finding_identity"
            ),
        )
        indexes = (models.Index(fields=("practice", "state", "work", "due"), name="finding_list"),)


class Decision(AppendOnly):
    """Who did what about which finding, when, why, on which version of rule and record."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(max_length=30)
    """An action of ``knowledge/roles.toml``; ``reopened`` where the service itself reopened it."""
    outcome = models.CharField(max_length=12)
    """The action's effect: ``done``, ``waiting``, ``none`` or ``todo``."""
    until = models.DateField(null=True)
    note = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="decisions"
    )
    role = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField()
    rule_version = models.CharField(max_length=20, blank=True)
    snapshot = models.CharField(max_length=80)
    evidence = models.JSONField(default=dict)
    """Including the ``fingerprint`` of the finding as the person saw it."""

    class Meta:
        ordering = ("at", "pk")


class Verification(models.Model):
    """Whether the record, as last imported, shows what was decided about a letter line.

    Worked out from the decision and the published record; kept for lists. Once it is verified it is
    not asked again: what changes later is another matter.
    """

    class State(models.TextChoices):
        """What the record shows."""

        VERIFIED = "verified", "verified"
        OUTSTANDING = "outstanding", "outstanding"
        CONFLICT = "conflict", "conflict"
        CANNOT_TELL = "cannot_tell", "cannot tell"

    decision = models.OneToOneField(
        Decision, primary_key=True, on_delete=models.PROTECT, related_name="verification"
    )
    state = models.CharField(max_length=12, choices=State.choices)
    text = models.CharField(max_length=400)
    snapshot = models.CharField(max_length=80)
    at = models.DateTimeField()


class Handover(models.Model):
    """A question about findings of one case, sent to a role; it comes back with the answer."""

    class Status(models.TextChoices):
        """Where the question is."""

        SENT = "sent", "waiting for an answer"
        ANSWERED = "answered", "answered"
        ACKNOWLEDGED = "acknowledged", "answer taken up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="handovers")
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="handovers")
    findings = models.ManyToManyField(Finding, related_name="handovers")
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="questions_sent"
    )
    to_role = models.CharField(max_length=12, choices=Role.choices)
    question = models.TextField()
    sent_at = models.DateTimeField()
    reply = models.TextField(blank=True)
    instruction = models.TextField(blank=True)
    """What the sender is asked to do."""
    decision = models.CharField(max_length=30, blank=True)
    """The action the answerer took on the findings, where they took one."""
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="questions_answered",
    )
    replied_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.SENT)

    class Meta:
        ordering = ("sent_at", "pk")


class LetterDocument(models.Model):
    """A letter as it came, what was read in it, and how far the work on it is."""

    class Status(models.TextChoices):
        """How far the work on a letter is."""

        NEW = "new", "new"
        IN_PROGRESS = "in_progress", "in progress"
        FINISHED = "finished", "finished"
        REFUSED = "refused", "refused"
        UNMATCHED = "unmatched", "patient not found"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="letters")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="letters")
    person_id = models.CharField(max_length=80, blank=True)
    patient_id = models.CharField(max_length=80, blank=True)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    received_at = models.DateTimeField()
    due_on = models.DateField()
    """Received plus seven days."""
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.NEW)
    reason = models.CharField(max_length=300, blank=True)
    """Why it was refused or could not be matched."""
    sender = models.CharField(max_length=200, blank=True)
    ward = models.CharField(max_length=120, blank=True)
    discharged_on = models.DateField(null=True)
    content = models.JSONField(default=dict)
    """The letter as read: ``text``, ``lines`` (id, text, start, end, section), ``unread`` spans."""
    outcome = models.JSONField(default=dict)
    """The reconciliation, as design section 9 ``reconcile``."""
    as_of = models.DateField()
    snapshot = models.CharField(max_length=80, blank=True)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("practice", "sha256"), name="one_letter_once"),
        )

    @property
    def lines(self) -> models.QuerySet[Finding]:
        """The lines to work: without those that nobody touched before the letter was read anew."""
        return self.findings.exclude(state=Finding.State.CLEAR, work=Finding.Work.TODO)


class RuleApproval(models.Model):
    """A named pharmacist approved this version of a rule for an organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="approvals"
    )
    rule = models.CharField(max_length=80)
    version = models.CharField(max_length=20)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    is_demo = models.BooleanField(default=False)
    """Made by the demo, on nobody's authority."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "rule", "version"), name="one_approval_a_version"
            ),
        )


class Event(AppendOnly):
    """What happened, in order, in one organisation. Each holds the hash of the one before.

    ``refs`` names things by their ids; no name and no NHS number ever stands in an event.
    """

    chain = models.CharField(max_length=12)
    """The organisation's code; ``""`` for what concerns the installation."""
    seq = models.PositiveIntegerField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    actor = models.CharField(max_length=20)
    """The user's number; ``system`` for the service itself."""
    role = models.CharField(max_length=12, blank=True)
    kind = models.CharField(max_length=40)
    refs = models.JSONField(default=dict)

    class Meta:
        ordering = ("chain", "seq")
        constraints = (models.UniqueConstraint(fields=("chain", "seq"), name="one_event_a_place"),)


class ChainHead(models.Model):
    """The last event of a chain: the row that writers lock, so that two never take one place."""

    chain = models.CharField(primary_key=True, max_length=12)
    seq = models.PositiveIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")
