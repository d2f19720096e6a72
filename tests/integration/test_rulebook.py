"""An organisation's own rules: written, proved, previewed, approved, in force, expired, withdrawn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

import service_world as sw
from counterfoil.foundation.errors import DataError
from counterfoil.records.load import Load, of_tables
from counterfoil.records.schema import from_rows
from counterfoil.service.casework import from_rules
from counterfoil.service.casework.errors import ConflictError, PolicyError, ScopeError
from counterfoil.service.casework.models import Event, Finding
from counterfoil.service.records import publishing
from counterfoil.service.records.renewing import renew, renew_all
from counterfoil.service.rulebook import actions, force, preview, queries, renewing
from counterfoil.service.rulebook.models import LocalRule
from counterfoil.terminology.codesets import load_codeset

AS_OF = date(2026, 11, 22)
RULE = "monitoring.methotrexate"
pytestmark = pytest.mark.slow


TESTED = {"p-week": 7, "p-ten": 70, "p-late": 98}
"""Patient to days since the three tests; all have taken methotrexate for a year."""


def record() -> Load:
    patients = [sw.patient("X1", p, f"person-{p}", family_name=p) for p in TESTED]
    common = {"practice": "X1", "source_system": "synthetic"}
    issues = [
        {
            **common,
            "source_id": f"{p}-{n}",
            "issue_id": f"{p}-{n}",
            "patient_id": p,
            "product_text": "Methotrexate 2.5mg tablets",
            "issue_type": "repeat",
            "issued_on": AS_OF - timedelta(days=28 * n + 5),
        }
        for p in TESTED
        for n in range(13)
    ]
    entries = [
        {
            **common,
            "source_id": f"{p}-{name}",
            "entry_id": f"{p}-{name}",
            "patient_id": p,
            "kind": "result",
            "code": min(load_codeset(name).codes),
            "term": name,
            "happened_on": AS_OF - timedelta(days=ago),
            "precision": "day",
        }
        for p, ago in TESTED.items()
        for name in ("fbc", "lft", "renal_function")
    ]
    tables = {
        "patient": from_rows("patient", patients),
        "issue": from_rows("issue", issues),
        "coded_entry": from_rows("coded_entry", entries),
    }
    return of_tables("X1", tables)


@pytest.fixture
def practice(world: Any) -> str:
    """X1 with three patients on methotrexate, tested 1, 10 and 14 weeks ago."""
    publishing.publish(record(), AS_OF, from_rules.findings_of)
    assert states() == {"p-week": "clear", "p-ten": "near", "p-late": "open"}
    return "X1"


def states() -> dict[str, str]:
    found = dict.fromkeys(TESTED, "clear")
    return found | dict(Finding.objects.filter(rule=RULE).values_list("patient_id", "state"))


def changed(every: str = "1 week") -> str:
    """The methotrexate rule with another interval, its examples moved along."""
    text = force.shipped_texts()[RULE]
    return text.replace('every = "12 weeks"', f'every = "{every}"')


def eight_weeks() -> str:
    """Every 8 weeks instead of 12: the edges of the examples move by 28 days."""
    text = changed("8 weeks")
    for old, new in (("05-05", "05-12"), ("04-07", "05-05"), ("04-08", "05-06")):
        text = text.replace(f"2026-{old}", f"2026-{new}")
    return text


def test_a_text_that_cannot_be_used_says_so_by_line() -> None:
    text = force.shipped_texts()[RULE].replace('owner = "technician"', 'owner = "nobody"')
    [(line, said)] = actions.problems(text)
    assert line == text.splitlines().index('owner = "nobody"') + 1
    assert "technician, pharmacist, prescriber" in said
    assert actions.problems("id = [") != []
    assert actions.problems(force.shipped_texts()[RULE]) == []


def test_a_changed_interval_fails_the_examples_that_knew_the_old_one() -> None:
    found = queries.examples(changed("11 weeks"))
    failed = [one for one in found if not one.passes]
    assert failed
    assert all(dict(one.clauses) for one in found)
    assert actions.problems(changed("11 weeks"))
    assert actions.problems(eight_weeks()) == []


def test_a_change_is_previewed_approved_and_then_the_worklist_changes(
    world: Any, practice: str
) -> None:
    shown = preview.preview(world.tess, "U1", force.checked(eight_weeks(), "mine"))
    assert (shown.enters, shown.leaves) == (1, 0)
    assert [(m.name, m.before, m.after) for m in shown.moved] == [("P-TEN, Mary", "near", "open")]
    assert any("8 weeks" in why for why in shown.moved[0].why)
    row = actions.keep_draft(world.tess, "U1", eight_weeks(), "Our shared care asks for 8 weeks.")
    assert row.version == max(r.version for r in force.shipped() if r.id == RULE) + 1
    assert f"version = {row.version}" in row.text
    actions.submit(world.tess, str(row.pk))
    with pytest.raises(ScopeError):
        actions.approve(world.tess, str(row.pk))
    assert states()["p-ten"] == "near"
    actions.approve(world.phil, str(row.pk), "Agreed.")
    assert renewing.after_change(row) == 1
    assert states() == {"p-week": "clear", "p-ten": "open", "p-late": "open"}
    found = Finding.objects.filter(rule=RULE)
    assert {f.rule_version for f in found} == {str(row.version)}
    assert all(f.makes_work for f in found)
    kinds = set(Event.objects.filter(chain="U1").values_list("kind", flat=True))
    assert {"rule_saved", "rule_submitted", "rule_approved"} <= kinds
    assert Event.objects.filter(chain=practice, kind="findings_renewed").exists()


def test_a_version_expires_and_the_shipped_rule_returns(world: Any, practice: str) -> None:
    row = actions.keep_draft(world.tess, "U1", eight_weeks(), "For the pilot.", date(2026, 12, 1))
    actions.submit(world.tess, str(row.pk))
    actions.approve(world.phil, str(row.pk))
    versions = {
        day: {r.id: r.version for r in force.at(practice, day).rules}[RULE]
        for day in (date(2026, 11, 30), date(2026, 12, 1))
    }
    shipped = next(r.version for r in force.shipped() if r.id == RULE)
    assert versions == {date(2026, 11, 30): row.version, date(2026, 12, 1): shipped}


def test_withdrawing_brings_back_the_version_before(world: Any, practice: str) -> None:
    for reason in ("first", "second"):
        row = actions.keep_draft(world.tess, "U1", eight_weeks(), reason)
        actions.submit(world.tess, str(row.pk))
        actions.approve(world.phil, str(row.pk))
    actions.withdraw(world.phil, str(row.pk), "No longer agreed.")
    [chosen] = [r for r in force.at(practice, AS_OF).rules if r.id == RULE]
    assert chosen.version == row.version - 1


def test_a_practices_own_rule_goes_before_its_pcns(world: Any, practice: str) -> None:
    from counterfoil.service.accounts.models import Membership

    Membership.objects.create(user=world.phil, organisation_id=practice, role="pharmacist")
    for organisation in ("U1", practice):
        row = actions.keep_draft(world.phil, organisation, eight_weeks(), organisation)
        actions.submit(world.phil, str(row.pk))
        actions.approve(world.phil, str(row.pk))
    [chosen] = [r for r in force.at(practice, AS_OF).rules if r.id == RULE]
    own = LocalRule.objects.get(organisation=practice)
    assert chosen.version == own.version
    [elsewhere] = [r for r in force.at("X2", AS_OF).rules if r.id == RULE]
    assert elsewhere.version == LocalRule.objects.get(organisation="U1").version


def test_what_may_not_be_is_refused(world: Any, practice: str) -> None:
    with pytest.raises(PolicyError, match="technician or pharmacist"):
        actions.keep_draft(world.lena, "U1", eight_weeks(), "x")
    with pytest.raises(PolicyError):
        actions.keep_draft(world.stranger, "U1", eight_weeks(), "x")
    with pytest.raises(DataError, match="TOML"):
        actions.keep_draft(world.tess, "U1", "id = [", "x")
    row = actions.keep_draft(world.tess, "U1", eight_weeks())
    with pytest.raises(PolicyError, match="Say why"):
        actions.submit(world.tess, str(row.pk))
    broken = actions.keep_draft(world.tess, "U1", changed("11 weeks"), "x")
    with pytest.raises(DataError):
        actions.submit(world.tess, str(broken.pk))
    done = actions.keep_draft(world.tess, "U1", eight_weeks(), "x", ref=str(row.pk))
    actions.submit(world.tess, str(done.pk))
    with pytest.raises(ConflictError, match="submitted already"):
        actions.keep_draft(world.tess, "U1", eight_weeks(), "y", ref=str(done.pk))
    with pytest.raises(ScopeError):
        queries.version(world.stranger, str(row.pk))
    with pytest.raises(PolicyError, match="what is to be different"):
        actions.send_back(world.phil, str(done.pk), " ")
    actions.send_back(world.phil, str(done.pk), "Say which clinic.")
    assert queries.version(world.tess, str(done.pk))[0].status == "returned"


def test_a_text_this_release_cannot_read_leaves_the_shipped_rule(
    world: Any, practice: str, client: Any
) -> None:
    row = actions.keep_draft(world.tess, "U1", eight_weeks(), "x")
    actions.submit(world.tess, str(row.pk))
    actions.approve(world.phil, str(row.pk))
    LocalRule.objects.filter(pk=row.pk).update(text=row.text + "\nnonsense = true\n")
    found = force.at(practice, AS_OF)
    assert RULE in found.broken
    assert RULE in queries.not_readable(world.tess)
    client.force_login(world.tess)
    assert "Own rules that this release cannot read" in client.get("/audits/").content.decode()
    assert [r.version for r in found.rules if r.id == RULE] == [
        r.version for r in force.shipped() if r.id == RULE
    ]


def test_renewing_follows_the_calendar_without_a_new_record(world: Any, practice: str) -> None:
    assert renew(practice, AS_OF + timedelta(days=14)) is not None
    assert states()["p-ten"] == "open"
    assert set(renew_all(AS_OF)) == {practice}
    assert states()["p-ten"] == "near"
    assert renew("X2", AS_OF) is None


def test_the_pages_of_a_change(world: Any, practice: str, client: Any) -> None:
    client.force_login(world.tess)
    page = client.get(f"/audits/{RULE}/change/").content.decode()
    assert "Can be used" in page
    sent = {"organisation": "U1", "text": changed("11 weeks"), "do": "check"}
    page = client.post("/audits/new/", sent).content.decode()
    assert "Fails" in page
    sent["text"] = eight_weeks()
    page = client.post("/audits/new/", {**sent, "do": "preview"}).content.decode()
    assert "would enter the list" in page
    wrong = client.post("/audits/new/", {**sent, "do": "save", "expires": "soon"})
    assert wrong.status_code == 422
    done = client.post("/audits/new/", {**sent, "do": "submit", "reason": "Shared care."})
    assert done.status_code == 302
    ref = str(LocalRule.objects.get(status="submitted").pk)
    assert client.post(f"/audits/versions/{ref}/approve/").status_code == 404
    client.force_login(world.phil)
    assert "Waiting for your approval" in client.get("/audits/").content.decode()
    page = client.get(f"/audits/versions/{ref}/?preview").content.decode()
    assert "8 weeks" in page
    assert "Approve version" in page
    assert client.post(f"/audits/versions/{ref}/approve/").status_code == 302
    page = client.get(f"/audits/{RULE}/").content.decode()
    assert "in force" in page
    client.force_login(world.stranger)
    assert client.get(f"/audits/versions/{ref}/").status_code == 404
