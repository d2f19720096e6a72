"""The tables and columns of an EMIS extract, as far as the record has a use for them.

Two layouts. The partner bulk extract: files named after tables such as ``Prescribing_DrugRecord``,
headers in capitals and small letters. The newer export: ``medication_drug_record`` with underscores.
Sources, both read November 2026: the columns that the open EmisExtractValidator checks; the EMIS
schema of the open ehrql. What a value means was read in the open Transforms reader of Endeavour
Health unless it is marked "recalled" here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One table of an extract.

    ``fields`` gives for each of our names the headers that mean it, the first found counts; case
    and underscores of a header do not. ``needed`` are the fields without which the table cannot be
    read. ``newer`` is the table's name in the newer layout.
    """

    name: str
    newer: str
    fields: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]


def fields_of(text: str) -> dict[str, tuple[str, ...]]:
    """A field and the headers that mean it on every line."""
    pairs = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return {name: tuple(headers.split()) for name, headers in pairs}


ORGANISATION = Source(
    "Admin_Organisation",
    "organisation",
    fields_of(
        """
        id      OrganisationGuid organisation_id
        name    OrganisationName
        code    ODSCode OdsCode
        parent  ParentOrganisationGuid
        kind    OrganisationType
        opened  OpenDate
        closed  CloseDate
        deleted Deleted is_deleted
        """
    ),
    ("id", "code"),
)
PATIENT = Source(
    "Admin_Patient",
    "patient",
    fields_of(
        """
        id           PatientGuid patient_id
        org          OrganisationGuid organisation
        number       NhsNumber
        number_state NHSNumberStatus
        given        GivenName
        family       Surname
        born         DateOfBirth
        died         DateOfDeath
        gender       Sex
        registered   DateOfRegistration registration_start_datetime
        left_on      DateOfDeactivation registration_end_datetime
        type         PatientTypeDescription
        dummy        DummyType
        sensitive    SpineSensitive
        confidential IsConfidential
        deleted      Deleted is_deleted
        """
    ),
    ("id",),
)
DRUG_CODE = Source(
    "Coding_DrugCode",
    "drug_code",
    fields_of("id CodeId\nterm Term\nproduct DmdProductCodeId"),
    ("id", "term"),
)
CLINICAL_CODE = Source(
    "Coding_ClinicalCode",
    "clinical_code",
    fields_of(
        """
        id       CodeId
        term     Term
        concept  SnomedCTConceptId snomed_concept_id
        national NationalCode
        readv2   readv2_code
        read     ReadTermId
        category EmisCodeCategoryDescription
        """
    ),
    ("id", "term"),
)
DRUG_RECORD = Source(
    "Prescribing_DrugRecord",
    "medication_drug_record",
    fields_of(
        """
        id           DrugRecordGuid drug_record_id
        patient      PatientGuid patient_id
        org          OrganisationGuid organisation
        start        EffectiveDate effective_datetime
        entered      EnteredDate
        code         CodeId
        product      DmdProductCodeId
        mixture      LocalMixtureName
        dosage       Dosage
        amount       Quantity
        times        QuantityMultiplicand
        multiplier   QuantityMultiplier
        unit         QuantityUnit
        problem      ProblemObservationGuid problem_observation_id
        type         PrescriptionType prescription_type_description
        active       IsActive
        cancelled    CancellationDate cancellation_datetime
        issues       NumberOfIssues issued_count
        authorised   NumberOfIssuesAuthorised
        days         CourseDurationInDays
        review       ReviewDate
        expiry       ExpiryDate expiry_datetime
        least        MinNextIssueDays
        most         MaxNextIssueDays
        confidential IsConfidential
        deleted      Deleted is_deleted
        """
    ),
    ("id", "patient", "code"),
)
ISSUE_RECORD = Source(
    "Prescribing_IssueRecord",
    "medication_issue_record",
    fields_of(
        """
        id           IssueRecordGuid issue_record_id
        patient      PatientGuid patient_id
        org          OrganisationGuid organisation
        plan         DrugRecordGuid drug_record_id
        issued       EffectiveDate effective_datetime
        grain        EffectiveDatePrecision
        entered      EnteredDate
        code         CodeId
        product      DmdProductCodeId
        mixture      LocalMixtureName
        dosage       Dosage
        amount       Quantity
        times        QuantityMultiplicand
        multiplier   QuantityMultiplier
        unit         QuantityUnit
        days         CourseDurationInDays
        type         PrescriptionType prescription_type_description
        is_cancelled IsCancelled
        cancelled    CancellationDate cancellation_datetime
        confidential IsConfidential
        deleted      Deleted is_deleted
        """
    ),
    ("id", "patient", "code", "issued"),
)
OBSERVATION = Source(
    "CareRecord_Observation",
    "observation",
    fields_of(
        """
        id           ObservationGuid observation_id
        patient      PatientGuid patient_id
        org          OrganisationGuid organisation
        happened     EffectiveDate effective_datetime
        grain        EffectiveDatePrecision
        entered      EnteredDate
        parent       ParentObservationGuid parent_observation_id
        code         CodeId
        concept      SnomedConceptId
        text         AssociatedText
        operator     NumericOperator
        figure       Value numeric_value
        unit         NumericUnit
        other_unit   UnitOfMeasure
        ucum         UcumCode
        low          NumericRangeLow range_minimum
        high         NumericRangeHigh range_maximum
        type         ObservationType observation_type_description
        confidential IsConfidential
        deleted      Deleted is_deleted
        """
    ),
    ("id", "patient", "code"),
)
PROBLEM = Source(
    "CareRecord_Problem",
    "problem",
    fields_of(
        """
        id           ObservationGuid observation_id
        patient      PatientGuid patient_id
        org          OrganisationGuid organisation
        ended        EndDate problem_end_datetime
        state        ProblemStatusDescription
        weight       SignificanceDescription problem_significance_description
        deleted      Deleted is_deleted
        """
    ),
    ("id", "patient"),
)
DIARY = Source(
    "CareRecord_Diary",
    "diary",
    fields_of(
        """
        id           DiaryGuid diary_id
        patient      PatientGuid patient_id
        org          OrganisationGuid organisation
        due          EffectiveDate effective_datetime
        entered      EnteredDate
        code         CodeId
        concept      SnomedConceptId
        words        OriginalTerm
        active       IsActive
        complete     IsComplete
        confidential IsConfidential
        deleted      Deleted is_deleted
        """
    ),
    ("id", "patient", "code"),
)
SOURCES = (
    ORGANISATION,
    PATIENT,
    DRUG_CODE,
    CLINICAL_CODE,
    DRUG_RECORD,
    ISSUE_RECORD,
    OBSERVATION,
    PROBLEM,
    DIARY,
)
"""The tables that are read, in no order."""

NO_PLACE = {
    "Admin_Location": "places are not part of the record",
    "Admin_OrganisationLocation": "places are not part of the record",
    "Admin_UserInRole": "staff are not part of the record",
    "Agreements_SharingOrganisation": "agreements are not part of the record",
    "Appointment_Session": "appointments are not part of the record",
    "Appointment_SessionUser": "appointments are not part of the record",
    "Appointment_Slot": "appointments are not part of the record",
    "Audit_PatientAudit": "the source's own log is not part of the record",
    "Audit_RegistrationAudit": "the source's own log is not part of the record",
    "CareRecord_Consultation": "consultations are no table; their entries are loaded one by one",
    "CareRecord_ObservationReferral": "referrals are not part of the record; their entry is loaded",
    "appointment_slot": "appointments are not part of the record",
    "codeable_concept": "only its codes are used",
    "consultation": "consultations are no table; their entries are loaded one by one",
    "consultation_section": "consultations are no table; their entries are loaded one by one",
    "mkb_drug_pack": "packs and prices are not part of the record",
    "mkb_mapping_attributes": "attributes of people are not part of the record",
    "mkb_mapping_dmdpreparation": "the product's code stands in the record itself",
    "mkb_mapping_ethnicity": "attributes of people are not part of the record",
    "referral": "referrals are not part of the record; their entry is loaded",
    "sensitive_code": "lists of codes are not part of the record",
}
"""Tables that an extract may hold and the record has no place for, and why."""

PLAN_TYPES = {
    "acute": "acute",
    "repeat": "repeat",
    "repeat dispensing": "erd",
    "automatic": "automatic",
}
"""``PrescriptionType`` in small letters."""

KINDS = {
    "Conditions, operations and procedures": "diagnosis",
    "Dental disorder": "diagnosis",
    "Family history": "finding",
    "Symptoms and Findings": "finding",
    "Biochemistry": "result",
    "Biological values": "result",
    "Cytology/Histology": "result",
    "Diagnostics": "result",
    "Haematology": "result",
    "Immunology": "result",
    "Microbiology": "result",
    "Radiology": "result",
    "Dental procedure": "procedure",
    "Immunisations": "procedure",
    "Procedure code": "procedure",
    "Administration, documents and attachments": "administrative",
    "Discharged from service": "administrative",
    "Ethnicity": "administrative",
    "Marital status": "administrative",
    "Nationality": "administrative",
    "Referral": "administrative",
    "Referral activity": "administrative",
    "Referral rejected": "administrative",
    "Referral withdrawn": "administrative",
    "Religion": "administrative",
    "Unset": "other",
}
"""The kind of an entry by its code's category; others are findings. A finding with a value is a
result. Which category is which kind is this project's own choice."""

KIND_CATEGORIES = {
    "diagnosis": "Conditions, operations and procedures",
    "finding": "Symptoms and Findings",
    "result": "Biochemistry",
    "procedure": "Procedure code",
    "administrative": "Administration, documents and attachments",
    "other": "Unset",
}
"""The category that is written for a kind."""

ALLERGIES = ("Allergy and adverse drug reactions", "Allergy and adverse reactions")
"""Categories of codes that make an observation an allergy."""

ORGANISATIONS = {
    "practice": "GP Practices in England and Wales",
    "trust": "NHS Trust",
    "pharmacy": "Pharmacy",
    "other": "Other",
    "pcn": "Primary Care Network",
    "icb": "Integrated Care Board",
}
"""What is written for a kind of organisation. The first three are read in published maps, the rest
are the plain names (recalled)."""

PRECISIONS = {"YMD": "day", "YMDT": "day", "YM": "month", "Y": "year", "U": "unknown"}

HEADERS = {
    "Admin_Organisation": "OrganisationGuid CDB OrganisationName ODSCode ParentOrganisationGuid "
    "CCGOrganisationGuid OrganisationType OpenDate CloseDate MainLocationGuid ProcessingId",
    "Admin_Patient": "PatientGuid OrganisationGuid UsualGpUserInRoleGuid Sex DateOfBirth "
    "DateOfDeath Title GivenName MiddleNames Surname DateOfRegistration NhsNumber PatientNumber "
    "PatientTypeDescription DummyType HouseNameFlatNumber NumberAndStreet Village Town County "
    "Postcode ResidentialInstituteCode NHSNumberStatus CarerName CarerRelation PersonGuid "
    "DateOfDeactivation Deleted SpineSensitive IsConfidential EmailAddress HomePhone MobilePhone "
    "ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation ProcessingId",
    "Coding_DrugCode": "CodeId Term DmdProductCodeId ProcessingId",
    "Coding_ClinicalCode": "CodeId Term ReadTermId SnomedCTConceptId SnomedCTDescriptionId "
    "NationalCode NationalCodeCategory NationalDescription EmisCodeCategoryDescription "
    "ProcessingId ParentCodeId",
    "Prescribing_DrugRecord": "DrugRecordGuid PatientGuid OrganisationGuid EffectiveDate "
    "EffectiveDatePrecision EnteredDate EnteredTime ClinicianUserInRoleGuid "
    "EnteredByUserInRoleGuid CodeId Dosage Quantity QuantityUnit ProblemObservationGuid "
    "PrescriptionType IsActive CancellationDate NumberOfIssues NumberOfIssuesAuthorised "
    "IsConfidential Deleted ProcessingId",
    "Prescribing_IssueRecord": "IssueRecordGuid PatientGuid OrganisationGuid DrugRecordGuid "
    "EffectiveDate EffectiveDatePrecision EnteredDate EnteredTime ClinicianUserInRoleGuid "
    "EnteredByUserInRoleGuid CodeId Dosage Quantity QuantityUnit ProblemObservationGuid "
    "CourseDurationInDays EstimatedNhsCost IsConfidential Deleted ProcessingId",
    "CareRecord_Observation": "ObservationGuid PatientGuid OrganisationGuid EffectiveDate "
    "EffectiveDatePrecision EnteredDate EnteredTime ClinicianUserInRoleGuid "
    "EnteredByUserInRoleGuid ParentObservationGuid CodeId ProblemGuid AssociatedText "
    "ConsultationGuid Value NumericUnit ObservationType NumericRangeLow NumericRangeHigh "
    "DocumentGuid Deleted IsConfidential ProcessingId",
    "CareRecord_Problem": "ObservationGuid PatientGuid OrganisationGuid "
    "ParentProblemObservationGuid Deleted Comment EndDate EndDatePrecision ExpectedDuration "
    "LastReviewDate LastReviewDatePrecision LastReviewUserInRoleGuid ParentProblemRelationship "
    "ProblemStatusDescription SignificanceDescription ProcessingId",
    "CareRecord_Diary": "DiaryGuid PatientGuid OrganisationGuid EffectiveDate "
    "EffectiveDatePrecision EnteredDate EnteredTime ClinicianUserInRoleGuid "
    "EnteredByUserInRoleGuid CodeId OriginalTerm AssociatedText DurationTerm "
    "LocationTypeDescription Deleted IsConfidential IsActive IsComplete ConsultationGuid "
    "ProcessingId",
}
"""The columns of the bulk extract 5.4, in order, of the tables that are written."""

NEWER_HEADERS = {
    "patient": "is_deleted patient_id nhs_number date_of_birth date_of_death sex "
    "registration_start_datetime registration_end_datetime is_active has_died organisation",
    "drug_code": "is_deleted code_id old_code term dmd_product_code_id organisation",
    "clinical_code": "is_deleted code_id parent_code_id organisation term read_term_id "
    "readv2_code snomed_concept_id snomed_description_id national_code_category national_code "
    "national_description emis_code_category_description",
    "medication_drug_record": "is_deleted drug_record_id authorised_course_datetime "
    "first_issue_datetime code_id dosage course_duration_in_days effective_datetime "
    "most_recent_issue_datetime most_recent_issue_method_description "
    "prescription_type_description expiry_datetime max_next_issue_days min_next_issue_days "
    "number_of_issues_authorised issued_count patient_id is_prescribed_as_contraceptive "
    "is_privately_prescribed quantity quantity_multiplicand quantity_multiplier "
    "quantity_multiplier_uom quantity_representation review_date local_mixture_name "
    "cancellation_datetime quantity_unit dmd_product_code_id organisation",
    "medication_issue_record": "is_deleted issue_record_id drug_record_id consultation_id "
    "patient_id is_cancelled code_id consultation_source_code_id dosage course_duration_in_days "
    "effective_datetime issue_method_description prescription_type_description "
    "estimated_nhs_cost max_next_issue_days min_next_issue_days is_prescribed_as_contraceptive "
    "is_privately_prescribed quantity quantity_multiplicand quantity_multiplier "
    "quantity_multiplier_uom quantity_representation review_date local_mixture_name "
    "cancellation_datetime quantity_unit dmd_product_code_id organisation",
    "observation": "is_deleted observation_id problem_is_deleted effective_datetime patient_id "
    "code_id consultation_source_code_id snomed_concept_id numeric_operator numeric_value "
    "numeric_unit ucum_code unit_of_measure range_minimum_operator range_minimum "
    "range_minimum_text range_maximum_operator range_maximum range_maximum_text range_units "
    "range_qualifier_description episodicity episodicity_description consultation_section_id "
    "consultation_id observation_type_id observation_type_description is_parent "
    "parent_observation_id problem_observation_id problem_end_datetime is_problem is_referral "
    "organisation",
    "problem": "is_deleted observation_id patient_id consultation_id parent_problem_id "
    "effective_datetime problem_end_datetime last_review_datetime problem_status_description "
    "code_id consultation_source_code_id parent_problem_relationship_description "
    "problem_significance_description expected_duration problem_event_type snomed_concept_id "
    "organisation",
    "diary": "is_deleted diary_id patient_id consultation_id consultation_section_id code_id "
    "snomed_concept_id consultation_source_code_id effective_datetime duration_term is_active "
    "is_complete organisation",
}
"""The columns of the newer layout, in order, of the tables that are written; the days on which the
export itself was made are left out."""

UNUSED = (
    "ClinicanUserInRoleGuid ExternalUsusalGP Compliance AverageCompliance PatientMessage "
    "PharmacyText IsPrivatelyPrescribed model_updated_datetime transform_datetime age has_carer "
    "middle_level_super_output_area imd_rounded index_of_multiple_deprivation_decile "
    "residential_institute_code preferred_language_code_id sexual_orientation_code_id "
    "ethnicity_code_id is_consent_93c1 is_national_data_opted_in"
)
"""Columns that some extracts have beside these (two of them misspelt so), of no use here."""
