"""What a letter does to a faultless list: the stories, each an alteration with its truth."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.synthetic.letters.draft import (
    CHANGE_SAID,
    HIGH_RISK,
    START_SAID,
    STOP_SAID,
    Draft,
    Story,
)
from counterfoil.synthetic.letters.model import Item
from counterfoil.synthetic.lists import rows, schedules

WHY_UP = {
    "acei_arb": "blood pressure above target",
    "ccb": "blood pressure above target",
    "alphablocker": "blood pressure above target",
    "betablocker": "heart rate above 110",
    "statin": "cholesterol above target",
    "loop": "fluid overload",
    "ssri": "low mood",
    "mirtazapine": "low mood",
    "levothyroxine": "TSH raised",
    "ppi": "reflux symptoms",
}
WHY_DOWN = {
    "acei_arb": "low blood pressure",
    "ccb": "ankle swelling",
    "betablocker": "slow heart rate",
    "statin": "muscle aches",
    "loop": "dehydration",
    "levothyroxine": "TSH low",
    "doac": "kidney function",
    "zopiclone": "falls",
    "gabapentinoid": "drowsiness",
    "amitriptyline": "drowsiness",
}
WHY_STOP = ("no longer needed", "low blood pressure", "side effects", "kidney injury")


def dose_changed(draft: Draft) -> None:
    """Another strength, and the letter says so."""
    for place in draft.free(lambda i: bool(draft.siblings(i))):
        item = draft.items[place]
        choices = draft.siblings(place)
        ratio, other = choices[int(draft.rng.integers(len(choices)))]
        up = ratio > 1
        reason = (WHY_UP if up else WHY_DOWN).get(draft.groups[place], "symptoms")
        remark = reason if draft.rng.random() < CHANGE_SAID else ""
        draft.alter(
            place,
            product=other.product,
            stated="changed",
            remark=remark,
            expected="changed",
            subclass="dose up" if up else "dose down",
            daily=(item.gp_daily or 0.0) * ratio,
            note="daily amount in units of the GP's strength",
        )
        return


def continued_but_different(draft: Draft) -> None:
    """Said to be continued, at another dose: nobody can tell which is meant."""
    for place in draft.free(lambda i: bool(draft.siblings(i))):
        item = draft.items[place]
        ratio, other = draft.siblings(place)[0]
        draft.alter(
            place,
            product=other.product,
            stated="continued",
            expected="conflict",
            subclass="stated continued, dose differs",
            daily=(item.gp_daily or 0.0) * ratio,
            note="daily amount in units of the GP's strength",
        )
        return


def split_strength(draft: Draft) -> None:
    """Two of half the strength: the same daily amount."""
    for place in draft.free():
        half = [o for ratio, o in draft.siblings(place) if abs(ratio - 0.5) < 1e-9]
        if half:
            draft.alter(
                place,
                product=half[0].product,
                amount="2",
                expected="same",
                subclass="same daily amount by other strength",
            )
            return


def brand_named(draft: Draft) -> None:
    """The brand of the same product, or the generic where the GP list has the brand."""
    brands = {row["product"]: row["brand"] for row in rows("letter_brands")}
    brands |= {brand: product for product, brand in brands.items()}
    for place in draft.free(lambda i: draft.items[i].gp_product in brands):
        brand = brands[draft.items[place].gp_product]
        draft.alter(place, product=brand, expected="same", subclass="brand/generic")
        return


def _new(draft: Draft, short: bool) -> None:
    held = {item.gp_product.split()[0] for item in draft.items + draft.hidden if item.gp_product}
    held |= {item.product.split()[0] for item in draft.extra}
    kinds = {"Atorvastatin": "statin", "Lansoprazole": "ppi", "Furosemide": "loop"}
    kinds |= {"Bisoprolol": "betablocker", "Ramipril": "acei_arb", "Spironolactone": "mra"}
    kinds |= {"Senna": "laxative", "Mirtazapine": "mirtazapine", "Paracetamol": "cocodamol"}
    kinds |= {"Codeine": "cocodamol", "Ferrous fumarate": "iron", "Colecalciferol": "calcium_d"}
    listed = [r for r in rows("letter_new") if (r["short"] == "true") == short]
    for index in draft.rng.permutation(len(listed)):
        row = listed[index]
        if row["drug"] in held or kinds.get(row["drug"]) in draft.groups:
            continue
        plan = schedules()[row["freq"]]
        daily = None
        if plan.times and plan.per_days:
            daily = float(row["amount"]) * plan.times / plan.per_days
        said = draft.rng.random() < START_SAID
        clash = any(row["drug"] in CLASHES.get(what, ()) for what in draft.allergies)
        draft.extra.append(
            Item(
                product=f"{row['drug']} {row['strength']} {row['form']}",
                amount=row["amount"],
                unit=row["unit"],
                freq=row["freq"],
                stated="new",
                duration=row["duration"],
                remark=f"for {row['reason']}" if said else "",
                expected="conflict" if clash else "new",
                subclass="allergy v drug"
                if clash
                else ("short course with end" if short else "long-term stated"),
                plan_ids=(),
                gp_product="",
                gp_daily=None,
                daily=daily,
                also=("duplicate",) if row["drug"] in ("Codeine", "Paracetamol") else (),
            )
        )
        return


CLASHES = {
    "Penicillin": ("Amoxicillin",),
    "Ramipril": ("Ramipril",),
    "Codeine": ("Codeine",),
    "Statins": ("Atorvastatin",),
}
"""What the record's words for an allergy forbid among the new medicines."""


def new_course(draft: Draft) -> None:
    """A short course."""
    _new(draft, True)


def new_long_term(draft: Draft) -> None:
    """A medicine to go on with."""
    _new(draft, False)


def stopped(draft: Draft) -> None:
    """Stopped in hospital, with a reason or without; still on the GP's repeat list."""
    for place in draft.free(lambda i: draft.groups[i] not in HIGH_RISK):
        said = draft.rng.random() < STOP_SAID
        draft.alter(
            place,
            stated="stopped",
            remark=WHY_STOP[int(draft.rng.integers(len(WHY_STOP)))] if said else "",
            expected="stopped",
            subclass="explicit with reason" if said else "explicit, no reason",
            daily=None,
            note="the stop has not been followed: still on repeat",
        )
        return


def held(draft: Draft) -> None:
    """Withheld, with or without a word on when to restart."""
    pool = draft.free(
        lambda i: draft.groups[i] in ("acei_arb", "metformin", "loop", "statin", "mra")
    )
    for place in pool[:1]:
        rule = draft.rng.random() < 0.5
        draft.alter(
            place,
            stated="on_hold",
            remark="GP to restart in 2 weeks if kidney function stable" if rule else "",
            expected="stopped",
            subclass="on hold with restart rule" if rule else "on hold, no rule",
            daily=None,
        )


def left_out(draft: Draft) -> None:
    """Not named at all, in a letter that lists everything else."""
    for place in draft.free():
        item = draft.items[place]
        draft.touched.add(place)
        draft.unnamed.append(
            replace(
                item,
                expected="missing",
                subclass="on GP repeat, not in letter",
                stated=None,
                also=(),
            )
        )
        return


def smudged(draft: Draft) -> None:
    """A line that cannot be read, as a bad copy leaves it; its plan is named by no other line."""
    for place in draft.free():
        word = draft.items[place].product
        lost = replace(draft.items[place], expected="missing", stated=None, also=("unreadable",))
        draft.hidden.append(replace(lost, subclass="the line that names it cannot be read"))
        marks = "".join(
            "?" if index % 3 == 1 and letter.isalpha() else letter
            for index, letter in enumerate(word)
        )
        draft.alter(
            place,
            garbled=f"{marks[:3]}~#{marks[6:14]}?? [illegible] ?",
            stated=None,
            expected="unreadable",
            subclass="drug unknown",
            daily=None,
            plan_ids=(),
            gp_product="",
            gp_daily=None,
            also=(),
        )
        return


def already_done(item: Item) -> Item:
    """A change that somebody has already made in the GP record since the discharge."""
    said = int(item.plan_ids[0][-1]) < round(10 * CHANGE_SAID)
    return replace(
        item,
        stated="changed",
        remark="symptoms" if said else "",
        expected="done",
        subclass="GP record already shows it after the letter date",
        also=("same", "conflict"),
    )


def frequency_changed(draft: Draft) -> None:
    """The same tablet, twice a day instead of once, and the letter says so."""
    for place in draft.free(
        lambda i: draft.items[i].freq in ("od", "om") and not draft.items[i].also
    ):
        item = draft.items[place]
        draft.alter(
            place,
            freq="bd",
            stated="changed",
            remark="symptoms" if draft.rng.random() < CHANGE_SAID else "",
            expected="changed",
            subclass="frequency up",
            daily=(item.gp_daily or 0.0) * 2,
        )
        return


def _paired(draft: Draft, kind: str) -> tuple[int, str] | None:
    """An item that has another product of a kind beside it, and that product."""
    pairs: dict[str, list[str]] = {}
    for row in rows("letter_pairs"):
        if row["kind"] == kind:
            pairs.setdefault(row["product"], []).append(row["other"])
    for place in draft.free(lambda i: draft.items[i].gp_product in pairs):
        others = pairs[draft.items[place].gp_product]
        return place, others[int(draft.rng.integers(len(others)))]
    return None


def _another(kind: str, expected: str, subclass: str, stated: str, also: tuple[str, ...]) -> Story:
    def tell(draft: Draft) -> None:
        found = _paired(draft, kind)
        if found:
            draft.alter(
                found[0],
                product=found[1],
                stated=stated,
                remark="formulary choice"
                if stated == "changed" and draft.rng.random() < CHANGE_SAID
                else "",
                expected=expected,
                subclass=subclass,
                also=also,
                daily=None if kind == "unit" else draft.items[found[0]].gp_daily,
                note=f"planted: {kind}",
            )

    return tell


def looked_alike(draft: Draft) -> None:
    """Another medicine with a name that looks like it, said to be continued."""
    found = _paired(draft, "lookalike")
    if not found:
        return
    place, other = found
    item = draft.items[place]
    lost = replace(item, expected="missing", stated=None, also=())
    draft.unnamed.append(replace(lost, subclass="a look-alike name stands in its place"))
    draft.touched.add(place)
    draft.extra.append(
        replace(
            item,
            product=other,
            stated="continued",
            expected="conflict",
            subclass="look-alike name, not on the GP list",
            plan_ids=(),
            gp_product="",
            gp_daily=None,
            also=("new", "unreadable"),
            note="planted: lookalike",
        )
    )


def switched(draft: Draft) -> None:
    """A documented switch within the class: one stopped and another started in its place."""
    found = _paired(draft, "switch")
    if not found or draft.items[found[0]].expected != "same":
        return
    place, other = found
    item = draft.items[place]
    draft.extra.append(
        replace(
            item,
            product=other,
            stated="new",
            remark=f"in place of {item.gp_product.split()[0].lower()}",
            expected="new",
            subclass="therapeutic switch",
            plan_ids=(),
            gp_product="",
            gp_daily=None,
            also=("duplicate", "changed", "conflict"),
        )
    )
    draft.alter(
        place,
        stated="stopped",
        remark=f"changed to {other.split()[0].lower()}",
        expected="stopped",
        subclass="therapeutic switch",
        daily=None,
        also=("changed",),
    )


def doubled(draft: Draft) -> None:
    """A second medicine of a class that the person is on already, nothing said of the first."""
    found = _paired(draft, "switch")
    if not found:
        return
    place, other = found
    item = draft.items[place]
    draft.touched.add(place)
    draft.extra.append(
        replace(
            item,
            product=other,
            stated="new",
            remark="",
            expected="new",
            subclass="duplicate class",
            plan_ids=(),
            gp_product="",
            gp_daily=None,
            also=("duplicate", "conflict"),
            note="planted: duplicate class",
        )
    )


def endless_course(draft: Draft) -> None:
    """A short course that is given no end."""
    before = len(draft.extra)
    _new(draft, True)
    if len(draft.extra) > before:
        draft.extra[-1] = replace(
            draft.extra[-1],
            duration="",
            subclass="short course, no end stated",
            also=(*draft.extra[-1].also, "conflict", "unreadable"),
            note="planted: course without end",
        )


formulation = _another("formulation", "changed", "formulation", "changed", ())
formulation_unsaid = _another(
    "formulation", "conflict", "stated continued, formulation differs", "continued", ("changed",)
)
salt = _another("salt", "changed", "salt", "changed", ("conflict",))
thousandfold = _another(
    "unit",
    "conflict",
    "unit a thousand times as strong",
    "continued",
    ("changed", "unreadable", "new"),
)

STORIES: tuple[tuple[Story, ...], ...] = (
    (dose_changed, new_course, new_long_term, new_long_term),
    (frequency_changed, new_long_term, brand_named, new_course),
    (stopped, new_course, new_long_term, new_long_term),
    (left_out, stopped, new_course, new_long_term, new_course),
    (split_strength, dose_changed, new_long_term, new_course),
    (continued_but_different, stopped, new_course, new_long_term, new_long_term),
    (smudged, stopped, new_long_term, new_course),
    (held, dose_changed, new_course, new_long_term),
    (stopped, left_out, brand_named, new_long_term, new_course),
    (brand_named, split_strength, new_course, new_long_term),
    (),
    (dose_changed, stopped, new_long_term, new_course, new_course),
    (frequency_changed, new_course, new_long_term, new_long_term),
    (formulation, new_course, new_long_term, new_long_term),
    (formulation_unsaid, stopped, new_long_term, new_course),
    (looked_alike, new_course),
    (switched, new_course, new_long_term),
    (doubled, stopped, new_course),
    (thousandfold, new_course, new_long_term),
    (endless_course, new_long_term, stopped),
    (salt, new_course, new_long_term),
    (stopped, held, frequency_changed, new_course, new_course),
    (new_course, new_course, stopped, new_long_term, new_long_term),
    (brand_named, stopped, new_long_term, new_course),
)
"""What the letters tell of, in turn."""
