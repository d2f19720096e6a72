"""A question as the person who answers it reads it: one line, the evidence folded under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from counterfoil.service.casework.shapes import FindingCard, Question
from counterfoil.service.pages import words
from counterfoil.service.pages.presenters.case import ReasonLine, reason_lines, state_tags
from counterfoil.service.pages.presenters.requests import as_reasons
from counterfoil.service.pages.presenters.today import Tag


@dataclass(frozen=True)
class Evidence:
    """One finding behind a question."""

    finding: FindingCard
    tags: tuple[Tag, ...]
    reasons: tuple[ReasonLine, ...]


@dataclass(frozen=True)
class QuestionCard:
    """A question with its evidence."""

    question: Question
    title: str
    asked: str
    same_day: bool
    evidence: tuple[Evidence, ...]


def present(question: Question, today: date) -> QuestionCard:
    """The question as the page shows it."""
    titles = [finding.title for finding in question.findings]
    more = f" + {len(titles) - 1} more" if len(titles) > 1 else ""
    return QuestionCard(
        question=question,
        title=(titles[0] if titles else "Question") + more,
        asked=words.ago(question.handover.sent_at, today),
        same_day=any(finding.urgency == "same_day" for finding in question.findings),
        evidence=tuple(
            Evidence(
                finding,
                tuple(t for t in state_tags(finding) if not t.text.startswith("With the")),
                as_reasons(finding)
                if finding.kind == "request_item"
                else reason_lines(finding.reasons, {}),
            )
            for finding in question.findings
        ),
    )
