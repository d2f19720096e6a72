"""Monitoring groups and look-alike names."""

from __future__ import annotations

from counterfoil.terminology import formulary
from counterfoil.terminology.commands import describe
from counterfoil.terminology.known import look_alikes, monitoring_groups, monitoring_of


def test_every_group_has_a_source_and_drugs_of_the_formulary() -> None:
    held = {i for p in formulary().products for i in p.ingredients}
    names = [g.name for g in monitoring_groups()]
    assert len(set(names)) == len(names)
    for group in monitoring_groups():
        assert group.source
        assert group.status in ("read", "recalled")
        assert group.ingredients & held, group.name


def test_a_group_goes_by_route_too() -> None:
    (oral,) = [p for p in formulary().products if p.name == "Tacrolimus 1mg capsules"][:1]
    assert [g.name for g in monitoring_of(oral)] == ["tacrolimus"]
    skin = [p for p in formulary().products if "tacrolimus" in p.ingredients and p.route != "oral"]
    assert all(monitoring_of(p) == () for p in skin)


def test_names_that_look_alike_are_told_by_their_letters() -> None:
    drugs = formulary().drugs
    assert [a.name for a in look_alikes("hydralazine", drugs)] == ["hydroxyzine"]
    assert all(a.letters <= 3 for d in drugs for a in look_alikes(d, drugs))
    assert look_alikes("senna", drugs) == ()


def test_a_description_holds_them() -> None:
    found = describe(formulary().search("hydralazine 25mg")[0])
    assert found["look_alikes"] == {"hydralazine": ["hydroxyzine"]}
    assert found["usual_unit"] == "tablet"
