"""Canonical tables as an EMIS extract, the inverse of the importer.

Two layouts: ``bulk`` is the partner bulk extract 5.4, ``newer`` the export with underscores, which
holds review and expiry days and the days between issues, but nobody's name. Neither has a place for
everything: :data:`CARRIES` says column by column what comes back, and a test holds both to it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from counterfoil.records.exporters.writing import Written, cases, number, opened, quoted, write_rows
from counterfoil.records.importers import emis_layout as layout
from counterfoil.records.importers.concept import DEGRADED
from counterfoil.records.load import newest_day

LAYOUTS = ("bulk", "newer")

_SAME = {
    "organisation": "org_code kind name parent_code opened_on closed_on",
    "patient": "patient_id nhs_number birth_date sex death_date registered_from registered_to",
    "plan": "plan_id patient_id product_code product_text plan_type status start_date end_date "
    "issues_authorised issues_made quantity quantity_unit dose_text",
    "issue": "issue_id patient_id plan_id product_code product_text issued_on quantity "
    "quantity_unit supply_days dose_text",
    "coded_entry": "entry_id patient_id kind code local_code term happened_on value comparator "
    "unit_text range_low range_high parent_id",
    "problem": "patient_id entry_id ended_on significance status",
    "allergy": "allergy_id patient_id substance_code substance_text onset_on is_degraded",
    "recall": "recall_id patient_id what_code what_text due_on status",
}
_MORE = {
    "bulk": {
        "patient": "nhs_status given_name family_name registration_type is_test is_sensitive",
        "plan": "recorded_on problem_id",
        "issue": "recorded_on",
        "coded_entry": "recorded_on precision value_text",
        "allergy": "recorded_on reaction_text",
        "recall": "recorded_on",
    },
    "newer": {
        "plan": "review_date authorised_until min_days max_days supply_days",
        "issue": "issue_type cancelled_on",
    },
}
CARRIES: dict[str, dict[str, frozenset[str]]] = {
    name: {
        table: frozenset(f"{columns} {more.get(table, '')}".split())
        for table, columns in _SAME.items()
        if (name, table) != ("newer", "organisation")
    }
    for name, more in _MORE.items()
}
"""By layout and table, the columns that come back as they were written, given that

- a plan's type is acute, repeat, erd or automatic (others come back as ``other``), its status
  active or ended; an active plan has no end that is past; it has not 0 issues authorised;
- an issue has a plan in the file, of whose type it is (``bulk``), and is not cancelled (``bulk``:
  it comes back withdrawn);
- a finding has no value; what has no value has no range; precision is that of the day given;
- an entry has not two kinds under one code and term; its local code stands where there is no code;
- a problem has an entry, whose code, term, day and id are the problem's too;
- an allergy is active (others are left out), and if degraded has no reaction;
- a recall is due or completed.

Everything else is not carried, or follows from what is: ``person_id`` and ``nhs_status`` from the
number, ``unit_ucum`` from the unit, an allergy's ``kind`` from its words.
"""


def guid(practice: str, kind: str, key: str) -> str:
    """The GUID that stands for an id where ``guids`` is asked for: upper case, without braces."""
    digest = hashlib.md5(f"{practice}|{kind}|{key}".encode(), usedforsecurity=False)
    return str(uuid.UUID(digest.hexdigest())).upper()


def write(
    tables: Mapping[str, pa.Table],
    folder: Path,
    *,
    practice: str,
    layout: str = "bulk",
    guids: bool = False,
    as_at: date | None = None,
) -> Written:
    """Write the extract of one practice into *folder*, which is made where it is missing.

    With *guids* each id becomes a GUID (:func:`guid`), as a real extract has them; else ids stay as
    they are, in braces. *as_at* is the day of the extract, in the names of the files; the newest
    day in the tables where it is not given. Raises ``ValueError`` for a layout there is none of.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"there is no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    folder.mkdir(parents=True, exist_ok=True)
    with opened(tables, practice) as db:
        writer = _Writer(db, folder, practice, guids)
        writer.codes(degraded_in_text=layout == "bulk")
        writer.stamp = f"{as_at or newest_day(tables) or date(1970, 1, 1):%Y%m%d}"
        if layout == "newer":
            writer.newer()
        else:
            writer.bulk()
        return writer.written


class _Writer:
    def __init__(
        self, db: duckdb.DuckDBPyConnection, folder: Path, practice: str, guids: bool
    ) -> None:
        self.db, self.folder, self.practice, self.guids = db, folder, practice, guids
        self.written = Written()
        self.stamp = ""
        left = db.execute("SELECT count(*) FROM allergy WHERE status <> 'active'").fetchall()
        if left[0][0]:
            self.written.left_out["allergy"] = int(left[0][0])

    def id(self, kind: str, expression: str) -> str:
        """SQL for the id of a row of *kind* in braces."""
        if self.guids:
            prefix = quoted(f"{self.practice}|{kind}|")
            expression = f"upper(CAST(CAST(md5({prefix} || {expression}) AS UUID) AS VARCHAR))"
        return f"'{{' || {expression} || '}}'"

    def codes(self, degraded_in_text: bool) -> None:
        """The two code tables: a number for every medicine, and every code, term and category.

        What a degraded allergy is about stands in the text beside it, where there is one.
        """
        self.db.execute(
            """
            CREATE TABLE drugs AS
            SELECT 100000 + row_number() OVER (ORDER BY text, code) AS id, code, text
            FROM (SELECT product_code AS code, product_text AS text FROM plan
                  UNION SELECT product_code, product_text FROM issue)
            """
        )
        kind = cases("kind", layout.KIND_CATEGORIES)
        degraded = next(code for code, words in DEGRADED.items() if "allergy" in words)
        self.db.execute(
            f"""
            CREATE VIEW entries AS SELECT *, {kind} AS category FROM coded_entry;
            CREATE VIEW allergies AS
            SELECT * EXCLUDE (substance_code, substance_text, reaction_text),
                CASE WHEN is_degraded THEN '{degraded}' ELSE substance_code END AS code,
                CASE WHEN is_degraded AND {degraded_in_text} THEN 'Transfer-degraded drug allergy'
                    ELSE substance_text END AS term,
                CASE WHEN is_degraded THEN substance_text ELSE reaction_text END AS said,
                {quoted(layout.ALLERGIES[0])} AS category
            FROM allergy WHERE status = 'active';
            CREATE VIEW recalls AS
            SELECT *, what_code AS code, what_text AS term,
                'Health management, screening and monitoring' AS category FROM recall;
            CREATE VIEW alone AS
            SELECT *, {quoted(layout.KIND_CATEGORIES["diagnosis"])} AS category
            FROM problem WHERE entry_id IS NULL;
            CREATE TABLE codes AS
            SELECT 1000000 + row_number() OVER (ORDER BY term, code, local_code, category) AS id, *
            FROM (SELECT DISTINCT code, local_code, term, category FROM entries
                  UNION SELECT code, NULL, term, category FROM allergies
                  UNION SELECT code, NULL, term, category FROM recalls
                  UNION SELECT code, NULL, term, category FROM alone)
            """
        )

    def put(self, name: str, header: str, values: Mapping[str, str], source: str) -> None:
        """One table of the extract."""
        agreement = guid(self.practice, "agreement", "")
        bulk = name[0].isupper()
        file = f"1_{name}_{self.stamp}000000_{agreement}" if bulk else f"{name}_{self.stamp}"
        path = self.folder / f"{file}.csv"
        write_rows(self.db, path, header, values, source, self.written)

    def bulk(self) -> None:
        """The bulk extract 5.4."""
        heads = layout.HEADERS
        for name, (values, source) in {
            "Admin_Organisation": self._organisation(),
            "Admin_Patient": self._patient(),
            "Coding_DrugCode": (
                {"CodeId": "id", "Term": "text", "DmdProductCodeId": "code"},
                "drugs",
            ),
            "Coding_ClinicalCode": (
                {
                    "CodeId": "id",
                    "Term": "term",
                    "SnomedCTConceptId": "code",
                    "NationalCode": "local_code",
                    "EmisCodeCategoryDescription": "category",
                },
                "codes",
            ),
            "Prescribing_DrugRecord": self._drug_record(),
            "Prescribing_IssueRecord": self._issue_record(),
            "CareRecord_Observation": self._observation(),
            "CareRecord_Problem": self._problem(),
            "CareRecord_Diary": self._diary(),
        }.items():
            known = heads[name].split()
            more = {"ProcessingId": "1"}
            if name not in ("Admin_Organisation", "Coding_DrugCode", "Coding_ClinicalCode"):
                more |= {"OrganisationGuid": self.id("organisation", quoted(self.practice))}
                if "IsConfidential" in known:
                    more |= {"IsConfidential": "false"}
            self.put(name, heads[name], {**more, **values}, source)

    def _organisation(self) -> tuple[dict[str, str], str]:
        own = f"SELECT 1 FROM organisation WHERE org_code = {quoted(self.practice)}"
        source = (
            "(SELECT org_code, kind, name, parent_code, opened_on, closed_on FROM organisation "
            f"UNION ALL SELECT {quoted(self.practice)}, 'practice', {quoted(self.practice)}, "
            f"NULL, NULL, NULL WHERE NOT EXISTS ({own}))"
        )
        return {
            "OrganisationGuid": self.id("organisation", "org_code"),
            "OrganisationName": "name",
            "ODSCode": "org_code",
            "ParentOrganisationGuid": self.id("organisation", "parent_code"),
            "OrganisationType": cases("kind", layout.ORGANISATIONS),
            "OpenDate": "opened_on",
            "CloseDate": "closed_on",
        }, source

    def _patient(self) -> tuple[dict[str, str], str]:
        return {
            "PatientGuid": self.id("patient", "patient_id"),
            "Sex": cases("sex", {"female": "F", "male": "M", "other": "I"}, "'U'"),
            "DateOfBirth": "birth_date",
            "DateOfDeath": "death_date",
            "GivenName": "given_name",
            "Surname": "family_name",
            "DateOfRegistration": "registered_from",
            "NhsNumber": "nhs_number",
            "NHSNumberStatus": "CASE nhs_status WHEN 'verified' "
            "THEN 'Number present and verified' END",
            "PatientTypeDescription": cases(
                "registration_type", {"regular": "Regular", "temporary": "Temporary"}, "'Other'"
            ),
            "DummyType": "is_test",
            "DateOfDeactivation": "registered_to",
            "Deleted": "deleted_on IS NOT NULL",
            "SpineSensitive": "is_sensitive",
            "IsConfidential": "false",
        }, "patient"

    def _drug_record(self) -> tuple[dict[str, str], str]:
        types = {new: old.title() for old, new in layout.PLAN_TYPES.items()}
        return {
            "DrugRecordGuid": self.id("plan", "plan_id"),
            "PatientGuid": self.id("patient", "patient_id"),
            "EffectiveDate": "start_date",
            "EffectiveDatePrecision": "'YMD'",
            "EnteredDate": "recorded_on",
            "CodeId": "drugs.id",
            "Dosage": "dose_text",
            "Quantity": number("quantity"),
            "QuantityUnit": "quantity_unit",
            "ProblemObservationGuid": self.id("entry", "problem_entry"),
            "PrescriptionType": cases("plan_type", types, "'Other'"),
            "IsActive": "status = 'active'",
            "CancellationDate": "end_date",
            "NumberOfIssues": "issues_made",
            "NumberOfIssuesAuthorised": "issues_authorised",
            "Deleted": "deleted_on IS NOT NULL",
        }, self._plans()

    def _plans(self) -> str:
        """Plans with their medicine's number, and the entry of their problem."""
        return (
            "(SELECT plan.*, coalesce(problem.entry_id, plan.problem_id) AS problem_entry FROM "
            "plan LEFT JOIN problem ON plan.problem_id = problem.problem_id) AS plans "
            "JOIN drugs ON product_text = text AND product_code IS NOT DISTINCT FROM code"
        )

    def _issue_record(self) -> tuple[dict[str, str], str]:
        return {
            "IssueRecordGuid": self.id("issue", "issue_id"),
            "PatientGuid": self.id("patient", "patient_id"),
            "DrugRecordGuid": self.id("plan", "plan_id"),
            "EffectiveDate": "issued_on",
            "EffectiveDatePrecision": "'YMD'",
            "EnteredDate": "recorded_on",
            "CodeId": "drugs.id",
            "Dosage": "dose_text",
            "Quantity": number("quantity"),
            "QuantityUnit": "quantity_unit",
            "CourseDurationInDays": "supply_days",
            "Deleted": "cancelled_on IS NOT NULL OR deleted_on IS NOT NULL",
        }, ("issue JOIN drugs ON product_text = text AND product_code IS NOT DISTINCT FROM code")

    def _observations(self) -> str:
        """Entries, allergies, and the problems that have no entry, as rows of one shape."""
        join = "c.term = e.term AND c.code IS NOT DISTINCT FROM e.code AND c.category = e.category"
        return f"""(
            SELECT {self.id("entry", "entry_id")} AS guid, e.patient_id, happened_on, precision,
                recorded_on, {self.id("entry", "parent_id")} AS parent, c.id AS code_id,
                c.code AS concept, value_text AS said, value, comparator, unit_text, unit_ucum,
                range_low, range_high, CASE WHEN value IS NULL THEN 'Observation' ELSE 'Value' END
                AS type, deleted_on
            FROM entries AS e
            JOIN codes AS c ON {join} AND c.local_code IS NOT DISTINCT FROM e.local_code
            UNION ALL
            SELECT {self.id("entry", "allergy_id")}, e.patient_id, onset_on, NULL, recorded_on,
                NULL, c.id, c.code, said, NULL, NULL, NULL, NULL, NULL, NULL, 'Allergy', deleted_on
            FROM allergies AS e JOIN codes AS c ON {join} AND c.local_code IS NULL
            UNION ALL
            SELECT {self.id("entry", "problem_id")}, e.patient_id, onset_on, NULL, recorded_on,
                NULL, c.id, c.code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Observation',
                deleted_on
            FROM alone AS e JOIN codes AS c ON {join} AND c.local_code IS NULL
        )"""

    def _observation(self) -> tuple[dict[str, str], str]:
        precisions = {"month": "YM", "year": "Y", "unknown": "U"}
        return {
            "ObservationGuid": "guid",
            "PatientGuid": self.id("patient", "patient_id"),
            "EffectiveDate": "happened_on",
            "EffectiveDatePrecision": cases("precision", precisions, "'YMD'"),
            "EnteredDate": "recorded_on",
            "ParentObservationGuid": "parent",
            "CodeId": "code_id",
            "AssociatedText": "said",
            "Value": f"coalesce(comparator, '') || {number('value')}",
            "NumericUnit": "unit_text",
            "ObservationType": "type",
            "NumericRangeLow": number("range_low"),
            "NumericRangeHigh": number("range_high"),
            "Deleted": "deleted_on IS NOT NULL",
        }, self._observations()

    def _problem(self) -> tuple[dict[str, str], str]:
        return {
            "ObservationGuid": self.id("entry", "coalesce(entry_id, problem_id)"),
            "PatientGuid": self.id("patient", "patient_id"),
            "EndDate": "ended_on",
            "ProblemStatusDescription": "CASE status WHEN 'active' THEN 'Active Problem' "
            "ELSE 'Past Problem' END",
            "SignificanceDescription": _SIGNIFICANCE,
            "Deleted": "deleted_on IS NOT NULL",
        }, "problem"

    def _diary(self) -> tuple[dict[str, str], str]:
        return {
            "DiaryGuid": self.id("recall", "recall_id"),
            "PatientGuid": self.id("patient", "patient_id"),
            "EffectiveDate": "due_on",
            "EffectiveDatePrecision": "'YMD'",
            "EnteredDate": "recorded_on",
            "CodeId": "codes.id",
            "OriginalTerm": "recalls.term",
            "IsActive": "status IN ('due', 'active')",
            "IsComplete": "status = 'completed'",
            "Deleted": "deleted_on IS NOT NULL",
        }, _RECALLS

    def newer(self) -> None:
        """The layout with underscores."""
        heads = layout.NEWER_HEADERS
        for name, (values, source) in {
            "patient": self._newer_patient(),
            "drug_code": (
                {"code_id": "id", "term": "text", "dmd_product_code_id": "code"},
                "drugs",
            ),
            "clinical_code": (
                {
                    "code_id": "id",
                    "term": "term",
                    "snomed_concept_id": "code",
                    "readv2_code": "local_code",
                    "emis_code_category_description": "category",
                },
                "codes",
            ),
            "medication_drug_record": self._newer_drug_record(),
            "medication_issue_record": self._newer_issue_record(),
            "observation": self._newer_observation(),
            "problem": self._newer_problem(),
            "diary": self._newer_diary(),
        }.items():
            more = {"organisation": quoted(self.practice), "is_deleted": "false"}
            self.put(name, heads[name], {**more, **values}, source)

    def _newer_patient(self) -> tuple[dict[str, str], str]:
        older = self._patient()[0]
        return {
            "is_deleted": older["Deleted"],
            "patient_id": older["PatientGuid"],
            "nhs_number": "nhs_number",
            "date_of_birth": "birth_date",
            "date_of_death": "death_date",
            "sex": older["Sex"],
            "registration_start_datetime": "registered_from",
            "registration_end_datetime": "registered_to",
            "is_active": "registered_to IS NULL AND death_date IS NULL",
            "has_died": "death_date IS NOT NULL",
        }, "patient"

    def _newer_drug_record(self) -> tuple[dict[str, str], str]:
        older = self._drug_record()[0]
        return {
            "is_deleted": older["Deleted"],
            "drug_record_id": older["DrugRecordGuid"],
            "code_id": "drugs.id",
            "dosage": "dose_text",
            "course_duration_in_days": "supply_days",
            "effective_datetime": _moment("start_date"),
            "prescription_type_description": older["PrescriptionType"],
            "expiry_datetime": _moment("authorised_until"),
            "max_next_issue_days": "max_days",
            "min_next_issue_days": "min_days",
            "number_of_issues_authorised": "issues_authorised",
            "issued_count": "issues_made",
            "patient_id": older["PatientGuid"],
            "quantity": older["Quantity"],
            "review_date": _moment("review_date"),
            "cancellation_datetime": _moment("end_date"),
            "quantity_unit": "quantity_unit",
            "dmd_product_code_id": "product_code",
        }, self._plans()

    def _newer_issue_record(self) -> tuple[dict[str, str], str]:
        older, source = self._issue_record()
        types = {new: old.title() for old, new in layout.PLAN_TYPES.items()}
        return {
            "is_deleted": "deleted_on IS NOT NULL",
            "issue_record_id": older["IssueRecordGuid"],
            "drug_record_id": older["DrugRecordGuid"],
            "patient_id": older["PatientGuid"],
            "is_cancelled": "cancelled_on IS NOT NULL",
            "code_id": "drugs.id",
            "dosage": "dose_text",
            "course_duration_in_days": "supply_days",
            "effective_datetime": _moment("issued_on"),
            "prescription_type_description": cases("issue_type", types, "'Other'"),
            "quantity": older["Quantity"],
            "cancellation_datetime": _moment("cancelled_on"),
            "quantity_unit": "quantity_unit",
            "dmd_product_code_id": "product_code",
        }, source

    def _newer_observation(self) -> tuple[dict[str, str], str]:
        """The newer layout has no text beside an entry: what was said is not carried."""
        older, source = self._observation()
        return {
            "is_deleted": older["Deleted"],
            "observation_id": "guid",
            "effective_datetime": _moment("happened_on"),
            "patient_id": older["PatientGuid"],
            "code_id": "code_id",
            "snomed_concept_id": "concept",
            "numeric_operator": "comparator",
            "numeric_value": number("value"),
            "numeric_unit": "unit_text",
            "ucum_code": "unit_ucum",
            "range_minimum": older["NumericRangeLow"],
            "range_maximum": older["NumericRangeHigh"],
            "observation_type_description": "type",
            "parent_observation_id": "parent",
        }, source

    def _newer_problem(self) -> tuple[dict[str, str], str]:
        older, source = self._problem()
        return {
            "is_deleted": older["Deleted"],
            "observation_id": older["ObservationGuid"],
            "patient_id": older["PatientGuid"],
            "problem_end_datetime": _moment("ended_on"),
            "problem_status_description": older["ProblemStatusDescription"],
            "problem_significance_description": _SIGNIFICANCE,
        }, source

    def _newer_diary(self) -> tuple[dict[str, str], str]:
        older, source = self._diary()
        return {
            "is_deleted": older["Deleted"],
            "diary_id": older["DiaryGuid"],
            "patient_id": older["PatientGuid"],
            "code_id": "codes.id",
            "snomed_concept_id": "codes.code",
            "effective_datetime": _moment("due_on"),
            "is_active": older["IsActive"],
            "is_complete": older["IsComplete"],
        }, source


def _moment(column: str) -> str:
    return f"CAST({column} AS VARCHAR) || ' 00:00:00'"


_SIGNIFICANCE = (
    "CASE significance WHEN 'significant' THEN 'Significant Problem' "
    "WHEN 'minor' THEN 'Minor Problem' ELSE significance END"
)
_RECALLS = (
    "recalls JOIN codes ON codes.term = recalls.term AND codes.code IS NOT DISTINCT FROM "
    "recalls.code AND codes.category = recalls.category AND codes.local_code IS NULL"
)
