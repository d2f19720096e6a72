"""Extracts as practices send them when something went wrong on the way: each is answered in words.

Either the import is refused, with the file, the place and what was expected; or every row is
accounted for, and what was not loaded or was taken otherwise is said.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records import importers
from unit.records import extracts, made
from unit.records.test_bad_files import SYSTMONE, check_balance

ISSUE = "Prescribing_IssueRecord"
Make = Callable[[Path], object]


def emis(**tables: object) -> Make:
    return lambda folder: extracts.write(folder, **tables)


def each(change: Callable[[str], str | bytes]) -> Make:
    """An EMIS extract of which every file was changed in the same way."""

    def make(folder: Path) -> None:
        extracts.write(folder)
        for path in folder.glob("*.csv"):
            changed = change(path.read_text("utf-8"))
            path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())

    return make


def days(shown: Callable[[date], str]) -> Make:
    """An EMIS extract whose days a spreadsheet wrote."""

    def day(found: re.Match[str]) -> str:
        return shown(date.fromisoformat(found.group()))

    return each(lambda text: re.sub(r"\d{4}-\d\d-\d\d", day, text))


def header(change: Callable[[str], str]) -> Make:
    def changed(text: str) -> str:
        first, _, rest = text.partition("\n")
        return f"{change(first)}\n{rest}"

    return each(changed)


def beside(**files: str | bytes) -> Make:
    """A whole EMIS extract, and other files in its folder (``__`` is a space)."""

    def make(folder: Path) -> None:
        extracts.write(folder)
        for name, data in files.items():
            stem, _, ending = name.rpartition("_")
            path = folder / f"{stem.replace('__', ' ')}.{ending}"
            path.write_bytes(data if isinstance(data, bytes) else data.encode())

    return make


def renamed(ending: str) -> Make:
    def make(folder: Path) -> None:
        extracts.write(folder)
        for path in folder.glob("*.csv"):
            if ending == ".csv.gz":
                path.with_suffix(ending).write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()
            else:
                path.rename(path.with_suffix(ending))

    return make


def systmone(change: Callable[[str], str] = str, **more: str) -> Make:
    def make(folder: Path) -> None:
        for name, data in SYSTMONE.items():
            (folder / name).write_text(change(data.decode()), "utf-8")
        for name, text in more.items():
            (folder / f"{name}.csv").write_text(text, "utf-8")

    return make


def manifest(marks: str, *more: str) -> str:
    """A manifest of the files there are, each marked Y (changes) or N (whole), and further rows."""
    rows = [f"{n[:-4]},{mark},N,,20260601_0130" for n, mark in zip(SYSTMONE, marks, strict=True)]
    return "\n".join(["FileName,IsDelta,IsReference,DateExtractFrom,DateExtractTo", *rows, *more])


def both(folder: Path) -> None:
    extracts.write(folder)
    systmone()(folder)


PATIENT = f"patient_id,nhs_number,birth_date,sex\np1,{made.number(1)},1950-02-28,female\n"
ISSUES = (
    "issue_id,patient_id,product_text,issue_type,issued_on,quantity\ni1,p1,Aspirin,repeat,{},{}\n"
)


def template(
    day: str = "2026-05-04", quantity: str = "28", change: Callable[[str], str] = str
) -> Make:
    def make(folder: Path) -> None:
        (folder / "patient.csv").write_text(change(PATIENT), "utf-8")
        (folder / "issue.csv").write_text(change(ISSUES.format(day, quantity)), "utf-8")

    return make


@dataclass(frozen=True)
class Case:
    """What was sent, and what the answer must say."""

    name: str
    make: Make
    refused: str = ""
    rejected: tuple[str, ...] = ()
    noted: str = ""
    rows: int = 1
    """Issues that are loaded all the same."""
    delta: bool = False
    practice: str = made.PRACTICE


DATE = "expected a date written 2026-06-14"
LINE = extracts.text(ISSUE, {})
CASES = [
    Case("semicolons throughout", each(lambda t: t.replace(",", ";"))),
    Case(
        "semicolons in one file",
        emis(Prescribing_IssueRecord=LINE.replace(",", ";")),
        f"{ISSUE}.csv row 1: expected cells parted by commas. Found: cells parted by semicolons",
    ),
    Case("tabs throughout", each(lambda t: t.replace(",", "\t"))),
    Case(
        "UTF-16", each(lambda t: t.encode("utf-16")), "row 1: expected UTF-8 text .* Found: UTF-16"
    ),
    Case(
        "another code page",
        emis(Admin_Patient=extracts.text("Admin_Patient", {"Surname": "Café"}).encode("cp1252")),
        "Admin_Patient.csv line 2: expected UTF-8 text",
    ),
    Case(
        "days as 14/06/2026",
        days(lambda d: f"{d:%d/%m/%Y}"),
        f"{DATE}, found one written like 00/00",
    ),
    Case(
        "days as 01-Feb-24",
        days(lambda d: f"{d:%d-%b-%y}"),
        f"{DATE}, found one written like 00-Feb",
    ),
    Case(
        "days as 45321",
        days(lambda d: str((d - date(1899, 12, 30)).days)),
        "Admin_Patient.csv row 2: column DateOfBirth.*written like 00000",
    ),
    Case(
        "days as 45321 in one file",
        emis(Prescribing_IssueRecord=[{"EffectiveDate": "45321"}]),
        rejected=(f"{ISSUE}.csv row 2", f"column EffectiveDate: {DATE}, found '45321'"),
        rows=0,
    ),
    Case("a row sep=", each(lambda t: "sep=,\n" + t), "row 1: expected the header.*sep="),
    Case(
        "thousands separators",
        emis(Prescribing_IssueRecord=[{"Quantity": "1,000", "QuantityUnit": "ml"}]),
        noted="1 quantities are written out",
    ),
    Case("headers in capitals", header(str.upper)),
    Case("headers with blanks", header(lambda h: h.replace(",", " , "))),
    Case("a byte order mark", each(lambda t: t.encode("utf-8-sig"))),
    Case("no header", each(lambda t: t.partition("\n")[2]), "row 1: expected a column"),
    Case(
        "an extra column",
        emis(Prescribing_IssueRecord=[{"Cost Centre": "7"}]),
        noted="column 'Cost Centre' is not known: not read",
    ),
    Case(
        "an optional column missing",
        emis(Prescribing_IssueRecord=extracts.text(ISSUE, {}, drop=("QuantityUnit",))),
    ),
    Case(
        "a needed column missing",
        emis(Prescribing_IssueRecord=extracts.text(ISSUE, {}, drop=("PatientGuid",))),
        f"{ISSUE}.csv row 1: expected a column PatientGuid",
    ),
    Case("a file twice", beside(**{f"{ISSUE}__(1)_csv": LINE}), noted="is a copy of"),
    Case(
        "two files of one name that differ",
        beside(**{f"{ISSUE}__-__Copy_csv": LINE + LINE.splitlines()[1] + "\n"}),
        "Copy.csv: expected each file once",
    ),
    Case("both systems", both, "expected the extract of one system: import them one by one"),
    Case("a table of no rows", emis(Prescribing_IssueRecord=extracts.text(ISSUE)), rows=0),
    Case("a file of no bytes", emis(Prescribing_IssueRecord=b""), "expected a header row"),
    Case(
        "a file left out",
        emis(Prescribing_IssueRecord=None),
        noted=f"there is no file of {ISSUE}",
        rows=0,
    ),
    Case("the patients left out", emis(Admin_Patient=None), "expected a file of Admin_Patient"),
    Case("a test patient", emis(Admin_Patient=[{"DummyType": "true"}])),
    Case(
        "another practice",
        emis(),
        "expected patients of Y00002. Found: those of X00001",
        practice="Y00002",
    ),
    Case(
        "days ahead",
        emis(
            Prescribing_IssueRecord=[{"EffectiveDate": "2031-05-04"}],
            CareRecord_Observation=[{"EffectiveDate": "2099-01-01"}],
        ),
        noted="1 entries happened after 2026-05-04",
    ),
    Case(
        "rounded codes",
        emis(Coding_DrugCode=[{"DmdProductCodeId": "3.19784E+08"}]),
        rejected=("Coding_DrugCode.csv row 2", "not a spreadsheet's rounding"),
        rows=0,
    ),
    Case(
        "a comma without quotation marks",
        emis(Prescribing_IssueRecord=LINE.replace("Six once", "Six, once")),
        rejected=(f"{ISSUE}.csv row 2", "expected 12 cells as in the header, found 13"),
        rows=0,
    ),
    Case(
        "a row of totals",
        emis(Prescribing_IssueRecord=LINE + "Total: 1 row\n"),
        rejected=(f"{ISSUE}.csv row 3", "found 1"),
    ),
    Case(
        "a page of HTML",
        emis(Prescribing_IssueRecord="<html>Session over</html>\n"),
        "expected a column",
    ),
    Case("spreadsheets", renamed(".xlsx"), "none of these, but 9 files: 9 with .xlsx"),
    Case("packed one by one", renamed(".csv.gz"), "none of these, but 9 files: 9 with .gz"),
    Case("a zip beside", beside(rest_zip=b"PK"), noted="rest.zip is no CSV file: not read"),
    Case(
        "a folder too deep",
        lambda f: extracts.write(f / "a" / "b" / "c"),
        "none of these, but 9 files",
    ),
    Case("SystmOne: semicolons", systmone(lambda t: t.replace(",", ";")), rows=2),
    Case(
        "SystmOne: headers in capitals",
        systmone(lambda t: t.replace("IDPatient", "IDPATIENT")),
        rows=2,
    ),
    Case(
        "SystmOne: days of a spreadsheet",
        systmone(lambda t: t.replace("05 May 2026", "05-May-26")),
        rejected=("SRPrimaryCareMedication.csv row 2", "expected a date written 14 Jun 2026"),
        rows=0,
    ),
    Case("SystmOne: nobody's", systmone(), noted="does not say whose it is", rows=2),
    Case(
        "SystmOne: another practice's",
        systmone(
            lambda t: (
                t.replace("FirstName", "IDOrganisationVisibleTo")
                .replace("Ada", "A12345")
                .replace("Bo,", "A12345,")
            )
        ),
        "expected patients of X00001. Found: those of A12345",
    ),
    Case("SystmOne: a manifest of all", systmone(SRManifest=manifest("NNNNN")), rows=2),
    Case(
        "SystmOne: changes, not said",
        systmone(SRManifest=manifest("YYYYY")),
        "SRManifest: expected a whole extract; this is one of changes only.*--delta",
    ),
    Case("SystmOne: changes", systmone(SRManifest=manifest("YYYYY")), rows=2, delta=True),
    Case(
        "SystmOne: whole, said to be changes",
        systmone(SRManifest=manifest("NNNNN")),
        "SRManifest: expected an extract of changes only; this is a whole one",
        delta=True,
    ),
    Case(
        "SystmOne: some of each",
        systmone(SRManifest=manifest("YYYYN")),
        noted="SRManifest: srproblem is marked as whole among changes",
        rows=2,
        delta=True,
    ),
    Case(
        "SystmOne: a file that the manifest lists",
        systmone(SRManifest=manifest("NNNNN", "SRRecall,N,N,,")),
        "expected every file that it lists; srrecall is not in the folder",
    ),
    Case(
        "SystmOne: two deliveries",
        systmone(SRManifest=manifest("NNNNN", "SRCode,Y,N,,")),
        "expected one delivery in the folder",
    ),
    Case(
        "SystmOne: a manifest in other words",
        systmone(SRManifest=manifest("NNNNN", "SRVisit,maybe,N,,")),
        "SRManifest.csv row 7: column IsDelta: expected Y or N. Found: maybe",
    ),
    Case(
        "template: headers in capitals",
        template(change=lambda t: t.replace("patient_id", "Patient ID")),
    ),
    Case(
        "template: semicolons", template(change=lambda t: t.replace(",", ";")), "parted by commas"
    ),
    Case(
        "template: days as 45321",
        template("45321"),
        rejected=("issue.csv row 2", f"column issued_on: {DATE}, found '45321'"),
        rows=0,
    ),
    Case(
        "template: thousands separators",
        template(quantity='"1,000"'),
        rejected=("issue.csv row 2", "column quantity: expected a number"),
        rows=0,
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_sent_wrong_is_answered_in_words(tmp_path, case):
    folder = tmp_path / "sent"
    folder.mkdir()
    case.make(folder)
    options = importers.Options(delta=case.delta)

    def read():
        return importers.read(importers.AUTO, folder, case.practice, options=options)

    if case.refused and not _loads(case.refused):
        with pytest.raises(DataError, match=case.refused):
            read()
        return
    load = read()
    check_balance(load)
    assert load.rows["issue"] == (case.rows if not case.refused else 0)
    if case.refused:
        # Every row of a patient is rejected: the load as a whole is refused when it is put in place.
        assert re.search(case.refused, f"{load.rejects[0].place}: {load.rejects[0].reason}")
        assert not any(load.rows[name] for name in ("patient", "plan", "issue", "coded_entry"))
    if case.rejected:
        place, reason = case.rejected
        assert any(r.place == place and reason in r.reason for r in load.rejects)
    else:
        assert bool(load.rejects) == bool(case.refused)
    assert not case.noted or any(case.noted in note for note in load.notes), load.notes
    assert made.number(1) not in " ".join([*load.notes, *(r.reason for r in load.rejects)])


def _loads(refused: str) -> bool:
    """Whether it is refused only when put in place, because nothing of it could be loaded."""
    return "written like" in refused
