"""Names against a whole release: the NHSBSA's older abbreviations beside the names of today.

The pairs are split by BNF chemical: rules were written looking at seven eighths, the last was only
ever scored. A pair counts where its product is in the lists of 2025. Right is the
product's VMP, or a brand of it; wrong is any other product; the rest are left open.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
import string
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.terminology import Formulary, formulary, use
from release_lists import ProductLists
from support import needs_shared, shared

pytestmark = [*needs_shared, pytest.mark.slow]

RIGHT = {"seen": 0.96, "unseen": 0.90}
WRONG = {"seen": 0.005, "unseen": 0.015}
AVAXIM = "Avaxim vaccine suspension for injection 0.5ml pre-filled syringes"
DICLOFENAC = "Diclofenac sodium 75mg gastro-resistant / Misoprostol 200microgram tablets"
GLYCEROL = "Glycerol 750microlitres/5ml oral solution sugar free"
NEUTROGENA = "Neutrogena T/Gel dry hair anti-dandruff shampoo"
BUCCOLAM = "Buccolam 5mg/1ml oromucosal solution pre-filled oral syringes"


@pytest.fixture(scope="module")
def with_release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formulary]:
    folder: Path = tmp_path_factory.mktemp("release")
    use(ProductLists(folder))
    yield formulary()
    use(None)


def half(bnf_code: str) -> str:
    """By the chemical (nine characters), so that no drug is in both: one in eight is unseen."""
    digest = hashlib.sha256(bnf_code[:9].encode()).digest()
    return "unseen" if digest[-1] % 8 == 7 else "seen"


def pairs() -> list[dict[str, str]]:
    path = shared("terminology", "bnf_abbrev_to_dmd_name_pairs.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("part", ["seen", "unseen"])
def test_old_abbreviations_find_their_product_or_nothing(
    with_release: Formulary, part: str
) -> None:
    count: Counter[str] = Counter()
    for row in pairs():
        truth = with_release.by_id(row["vpid"]) if row["vpid"] else None
        if truth is None or half(row["bnf_code"]) != part:
            continue
        found = with_release.match(row["abbrev"]).product
        right = found is not None and found.vmp_id == truth.vmp_id
        count["right" if right else "open" if found is None else "wrong"] += 1
    total = count.total()
    print(f"{part}: {total} names, " + ", ".join(f"{k} {v / total:.2%}" for k, v in count.items()))
    assert total > 250
    assert count["right"] / total >= RIGHT[part]
    assert count["wrong"] / total < WRONG[part]


def test_no_name_of_the_release_leads_to_another_product_when_it_is_read_word_by_word(
    with_release: Formulary,
) -> None:
    """Twenty-three thousand names, without looking any up: the product itself, or none."""
    count: Counter[str] = Counter()
    wrong = []
    table = pq.read_table(shared("terminology", "dmd_2025w34_vmp.parquet"), columns=["vpid", "nm"])
    for row in table.to_pylist():
        truth = with_release.by_id(row["vpid"])
        assert truth is not None
        if not truth.ingredients:
            continue  # known by its name alone
        found = with_release.match_words(row["nm"]).product
        right = found is not None and found.vmp_id == truth.vmp_id
        count["right" if right else "open" if found is None else "wrong"] += 1
        if found is not None and not right:
            wrong.append((row["nm"], found.name))
    print(count)
    assert not wrong
    assert count["right"] / count.total() > 0.9


def test_names_dispensed_in_england_lead_to_the_product_of_that_name(
    with_release: Formulary,
) -> None:
    """The presentations of twelve months with a thousand items or more, weighed by these."""
    path = shared("terminology", "bnf_presentation_items_2022-09_2023-08.csv.gz")
    items: Counter[str] = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["items"]) < 1000:
                continue
            truth = with_release.by_id(row["vpid"]) if row["vpid"] else None
            found = with_release.match(row["bnf_name"]).product
            if found is None:
                kind = "open"
            elif truth is None:
                kind = "matched, not in the lists by that name"
            else:
                kind = "right" if found.vmp_id == truth.vmp_id else "wrong"
            items[kind] += int(row["items"])
    print({kind: f"{n / items.total():.2%}" for kind, n in items.items()})
    assert items["wrong"] == 0
    assert items["right"] / items.total() > 0.92


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Canesten Oral_Cap 150mg", "Canesten Thrush Oral 150mg capsules"),
        ("Canesten Oral_Cap 200mg", None),  # every strength has to agree
        ("Canesten Oral_Crm 150mg", None),  # and the form
        ("Tocoph Acet_Susp 500mg/5ml", "Alpha tocopheryl acetate 500mg/5ml oral suspension"),
        ("Zofran_Tab Melt 4mg", "Zofran Melt 4mg oral lyophilisates"),
        ("Charcoal_Tab", None),  # no strength of a generic is taken from a text without one
        ("Centrum_Tab Chble", None),  # nor the kids' of a brand from its name alone
        ("Zn Paste_Band 7.5cm x 6m", None),  # calamine is a drug that the text does not name
        ("Empagliflozin/Metformin_Tab 5mg/1g", "Empagliflozin 5mg / Metformin 1g tablets"),
        ("Hydrogen Per_Soln 10vols/3%", "Hydrogen peroxide 3% solution"),
        ("Prednisone_Tab 2mg", None),  # a drug of its own, not short for prednisolone
        ("Quinine_Tab 300mg", None),  # quinidine
        ("Gppe Shampoo_Capasal", "Generic Capasal Therapeutic shampoo"),
        ("Valupak Calc & Vit D_Tab", "Valupak Calcium & Vitamin D tablets"),
        ("Avaxim_Vac 320u/ml 0.5ml Pfs", AVAXIM),
        ("Diclof Sod E/C /Misopros_Tab 75mg/200mcg", DICLOFENAC),
        ("Buccolam_Oromuc Soln 5mg/1ml Pfos", BUCCOLAM),
        ("Clindamycin Phos_Top Soln 1% + Applic", "Clindamycin 1% alcoholic solution"),
        ("Malathion_Aq Lot 0.5%", "Malathion 0.5% aqueous liquid"),
        ("Ramipril_Liq Spec 10mg/5ml", None),  # a solution and a suspension are left
        ("Paroxetine HCl_Oral Soln 10mg/5ml S/F", None),  # with sugar, or no solution
        ("Fleet_Enem Phos 133ml", None),  # the brand has other enemas, and not that salt
        ("Silver Nit_Stick 40%", "Silver nitrate 40% caustic pencils"),  # the one of 40%
        ("Breeze 2 (Reagent)_Strips", None),  # a tube holder of that brand has a strip
        ("Anodesyn_Triple Action Oint", None),  # may be another of that brand
        ("Salofalk_Foam Aero Enem 1g/D 14g", "Salofalk 1g/application foam enema"),
        ("Glycerol_Oral Soln 0.75ml/5ml S/F", GLYCEROL),
        ("Corsodyl Daily_Mthwsh F/Mint", "Corsodyl Daily mouthwash fresh mint"),
        ("Neutrogena_T/Gel Shampoo For Dry Hair", NEUTROGENA),
    ],
)
def test_a_name_with_words_the_text_lacks_counts_only_where_all_that_was_read_agrees(
    with_release: Formulary, text: str, name: str | None
) -> None:
    found = with_release.match(text).product
    assert (found.name if found else None) == name


def edited(word: str, rng: random.Random) -> str:
    """*word* with one letter left out, put in, changed, or two beside each other swapped."""
    i, letter = rng.randrange(len(word)), rng.choice(string.ascii_lowercase)
    return rng.choice(
        (
            word[:i] + word[i + 1 :],
            word[:i] + letter + word[i:],
            word[:i] + letter + word[i + 1 :],
            word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :],
        )
    )


def test_no_misspelling_of_a_drug_is_read_as_another_drug(with_release: Formulary) -> None:
    """One edit and two of every other drug of one word; what happens to be a real name is that name.

    With the older lists' underscore too, where a word may be short for another.
    """
    rng = random.Random(20250814)
    read = 0
    for drug in with_release.drugs[::2]:
        if len(drug) < 5:
            continue
        for times in (1, 2):
            word = drug
            for _ in range(times):
                word = edited(word, rng)
            if word in with_release.known_words:
                continue
            for text in (f"{word} 10mg tablets", f"{word}_Tab 10mg", f"{word}_Tab 5mg"):
                found = with_release.match(text)
                assert set(found.ingredients) <= {drug}, (drug, text, found.name)
                read += bool(found.ingredients)
    print(f"{read} misspellings read")
    assert read > 500


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("promzine_Tab 10mg", None),  # promazine, with a letter missing; not promethazine
        ("prcaine_Tab 5mg", None),
        ("betaie_Tab 5mg", None),
        ("predisone_Tab 5mg", "Prednisone 5mg tablets"),  # by its spelling, not prednisolone
        ("calciu_10mg powder and solvent for solution for injection vials", None),
        ("arginie_Tab 10mg", None),  # nor the brand that has the salt in its name
        ("Hydchloroth_Tab 25mg", "Hydrochlorothiazide 25mg tablets"),
        ("Hydrochloroth_Tab 25mg", "Hydrochlorothiazide 25mg tablets"),
        ("Calcium_Tab 600mg", None),  # not the gluconate
        ("Phosphat_Tab 10mg", None),  # not Phosphate Sandoz
    ],
)
def test_letters_in_order_do_not_make_a_word_short_for_another(
    with_release: Formulary, text: str, name: str | None
) -> None:
    found = with_release.match(text).product
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("codeine phosphate 30mg tabs", "Codeine 30mg tablets"),
        ("baclophen 10mg tablets", "Baclofen 10mg tablets"),  # by the rule of spelling
        ("mebev MR 200mg caps", "Mebeverine 200mg modified-release capsules"),
        ("alend acid 70mg tabs wkly", "Alendronic acid 70mg tablets"),
        ("fol acid 5mg tabs", None),  # folinic acid begins so, too
        ("valproate sodium 500mg EC tablets", "Sodium valproate 500mg gastro-resistant tablets"),
        ("Timolol 0.25% eye drps", "Timolol 0.25% eye drops"),
        ("28xsitagliptin 50mg tablets", "Sitagliptin 50mg tablets"),
        ("?still taking citalopram 40mg tabs one od", "Citalopram 40mg tablets"),
        ("Efudix", "Efudix 5% cream"),
        ("Epipen", None),  # EpiPen Jr is of another strength
        ("Zoladex", None),  # and Zoladex LA
        ("Laxido", None),  # the lists hold the children's alone, the formulary others
        ("Laxido sachets", None),
        ("doxycyclin", None),  # which begins a brand of a supplier's
        ("Biatain Silicone 10x10", "Biatain Silicone dressing 10cm x 10cm"),
        ("metformin MR 500", "Metformin 500mg modified-release tablets"),
        ("metformin 500", None),  # tablets, or modified-release
        ("zolmitriptan 2.5mg", None),  # tablets, or a melt
    ],
)
def test_a_free_text_is_read_as_people_write(
    with_release: Formulary, text: str, name: str | None
) -> None:
    found = with_release.match(text).product
    assert (found.name if found else None) == name


def test_a_salt_beside_a_word_that_was_not_read_is_no_medicine(with_release: Formulary) -> None:
    for text in ("emiparon sodium 2,500units/0.2ml injection", "histaine_phosphate 1mg"):
        assert with_release.match(text).ingredients == ()


@pytest.mark.parametrize(
    "piece", ["x", "(", "_", "5mg/", "sod chlor/", "tab_a ", "a1", "ﷺ", "e/c "]
)
def test_a_name_of_ten_thousand_letters_takes_no_longer_than_one_would_wait(
    with_release: Formulary, piece: str
) -> None:
    started = time.process_time()
    with_release.match((piece * 10_000)[:10_000])
    assert time.process_time() - started < 1


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60), underscore=st.booleans())
def test_any_text_is_answered(with_release: Formulary, text: str, underscore: bool) -> None:
    found = with_release.match(text.replace(" ", "_", 1) if underscore else text)
    assert found.level in ("AMP", "VMP", "VTM", "ingredients", "none")


@pytest.mark.parametrize("text", ["m", "a", "co-c", "metf 500", "apix", "5mg", "100 inh"])
def test_a_search_while_typing_finds_something_from_the_first_letter(
    with_release: Formulary, text: str
) -> None:
    assert with_release.search(text)
