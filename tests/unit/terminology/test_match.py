"""Reading a medicine name: what is matched, what is left open, and what is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.terminology import Match, Product, formulary
from counterfoil.terminology.names import other_drugs

PRODUCTS = formulary().products
GENERICS = [p for p in PRODUCTS if p.level == "VMP"]


def match(text: str) -> Match:
    return formulary().match(text)


def name_of(text: str) -> str | None:
    found = match(text).product
    return found.name if found else None


@pytest.mark.parametrize("level", ["VMP", "AMP"])
def test_every_name_of_the_formulary_is_its_own_match(level: str) -> None:
    for p in PRODUCTS:
        if p.level == level:
            found = match(p.name)
            assert found.product is p
            assert found.reasons == ()


def test_every_name_is_read_word_by_word_too_without_looking_it_up() -> None:
    for p in PRODUCTS:
        if not p.name.startswith("Generic "):  # named after its brand: read as the brand
            assert formulary().match_words(p.name).product is p, p.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # old names
        ("Frusemide 40mg tabs", "Furosemide 40mg tablets"),
        ("Bendrofluazide 2.5mg tablets", "Bendroflumethiazide 2.5mg tablets"),
        ("Thyroxine 50mcg tabs", "Levothyroxine sodium 50microgram tablets"),
        ("Chlorpheniramine 4mg tablets", "Chlorphenamine 4mg tablets"),
        ("Cholecalciferol 800 unit caps", "Colecalciferol 800unit capsules"),
        ("Beclomethasone 50 micrograms nasal spray", "Beclometasone 50micrograms/dose nasal spray"),
        # abbreviations
        ("ISMN MR 60mg tabs", "Isosorbide mononitrate 60mg modified-release tablets"),
        ("GTN 500mcg sublingual tabs", "Glyceryl trinitrate 500microgram sublingual tablets"),
        ("FeSO4 200mg tabs", "Ferrous sulfate 200mg tablets"),
        ("Co-codamol 30/500 tablets", "Co-codamol 30mg/500mg tablets"),
        ("Cocodamol 8mg/500mg tablets", "Co-codamol 8mg/500mg tablets"),
        ("MTX 2.5mg tablets", "Methotrexate 2.5mg tablets"),
        ("Vit B Co Strong tabs", "Vitamin B compound strong tablets"),
        # units and strengths
        ("Metformin 1000mg MR tablets", "Metformin 1g modified-release tablets"),
        ("Metformin 0.5g tablets", "Metformin 500mg tablets"),
        ("Digoxin 0.125mg tablets", "Digoxin 125microgram tablets"),
        ("Digoxin 62.5 µg tablets", "Digoxin 62.5microgram tablets"),
        ("Levothyroxine 0.05 mg tablets", "Levothyroxine sodium 50microgram tablets"),
        ("Metformin 100mg/ml oral solution sugar free", "Metformin 500mg/5ml oral solution sugar free"),
        ("Latanoprost 0.005% eye drops", "Latanoprost 50micrograms/ml eye drops"),
        ("Colecalciferol 20,000 IU capsules", "Colecalciferol 20,000unit capsules"),
        # release, salts, forms
        ("Omeprazole EC 20mg capsules", "Omeprazole 20mg gastro-resistant capsules"),
        ("Omeprazole 20mg caps", "Omeprazole 20mg gastro-resistant capsules"),
        ("Prednisolone E/C 5mg tabs", "Prednisolone 5mg gastro-resistant tablets"),
        ("Quetiapine XL 50mg tablets", "Quetiapine 50mg modified-release tablets"),
        ("Amlodipine besilate 5mg tablets", "Amlodipine 5mg tablets"),
        ("Bisoprolol fumarate 2.5 mg tablet", "Bisoprolol 2.5mg tablets"),
        ("Diclofenac sodium EC 50mg tabs", "Diclofenac sodium 50mg gastro-resistant tablets"),
        ("Morphine sulphate 10mg MR caps", "Morphine 10mg modified-release capsules"),
        ("Salbutamol Inha 100mcg (200 D) CFF", "Salbutamol 100micrograms/dose inhaler CFC free"),
        ("Buprenorphine 10 micrograms/hour 7 day patch", "Buprenorphine 10micrograms/hour transdermal patches"),
        ("Hydrocortisone 1% w/w cream", "Hydrocortisone 1% cream"),
        ("Phenytoin 100mg capsules", "Phenytoin sodium 100mg capsules"),
        ("Lithium 400mg MR tablets", "Lithium carbonate 400mg modified-release tablets"),
        ("Lithium citrate 5.4mmol/5ml oral solution sugar free", "Lithium citrate 520mg/5ml oral solution sugar free"),
        ("Fentanyl 25mcg/hr patches", "Fentanyl 25micrograms/hour transdermal patches"),
        # combinations
        ("Sacubitril/valsartan 49/51mg tablets", "Sacubitril 49mg / Valsartan 51mg tablets"),
        (
            "Timolol 5mg/ml / Latanoprost 50micrograms/ml eye drops",
            "Latanoprost 50micrograms/ml / Timolol 5mg/ml eye drops",
        ),
        # brands
        ("Fostair 100/6 inhaler", "Fostair 100micrograms/dose / 6micrograms/dose inhaler"),
        ("Symbicort 200/6 turbohaler", "Symbicort 200/6 Turbohaler"),
        ("Priadel 400mg MR tabs", "Priadel 400mg modified-release tablets"),
        ("Epilim Chrono 500mg", "Epilim Chrono 500 tablets"),
        ("Tegretol PR 200mg tabs", "Tegretol Prolonged Release 200mg tablets"),
        ("Lustral (sertraline) 50mg tablets", "Lustral 50mg tablets"),
        ("Eliquis 5mg tablets (Bristol-Myers Squibb Pharmaceuticals Ltd)", "Eliquis 5mg tablets"),
        (
            "Insulin glargine (Lantus) 100 units/ml SoloStar",
            "Lantus 100units/ml solution for injection 3ml pre-filled SoloStar pens",
        ),
        # suppliers and quantities
        ("Folic acid 5mg tablets (A A H Pharmaceuticals Ltd)", "Folic acid 5mg tablets"),
        ("Amoxicillin 500mg capsules x 21", "Amoxicillin 500mg capsules"),
        ("Amoxicillin 500mg capsules 21 capsules", "Amoxicillin 500mg capsules"),
        # spelling
        ("Atorvstatin 20mg tablets", "Atorvastatin 20mg tablets"),
        ("Levothyroxin 25 micrograms tablets", "Levothyroxine sodium 25microgram tablets"),
    ],
)  # fmt: skip
def test_names_as_people_write_them(text: str, name: str) -> None:
    assert name_of(text) == name


def test_what_was_corrected_or_assumed_is_always_said() -> None:
    assert "read as atorvastatin" in match("Atorvstatin 20mg tablets").reasons[0]
    assert "release not stated" in match("Omeprazole 20mg capsules").reasons[0]
    assert "form not stated" in match("Amlodipine 10mg").reasons[0]
    assert "units not stated" in match("Co-codamol 30/500 tablets").reasons[0]
    assert match("Amlodipine 10mg tablets").reasons == ()


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("Methotrexate 7.5mg tablets", "VTM", "no product of this drug with this strength"),
        ("Eliquis 10mg tablets", "VTM", "no product of this drug with this strength"),
        ("Ramipril 5mg", "VTM", "several products fit"),
        ("Aspirin 75mg", "VTM", "several products fit"),
        ("Warfarin", "VTM", "no strength stated"),
        ("Amlodipine 5 tablets", "VTM", "no product"),
        ("Diclofenac 50mg tablets", "VTM", "no product"),
        ("Metoprolol succinate 50mg tablets", "VTM", "no product"),
        ("Oxycodone 10mg tablets", "VTM", "no product"),
        ("Amlodipine 5mg suppositories", "VTM", "form, route or release"),
        ("Enoxaparin 100mg/ml injection", "VTM", "no product"),
        ("Apixaban 5mg frogs", "ingredients", "not read: frogs"),
        ("Lithium", "ingredients", "which lithium is not stated"),
        ("Insulin", "ingredients", "which insulin is not stated"),
        ("Ramipril 5mg / Atorvastatin 20mg tablets", "ingredients", "no product"),
        ("Priadel", "ingredients", "no strength stated"),
        ("Plaquenil", "VTM", "no strength stated"),
        ("Adcal D3 caplets", "VTM", "no strength stated"),
        ("Venlafaxine 75mg", "VTM", "several products fit"),
        ("Symbicort 200/6", "VTM", "several products fit"),
        ("Fostair 100/6", "VTM", "several products fit"),
        ("Seretide 250", "VTM", "several products fit"),
        ("Phenytoin sodium 50mg chewable tablets", "VTM", "no product"),
        ("Amlodipine 5mg/0ml", "ingredients", "not read: 0ml"),
    ],
)
def test_how_far_the_reading_reached_and_why_no_product(text: str, level: str, reason: str) -> None:
    found = match(text)
    assert found.level == level
    assert found.product is None
    assert any(reason in r for r in found.reasons), found.reasons


def test_a_brand_of_both_lithium_salts_is_lithium_with_its_flags() -> None:
    found = match("Priadel")
    assert found.ingredients == ("lithium",)
    assert found.brand == "Priadel"
    assert {"lithium", "high_risk", "critical"} <= found.flags
    assert found.brand_matters


@pytest.mark.parametrize(
    "text", ["Laxido", "Laxido natural oral powder sachets", "Adcal-D3 chewable tablets"]
)
def test_a_brand_whose_flavour_is_open_gives_the_generic_with_the_brand(text: str) -> None:
    found = match(text)
    if "natural" in text:
        assert found.product is None
    else:
        assert (found.level, found.brand) == ("VMP", text.split()[0])


def test_a_mixed_insulin_is_never_read_as_the_plain_one() -> None:
    assert match("Humalog Mix 25").ingredients == ("insulin lispro biphasic 25/75",)
    assert match("Humalog Mix").ingredients == ()
    assert match("Novomix 30").ingredients == ("insulin aspart biphasic 30/70",)


def test_a_strength_that_the_formulary_lacks_is_kept_but_never_rounded_to_a_product() -> None:
    found = match("Methotrexate 7.5mg tablets")
    assert found.ingredients == ("methotrexate",)
    assert [str(s) for s in found.strengths] == ["7.5mg"]
    assert found.form == "tablet"
    assert found.route == "oral"
    assert "weekly" in found.flags
    assert found.drug_class == "dmard"


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "Banana", "Unknownmab 40mg", "Glucosamine 500mg tablets", "5mg", "tablets",
        "Trimetazidine 20mg tablets", "Propylthiourea", "Jevity 1.5kcal feed",
        "Furosemide 40mg tablets and amiloride 5mg tablets",
        "Paracetamol 500mg / Isometheptene 65mg capsules",
        "Colecalciferol 200unit / Calcium phosphate 250mg chewable tablets",
        "Lipitor or Zocor 20mg tablets",
        "Local Mixture (Madopar 50mg/12.5mg capsules (Roche Products Ltd), Paracetamol 500mg)",
    ],
)  # fmt: skip
def test_what_is_not_one_known_medicine_is_none(text: str) -> None:
    found = match(text)
    assert found.level == "none"
    assert found.product is None
    assert found.reasons


LOOKALIKES = [
    ("hydralazine", "hydroxyzine"), ("prednisolone", "prednisone"), ("clobetasol", "clobetasone"),
    ("chlorpromazine", "chlorpropamide"), ("penicillamine", "penicillin"),
    ("carbimazole", "carbamazepine"), ("lamotrigine", "lamivudine"), ("amiloride", "amlodipine"),
    ("terbinafine", "terbutaline"), ("propranolol", "prednisolone"), ("quinine", "quinidine"),
    ("azathioprine", "azithromycin"), ("rabeprazole", "aripiprazole"), ("rivaroxaban", "edoxaban"),
    ("methylphenidate", "dexmethylphenidate"), ("salbutamol", "salmeterol"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), LOOKALIKES)
def test_two_real_drug_names_are_never_taken_for_each_other(one: str, other: str) -> None:
    for text, wrong in ((one, other), (other, one)):
        found = match(f"{text} 25mg tablets")
        assert wrong not in found.ingredients
        assert not any("read as" in r for r in found.reasons)


def test_no_other_real_medicine_is_corrected_to_one_of_the_formulary() -> None:
    for name in other_drugs():
        found = match(f"{name} 10mg tablets")
        assert found.product is None, name
        assert found.level == "none", name


def test_no_drug_of_the_formulary_is_read_as_another() -> None:
    drugs = {i for p in GENERICS for i in p.ingredients}
    for drug in drugs:
        found = match(drug)
        assert found.level in ("VTM", "ingredients", "VMP"), drug
        assert drug in found.ingredients or found.product is None, drug


@pytest.mark.parametrize(
    ("text", "code_of", "level"),
    [
        ("Apixaban 5mg tablets", "Apixaban 5mg tablets", "VMP"),
        ("Apixaban as the clinic says", "Apixaban 5mg tablets", "VMP"),
        ("", "Apixaban 5mg tablets", "VMP"),
        ("Rivaroxaban 20mg tablets", "Apixaban 5mg tablets", "none"),
    ],
)
def test_a_known_code_decides_unless_the_words_name_another_drug(
    text: str, code_of: str, level: str
) -> None:
    product = next(p for p in PRODUCTS if p.name == code_of)
    found = formulary().match(text, product.id)
    assert found.level == level
    assert found.conflict == (level == "none")
    assert found.product is (None if level == "none" else product)


def test_a_code_that_the_formulary_does_not_know_is_said_and_the_words_are_read() -> None:
    found = formulary().match("Apixaban 5mg tablets", "12345")
    assert found.product is not None
    assert "the code is not in the formulary" in found.reasons


def test_a_brand_and_another_drug_is_a_conflict() -> None:
    found = match("Lipitor simvastatin 20mg tablets")
    assert (found.level, found.conflict) == ("none", True)


def test_release_words_decide_between_brands_of_one_name() -> None:
    assert name_of("Adizem-XL 120mg capsules") == "Adizem-XL 120mg capsules"
    assert name_of("Adizem-SR 120mg capsules") == "Adizem-SR 120mg capsules"
    assert name_of("Adizem 120mg capsules") is None
    assert name_of("Seroquel 50mg tablets") is None
    assert name_of("Seroquel XL 50mg tablets") == "Seroquel XL 50mg tablets"


def test_containers_of_one_insulin_are_kept_apart() -> None:
    assert name_of("Abasaglar 100units/ml 3ml cartridges") is None
    assert name_of("Humalog 100u/ml 3ml Cart") == (
        "Humalog 100units/ml solution for injection 3ml cartridges"
    )
    assert match("NovoRapid 100units/ml").product is None
    assert match("NovoRapid 100units/ml").ingredients == ("insulin aspart",)


def test_single_use_syringes_are_told_apart_by_their_content_not_their_concentration() -> None:
    for text in ("Enoxaparin 40mg/0.4ml injection", "Enoxaparin 100mg/ml 0.4ml pfs"):
        assert name_of(text) == (
            "Enoxaparin sodium 40mg/0.4ml solution for injection pre-filled syringes"
        )


def test_json_has_the_agreed_keys_and_says_what_was_read_from_which_words() -> None:
    found = match("Frusemide 40mg tabs").to_json()
    assert {"text", "level", "id", "name", "ingredients", "form", "route", "read", "reasons"} <= (
        found.keys()
    )
    assert found["read"] == {"ingredient": "frusemide", "strength": "40 mg", "form": "tabs"}
    assert found["level"] == "VMP"


# --- properties --------------------------------------------------------------------------------

products = st.sampled_from(PRODUCTS)
generics = st.sampled_from(GENERICS)


@settings(max_examples=150)
@given(
    products, st.sampled_from([str.upper, str.lower, str.title, str.swapcase]), st.integers(1, 3)
)
def test_case_and_spaces_do_not_change_the_match(
    product: Product, case: object, spaces: int
) -> None:
    assert callable(case)
    text = (" " * spaces).join(case(product.name).split(" "))
    assert match(f" {text} ").product is product


@settings(max_examples=200)
@given(generics, st.data())
def test_a_typing_error_never_leads_to_another_drug(product: Product, data: st.DataObject) -> None:
    """The right drug, or none; never a product of other ingredients."""
    name = product.name
    place = data.draw(st.integers(0, max(0, len(name.split(" ")[0]) - 1)))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    kind = data.draw(st.sampled_from(["drop", "change", "add", "swap"]))
    if kind == "drop":
        text = name[:place] + name[place + 1 :]
    elif kind == "change":
        text = name[:place] + letter + name[place + 1 :]
    elif kind == "add":
        text = name[:place] + letter + name[place:]
    else:
        text = name[:place] + name[place : place + 2][::-1] + name[place + 2 :]
    found = match(text)
    if found.product is not None:
        assert set(found.product.ingredients) == set(product.ingredients), text
    elif found.level != "none":
        assert set(found.ingredients) <= set(product.ingredients) | {"lithium", "insulin"}, text


@settings(max_examples=150)
@given(generics, st.integers(2, 997))
def test_another_strength_never_gives_a_product_of_the_first(product: Product, by: int) -> None:
    first = product.strengths[0]
    if first is None or len(product.ingredients) > 1 or "-" in product.name.split(" ")[1]:
        return
    written = str(first.numerator.numerator)
    if first.numerator.denominator != 1 or product.name.count(f" {written}") != 1:
        return
    text = product.name.replace(f" {written}", f" {first.numerator * by}")
    found = match(text).product
    assert found is None or found.strengths[0] != first


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_at_all_is_answered_and_a_product_needs_a_reason_to_be_one(text: str) -> None:
    found = match(text)
    assert found.text == text
    assert (found.product is not None) == (found.level in ("AMP", "VMP"))
    if found.level in ("none", "ingredients"):
        assert found.reasons


@settings(max_examples=100)
@given(generics, st.sampled_from(["zzyzx", "qqq", "Wibbleton", "таблетки", "٥", "naïveté"]))
def test_a_word_that_nobody_knows_stops_the_match_short_of_a_product(
    product: Product, word: str
) -> None:
    found = match(f"{product.name} {word}")
    assert found.product is None
    assert any(word.lower() in r for r in found.reasons)
