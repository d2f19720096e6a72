"""Which plan a requested item means. No guess: where two plans fit, it is not said which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from counterfoil.foundation.days import to_date
from counterfoil.records.rows import Plan, RequestItem
from counterfoil.terminology import Match, formulary

How = Literal["plan id", "product code", "name", "product", "ambiguous", "none"]


@dataclass(frozen=True)
class Matched:
    """The plan an item means, how that was found, and the others that fit as well."""

    plan: Plan | None
    how: How
    others: tuple[Plan, ...] = ()


def in_force(plan: Plan, day: int) -> bool:
    """Whether a plan is active on a day: not ended, suspended or withdrawn."""
    today = to_date(day)
    return (
        plan.status == "active"
        and (plan.end_date is None or plan.end_date > today)
        and (plan.deleted_on is None or plan.deleted_on > today)
    )


def match_item(item: RequestItem, plans: Sequence[Plan], day: int) -> Matched:
    """The plan meant: by its id, its product code, its name as written, then as a product.

    Plans in force come first; among several that fit equally, none is chosen.
    """
    for how, fits in (
        ("plan id", lambda p: item.plan_id is not None and p.plan_id == item.plan_id),
        (
            "product code",
            lambda p: item.product_code is not None and p.product_code == item.product_code,
        ),
        ("name", lambda p: _plain(p.product_text) == _plain(item.item_text)),
        ("product", _same_product(item)),
    ):
        found = [p for p in plans if fits(p)]
        if not found:
            continue
        live = [p for p in found if in_force(p, day)] or found
        best = [p for p in live if p.plan_type in ("repeat", "erd")] or live
        if len(best) == 1:
            return Matched(best[0], how)  # type: ignore[arg-type]
        if not any(in_force(p, day) for p in best):
            return Matched(max(best, key=_latest), how)  # type: ignore[arg-type]
        return Matched(None, "ambiguous", tuple(best))
    return Matched(None, "none")


def _latest(plan: Plan) -> tuple[str, str]:
    return str(plan.end_date or plan.start_date or ""), plan.plan_id


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _same_product(item: RequestItem) -> Callable[[Plan], bool]:
    asked = formulary().match(item.item_text, item.product_code)

    def fits(plan: Plan) -> bool:
        return same_product(asked, formulary().match(plan.product_text, plan.product_code))

    return fits


def same_product(asked: Match, held: Match) -> bool:
    """Whether what was asked for can be what is held: ingredients, and whatever else was said."""
    if asked.level == "none" or held.level == "none" or asked.ingredients != held.ingredients:
        return False
    said = [s for s in asked.strengths if s is not None]
    if said and [s.key for s in said] != [s.key for s in held.strengths if s is not None]:
        return False
    return all(
        mine is None or theirs is None or mine == theirs
        for mine, theirs in ((asked.form, held.form), (asked.release or None, held.release or None))
    )
