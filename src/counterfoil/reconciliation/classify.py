"""A cluster into its class: what the letter states and what is found are kept apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.documents import Letter, Setting
from counterfoil.documents.asides import harmless
from counterfoil.foundation.days import words as day_words
from counterfoil.reconciliation import knowledge
from counterfoil.reconciliation.assign import equal_totals
from counterfoil.reconciliation.differences import (
    Difference,
    brand_changed,
    difference,
    direction,
    said,
    strength_differs,
    total,
)
from counterfoil.reconciliation.doubts import (
    among_changes,
    bare_length,
    change_not_understood,
    end_on_one_side,
    two_lists,
)
from counterfoil.reconciliation.guards import guards
from counterfoil.reconciliation.model import LEFT_ALONE, Class, Item, OutcomeLine, Why, stable_id
from counterfoil.reconciliation.naming import named, not_understood
from counterfoil.reconciliation.sides import Cluster, Entry, Unit
from counterfoil.records.patient import PatientRecord

STATED = {
    "continued": "continued",
    "changed": "changed",
    "new": "new",
    "stopped": "stopped",
    "on_hold": "on hold",
}


@dataclass(slots=True)
class Verdict:
    """A class in the making."""

    cls: Class
    subclass: str
    found: str
    why: list[Why] = field(default_factory=list)
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What every cluster of one reconciliation is judged against."""

    letter: Letter
    record: PatientRecord
    as_of: int
    setting: Setting = "discharge"


def place(unit: Unit) -> str:
    """Where in the letter a unit stands, as a source."""
    line = unit.main
    return f"letter {line.start}-{line.end}"


def classify(cluster: Cluster, case: Case) -> OutcomeLine:
    """The outcome line of one cluster."""
    unit = cluster.units[0] if cluster.units else None
    if unit is not None:
        verdict = _with_letter(unit, cluster, case)
    elif knowledge.frame(case.setting)["absent"] == "left" and not not_understood(
        case.letter, cluster.entries
    ):
        verdict = _left_alone(cluster.entries)
    else:
        verdict = _missing(cluster.entries, case)
    _remarks(verdict, cluster, case)
    return _line(verdict, cluster, case)


# -- what the letter speaks about -------------------------------------------------


def _with_letter(unit: Unit, cluster: Cluster, case: Case) -> Verdict:
    if not unit.known and not cluster.entries:
        return _unknown(unit)
    against = [*unit.conflicts, *cluster.against]
    if against:
        found = _found(unit, cluster)
        return Verdict(
            "conflict", "list v narrative", found, [Why(a, place(unit)) for a in against]
        )
    guard = guards(unit, case.letter, case.record) if unit.active else None
    if guard is not None:
        subclass, why = guard
        return Verdict("conflict", subclass, _found(unit, cluster), why)
    if unit.active and unit.dose.status == "conflict":
        return Verdict(
            "conflict",
            "text v code",
            "text and code differ",
            [Why(r, place(unit)) for r in unit.dose.reasons]
            or [Why("The dose in words and the coded dose differ.", place(unit))],
        )
    if not unit.active:
        return _stopped(unit, cluster, case)
    if not cluster.entries:
        return _alone(unit, case)
    return _paired(unit, cluster, case)


def _found(unit: Unit, cluster: Cluster) -> str:
    current = [e for e in cluster.entries if e.current]
    if not current:
        return "not on the GP list"
    if not unit.active:
        return "on the GP list"
    return difference(current[0], unit).found


def _unknown(unit: Unit) -> Verdict:
    words = unit.drug_text or unit.text
    return Verdict(
        "unreadable",
        "drug unknown",
        "not compared",
        [
            Why(
                f"“{words}” is not a medicine the formulary knows, and no plan has the same name.",
                place(unit),
            )
        ],
    )


def _stopped(unit: Unit, cluster: Cluster, case: Case) -> Verdict:
    line = unit.main
    word = STATED[unit.stated or "stopped"]
    here = [e for e in cluster.entries if e.current and not e.gone]
    why = [Why(f"The letter says {word}: “{line.stated_words or line.section}”.", place(unit))]
    why += [Why(f"Reason given: {u.reason}.", place(unit)) for u in (line,) if u.reason]
    if not here:
        ended = [e for e in cluster.entries if e.gone or not e.current]
        for entry in ended:
            when = f" on {day_words(entry.ended)}" if entry.ended is not None else ""
            why.append(Why(f"The GP record ended it{when}.", entry.place))
        if ended:
            return Verdict("done", "already ended", "ended in the GP record", why)
        why.append(Why("The GP list holds no current plan for it.", "rule gp side"))
        return Verdict("done", "not on the GP list", "not on the GP list", why)
    if unit.stated == "on_hold" and all(e.suspended for e in here):
        why += [Why("The GP list shows it as suspended.", e.place) for e in here]
        return Verdict("done", "already on hold", "suspended on the GP list", why)
    why += [Why(f"The GP list still has “{e.text}”.", e.place) for e in here]
    if unit.stated == "on_hold":
        subclass = "on hold with restart rule" if line.restart else "on hold, no rule"
        if line.restart:
            why.append(Why(f"Rule for starting again: {line.restart}.", place(unit)))
    elif line.course_done:
        subclass = "course finished"
    else:
        reasons = any(u.reason for unit_ in cluster.units for u in unit_.lines)
        subclass = "explicit with reason" if reasons else "explicit, no reason"
    return Verdict("stopped", subclass, "on the GP list", why)


def _alone(unit: Unit, case: Case) -> Verdict:
    line = unit.main
    if unit.stated in ("continued", "changed") and line.section != "changes":
        word = STATED[unit.stated]
        return Verdict(
            "conflict",
            "stated status v found difference",
            "not on the GP list",
            [
                Why(f"The letter says {word}: “{line.stated_words or line.section}”.", place(unit)),
                Why(
                    "The GP list holds no such medicine, current or ended in the last 90 days.",
                    "rule gp side",
                ),
            ],
        )
    why = [Why("The GP list holds no such medicine.", "rule gp side")]
    if unit.stated == "new":
        why.insert(
            0, Why(f"The letter says new: “{line.stated_words or line.section}”.", place(unit))
        )
    unread = _unread(unit)
    if unread is not None:
        return unread
    return Verdict("new", _new_kind(unit), "not on the GP list", why)


def _unread(unit: Unit) -> Verdict | None:
    """A dose of the letter alone that was not read."""
    if unit.dose.status == "read" and unit.dose_text:
        return None
    if not unit.dose_text:
        return Verdict(
            "unreadable", "dose not stated", "not compared",
            [Why("The letter gives no dose.", place(unit))],
        )  # fmt: skip
    reasons = "; ".join(unit.dose.reasons) or "not every word was understood"
    return Verdict(
        "unreadable",
        "dose not parsed",
        "not compared",
        [Why(f"The dose “{unit.dose_text}” was not read: {reasons}.", place(unit))],
    )


def _new_kind(unit: Unit) -> str:
    intents = {line.intent for line in unit.lines}
    if "hospital_only" in intents:
        return "hospital-only or supplied elsewhere"
    course = any(line.duration for line in unit.lines) or any(
        s.duration_days is not None and s.cycle_days is None for s in unit.dose.steps
    )
    if course or "not_continued" in intents:
        return "short course with end"
    if intents & {"long_term", "gp_to_continue"}:
        return "long-term stated"
    return "unclear duration"


# -- both sides -------------------------------------------------------------------


def _paired(unit: Unit, cluster: Cluster, case: Case) -> Verdict:
    current = [e for e in cluster.entries if e.current and not e.gone]
    if not current:
        return _only_ended(unit, cluster, case)
    active = [u for u in cluster.units if u.active]
    doubtful = _doubtful(active, cluster, case)
    if doubtful is not None:
        return doubtful
    if len(active) > 1 or len(current) > 1:
        return _many(unit, active, current, cluster, case)
    return _one(unit, current[0], cluster, case)


def _doubtful(active: list[Unit], cluster: Cluster, case: Case) -> Verdict | None:
    """Where the letter says more of the medicine than its list does, and that is not settled."""
    for unit in active:
        line = change_not_understood(unit)
        if line is not None:
            why = [
                Why(f"The letter lists “{unit.text}”.", place(unit)),
                Why(
                    f"It also says “{line.shown}”, which was not understood.",
                    f"letter {line.start}-{line.end}",
                ),
            ]
            return Verdict("conflict", "list v narrative", "not compared", why)
    several = len(active) > 1 and cluster.note != "compound"
    parted = two_lists(active, case.letter) if several else None
    if parted is None:
        return None
    why = [Why(f"The letter lists “{u.text}”.", place(u)) for u in active]
    why.append(
        Why(f"They stand in different lists (“{parted}”): not added up.", "rule one list at a time")
    )
    return Verdict("conflict", "list v narrative", "not compared", why)


def _only_ended(unit: Unit, cluster: Cluster, case: Case) -> Verdict:
    """The GP record has it, but ended or as a past acute issue."""
    entry = cluster.entries[0]
    if entry.began is not None and entry.began >= case.as_of:
        found = difference(entry, unit)
        if found.same:
            return Verdict(
                "done", "already on the GP list", found.found,
                [Why(f"The GP record shows it from {day_words(entry.began)}, after the letter.", entry.place)],
            )  # fmt: skip
    verdict = _alone(unit, case)
    when = f", ended {day_words(entry.ended)}" if entry.ended is not None else ""
    verdict.why.append(Why(f"The GP record holds it as past: “{entry.text}”{when}.", entry.place))
    if entry.gone and entry.ended is not None and entry.ended > case.as_of and unit.stated != "new":
        verdict.cls, verdict.subclass = "conflict", "stated status v found difference"
        verdict.found = "ended in the GP record after the letter"
    else:
        verdict.found = "past on the GP record"
    return verdict


def _compound(unit: Unit, cluster: Cluster) -> Verdict:
    names = "; ".join(e.text for e in cluster.entries)
    return Verdict(
        "changed",
        "compound and components",
        "a combined product on one list, its parts on the other",
        [Why(f"The letter lists “{u.text}”.", place(u)) for u in cluster.units]
        + [Why(f"The GP list has “{names}”.", cluster.entries[0].place)],
    )


def _many(
    unit: Unit, active: list[Unit], current: list[Entry], cluster: Cluster, case: Case
) -> Verdict:
    """Several lines or several plans of one medicine: by their sums."""
    if cluster.note == "compound":
        return _compound(unit, cluster)
    for each in active:
        unread = _unread(each)
        if unread is not None:
            return unread
    why = [Why(f"The GP list has “{e.text}”.", e.place) for e in current]
    why += [Why(f"The letter lists “{u.text}”.", place(u)) for u in active]
    sums = total(current), total(active)
    if equal_totals(active, current):
        assert sums[1] is not None
        found = Difference(
            True, "same daily amount by other strength", f"the same {said(sums[1])} in all"
        )
        return _stated(unit, found, current, cluster, case, why)
    if len(active) == 1 and any(difference(e, unit).same for e in current):
        return Verdict(
            "duplicate", "same medicine twice", "the GP list holds it more than once", why
        )
    split = _distinct(active) and _distinct(current)
    if not split:
        return Verdict("duplicate", "same medicine twice", "one list holds it more than once", why)
    if sums[0] is None or sums[1] is None:
        return Verdict("unreadable", "doses cannot be compared", "the sums cannot be compared", why)
    way = direction(sums[0], sums[1])
    kind = f"dose {way}" if way in ("up", "down") else "strength-and-dose"
    words = f"{kind}, {said(sums[0]).removesuffix(' a day')} to {said(sums[1])}"
    return _stated(unit, Difference(False, kind, words), current, cluster, case, why)


def _distinct(sides: list[Unit] | list[Entry]) -> bool:
    """Whether entries of one side are different strengths, and not the same product twice."""
    return all(strength_differs(a, b) for i, a in enumerate(sides) for b in sides[i + 1 :])


def _one(unit: Unit, entry: Entry, cluster: Cluster, case: Case) -> Verdict:
    if cluster.note == "compound":
        return _compound(unit, cluster)
    found = difference(entry, unit)
    why: list[Why] = []
    if not found.readable:
        if found.kind == "text v code":
            return Verdict(
                "conflict", found.kind, found.found, [Why(found.found + ".", place(unit))]
            )
        why = [
            Why(f"The letter says “{unit.text}”.", place(unit)),
            Why(f"The GP list says “{entry.text}”.", entry.place),
            Why(f"Not compared: {found.found}.", "rule every word is read or a person reads"),
        ]
        return Verdict("unreadable", found.kind, "not compared", why)
    return _stated(unit, found, [entry], cluster, case, why)


def _stated(
    unit: Unit,
    found: Difference,
    current: list[Entry],
    cluster: Cluster,
    case: Case,
    why: list[Why],
) -> Verdict:
    """What the letter states laid against what was found."""
    line, stated = unit.main, unit.stated
    if not why:
        why = [
            Why(f"The letter says “{unit.text}”.", place(unit)),
            *(Why(f"The GP list says “{e.text}”.", e.place) for e in current),
        ]
    after = [e for e in current if e.began is not None and e.began >= case.as_of]
    late = bool(after) and len(after) == len(current)
    strictly = late and all(e.began is not None and e.began > case.as_of for e in after)
    ends = end_on_one_side([u for u in cluster.units if u.active], current)
    if found.same:
        if (late and stated in ("new", "changed")) or (strictly and stated is None):
            why += [
                Why(f"The GP list shows it from {day_words(e.began or 0)}.", e.place) for e in after
            ]
            return Verdict("done", "already on the GP list", found.found, why)
        if stated in ("new", "changed") or among_changes(cluster.units):
            word = STATED[stated] if stated else "changed"
            why.append(
                Why(
                    f"The letter says {word}, but the GP list already had it so.",
                    "rule stated and found",
                )
            )
            return Verdict("conflict", "stated status v found difference", found.found, why)
        if ends is not None:
            why.append(Why(f"Found: {ends}.", "rule comparison"))
            return Verdict("changed", "duration", f"duration: {ends}", why)
        why.append(_same_why(found))
        length = bare_length(unit)
        if length:
            what = "whether it is the supply or the course is not said"
            why.append(Why(f"The letter gives “{length}” as a length: {what}.", place(unit)))
        return Verdict("same", found.kind, found.found, why, _same_mark(unit, current, found))
    if stated == "continued":
        why.append(
            Why(f"The letter says continued, but found: {found.found}.", "rule stated and found")
        )
        return Verdict("conflict", "stated status v found difference", found.found, why)
    if stated == "new":
        if line.was or any(not u.active for u in cluster.units):
            why.append(Why(f"Found: {found.found}.", "rule comparison"))
            return Verdict("changed", found.kind, found.found, why)
        why.append(
            Why(
                "The letter says new, but the GP list has this medicine already.",
                "rule stated and found",
            )
        )
        return Verdict("conflict", "stated status v found difference", found.found, why)
    why.append(Why(f"Found: {found.found}.", "rule comparison"))
    if ends is not None:
        why.append(Why(f"Found also: {ends}.", "rule comparison"))
    return Verdict("changed", found.kind, found.found, why)


def _same_why(found: Difference) -> Why:
    if found.words_only:
        return Why(
            "The dose has no fixed amount to compare; both say it in the same words.",
            "rule same words",
        )
    if found.kind == "same daily amount by other strength":
        return Why(f"The strengths differ; the amount is {found.found}.", "rule amounts are summed")
    return Why("Product and dose were both compared and are equal.", "rule comparison")


def _same_mark(unit: Unit, current: list[Entry], found: Difference) -> str:
    matters = unit.match.brand_matters or any(e.match.brand_matters for e in current)
    if matters:
        return "brand matters"
    if found.words_only:
        return "dose not read"
    if found.kind == "same daily amount by other strength" and "high_risk" in unit.match.flags:
        return "other strength of a high-risk medicine"
    remarks = any(line.left_over or not harmless(line.comment) for line in unit.lines)
    if remarks or bare_length(unit):
        return "remark"
    return ""


# -- what the letter does not speak about -----------------------------------------


def _left_alone(entries: list[Entry]) -> Verdict:
    """An item that a letter of changes does not mention."""
    why = [
        Why(f"The letter does not mention “{e.text}”: it stays as it is.", e.place) for e in entries
    ]
    why.append(Why("A letter from a clinic lists changes only.", "rule changes only"))
    return Verdict("done", LEFT_ALONE, "not in the letter", why)


def _missing(entries: list[Entry], case: Case) -> Verdict:
    letter = case.letter
    here = named(letter, entries)
    silent = "no list of the letter has it" if here else "the letter does not mention it"
    why = [Why(f"The GP list has “{e.text}”; {silent}.", e.place) for e in entries]
    if here:
        place_ = f"letter {here.start}-{here.end}"
        why.append(Why(f"The letter only names it, in “{here.text}”.", place_))
    if letter.full_list:
        subclass = "letter claims full list"
        why.append(Why("The letter claims to list every medicine.", "rule full list"))
    elif letter.full_list is False:
        subclass = "letter lists changes only"
        words = f": “{letter.others_continue}”" if letter.others_continue else ""
        why.append(Why(f"The letter does not list every medicine{words}.", "rule full list"))
    else:
        subclass = "letter does not say"
        why.append(
            Why("The letter does not say whether it lists every medicine.", "rule full list")
        )
    listed = {i for e in entries for i in e.match.ingredients}
    if listed and any(listed & set(a.product.ingredients) for a in letter.on_admission):
        why.append(Why("The letter lists it as taken on admission.", "letter on admission"))
    if all(e.gone for e in entries):
        for entry in entries:
            when = f" on {day_words(entry.ended)}" if entry.ended is not None else ""
            why.append(Why(f"The GP record ended it{when}, after the letter.", entry.place))
    elif all(e.began is not None and e.began > case.as_of for e in entries):
        why.append(Why("The GP list shows it only after the letter.", entries[0].place))
    why.append(Why("Silence in a letter is not a stop.", "rule missing is never stopped"))
    return Verdict("missing", subclass, "not in the letter", why)


# -- the line ---------------------------------------------------------------------


def _remarks(verdict: Verdict, cluster: Cluster, case: Case) -> None:
    """Facts that belong beside the class without changing it."""
    for unit in cluster.units:
        if case.letter.trust == "ocr":
            verdict.why.append(
                Why("Read from a picture: check it against the letter.", place(unit))
            )
        for line in unit.lines:
            if line.comment:
                verdict.why.append(Why(f"The letter adds: {line.comment}.", place(unit)))
            if line.left_over:
                verdict.why.append(Why(f"Words not understood: {line.left_over}.", place(unit)))
            if line.do_not_stop:
                verdict.why.append(Why("The letter says not to stop it.", place(unit)))
        if "high_risk" in unit.match.flags and verdict.cls != "done":
            verdict.why.append(
                Why("A high-risk medicine: a person decides this line by itself.", "rule high risk")
            )
    if cluster.units and cluster.entries:
        mine, theirs = cluster.units[0].match, cluster.entries[0].match
        if brand_changed(theirs, mine):
            verdict.why.append(
                Why(
                    f"The brand differs: {theirs.brand} and {mine.brand}.", cluster.entries[0].place
                )
            )
            if verdict.cls == "same" and (mine.brand_matters or theirs.brand_matters):
                verdict.cls, verdict.subclass = "changed", "brand"
                verdict.found = f"brand, {theirs.brand} to {mine.brand}"
    for reason in cluster.units[0].match.reasons if cluster.units else ():
        verdict.why.append(Why(f"About the name: {reason}.", place(cluster.units[0])))


def _line(verdict: Verdict, cluster: Cluster, case: Case) -> OutcomeLine:
    lines = [line for u in cluster.units for line in u.lines]
    items = tuple(sorted((Item(x.id, x.shown) for x in lines), key=lambda i: (i.text, i.id)))
    plans = tuple(
        sorted((Item(e.id, e.text) for e in cluster.entries), key=lambda i: (i.text, i.id))
    )
    states = list(dict.fromkeys(u.stated for u in cluster.units if u.stated))
    stated = states[0] if states else None
    flags = {f for s in [*cluster.units, *cluster.entries] for f in s.match.flags}
    sides = [*cluster.units, *cluster.entries]
    person = (
        "high_risk" in flags
        or verdict.cls in ("missing", "conflict", "unreadable")
        or verdict.subclass == "explicit, no reason"
        or any(s.tapers or s.no_fixed_dose for s in sides)
        or case.letter.trust == "ocr"
    )
    return OutcomeLine(
        id=stable_id([i.id for i in items] + [p.id for p in plans]),
        cls=verdict.cls,
        subclass=verdict.subclass,
        stated=stated,
        found=verdict.found,
        letter_lines=items,
        plans=plans,
        owner=knowledge.owner(verdict.cls, verdict.mark),
        why=tuple(dict.fromkeys(verdict.why)),
        proposal=_proposal(verdict, cluster, stated, case.setting),
        always_a_person=person,
        high_risk="high_risk" in flags,
        margin=cluster.margin,
        candidates=cluster.candidates,
        ingredients=tuple(sorted({i for s in sides for i in s.match.ingredients})),
        drug_class=next((s.match.drug_class for s in sides if s.match.drug_class), None),
    )


def _proposal(verdict: Verdict, cluster: Cluster, stated: str | None, setting: Setting) -> str:
    letter = "; ".join(f"“{u.text}”" for u in cluster.units) or "nothing"
    gp = "; ".join(f"“{e.text}”" for e in cluster.entries) or "nothing"
    reasons = [x.reason for u in cluster.units for x in u.lines if x.reason]
    first = verdict.why[0].text if verdict.why else ""
    said_ = [w.text for w in verdict.why if w.source.startswith(("rule stated", "rule every"))]
    return knowledge.wording("proposal", verdict.cls, setting).format(
        letter=letter,
        gp=gp,
        found=verdict.found,
        subclass=knowledge.data()["subclass"][verdict.cls][verdict.subclass],
        stated=STATED.get(stated or "", "stopped"),
        reason=f"; reason given: {reasons[0]}" if reasons else "; no reason given",
        why=said_[0] if said_ else first,
    )
