"""The tables and columns of a SystmOne strategic reporting extract that the record has a use for.

Files are named after tables (``SRCode.csv``); versions differ in columns, ``RemovedData`` most of
all. Source: the columns by version in the open Transforms reader of Endeavour Health, read November
2026; what a value means was read there too, unless it is marked "recalled" here.
"""

from __future__ import annotations

from counterfoil.records.importers.emis_layout import Source, fields_of

_ROW = "id RowIdentifier\norg IDOrganisationVisibleTo\nremoved RemovedData\n"
_EVENT = f"{_ROW}patient IDPatient\nentered DateEventRecorded\nevent DateEvent\n"
_MEDICINE = (
    f"{_EVENT}product IDMultiLexDMD\nname NameOfMedication\ndosage MedicationDosage\n"
    "amount MedicationQuantity\n"
)


def _source(name: str, fields: str, needed: str) -> Source:
    return Source(name, name, fields_of(fields), tuple(needed.split()))


PATIENT = _source(
    "SRPatient",
    f"{_ROW}number NHSNumber\ngiven FirstName\nfamily Surname\nborn DateBirth\ndied DateDeath\n"
    "gender Gender\ntest TestPatient\nmatched SpineMatched",
    "id",
)
REGISTRATION = _source(
    "SRPatientRegistration",
    f"{_ROW}patient IDPatient\nplace IDOrganisation\nstart DateRegistration\n"
    "finish DateDeRegistration\nstatus RegistrationStatus",
    "id patient",
)
ORGANISATION = _source(
    "SROrganisation", "id RowIdentifier\nname Name\ncode ID\nremoved RemovedData", "id code"
)
TEMPLATE = _source(
    "SRRepeatTemplate",
    f"{_MEDICINE}start DateMedicationTemplateStart\nfinish DateMedicationTemplateEnd\n"
    "review DateMedicationTemplateReview\nmost MaxIssues\nlength CourseLengthPerIssue\n"
    "drug_status DrugStatus",
    "id patient name",
)
MEDICATION = _source(
    "SRPrimaryCareMedication",
    f"{_MEDICINE}start DateMedicationStart\nfinish DateMedicationEnd\nrepeat IsRepeatMedication\n"
    "is_other IsOtherMedication\nis_dental IsDentalMedication\nis_hospital IsHospitalMedication\n"
    "template IDRepeatTemplate",
    "id patient name",
)
CODE = _source(
    "SRCode",
    f"{_EVENT}ctv3 CTV3Code\nctv3_text CTV3Text\nconcept SNOMEDCode\nconcept_text SNOMEDText\n"
    "sign NumericComparator\nis_numeric IsNumeric\nfigure NumericValue\nunit NumericUnit",
    "id patient ctv3",
)
PROBLEM = _source(
    "SRProblem",
    f"{_EVENT}ctv3 CTV3Code\nfinish DateEnd\nweight Severity\ncode IDCode",
    "id patient code",
)
SENSITIVITY = _source(
    "SRDrugSensitivity",
    f"{_EVENT}start DateStarted\nfinish DateEnded\ndrug IDDrugCode\naction IDMultiLexAction",
    "id patient",
)
RECALL = _source(
    "SRRecall",
    f"{_EVENT}due DateRecall\nwhat RecallType\nstatus RecallStatus",
    "id patient due",
)
MAPPING = _source("SRMapping", "id RowIdentifier\nwords Mapping", "id words")
TO_SNOMED = _source(
    "SRCtv3ToSnomed",
    "id RowIdentifier\nctv3 Ctv3Code\nconcept SnomedCode\nremoved RemovedData",
    "ctv3 concept",
)
DRUG_NAME = _source(
    "SRMedicationReadCodeDetails",
    "id RowIdentifier\nproduct IDMultiLexProduct\nwords DrugReadCodeDesc\nremoved RemovedData",
    "product words",
)
SOURCES = (
    ORGANISATION,
    MAPPING,
    TO_SNOMED,
    DRUG_NAME,
    PATIENT,
    REGISTRATION,
    PROBLEM,
    TEMPLATE,
    MEDICATION,
    CODE,
    SENSITIVITY,
    RECALL,
)
"""The tables that are read, in an order in which each finds what it needs."""

NO_PLACE = {
    "SRManifest": "it was held against the files, and is no part of the record",
    "SREvent": "consultations are no table; their entries are loaded one by one",
    "SRImmunisation": "vaccinations have codes without words",
    "SRVisit": "visits are not part of the record",
    "SRAppointment": "appointments are not part of the record",
    "SRReferralOut": "referrals are not part of the record",
}
"""Why the record has no place for some tables; every other is of none that it knows."""

UNUSED = (
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt IDTemplate "
    "IDQuestionnaire EpisodeType IDEvent IDReferralIn IDAppointment IDVisit IDOrganisation "
    "IDOrganisationRegisteredAt IDMultiLexProduct IDMultiLexPack IsSupervised SupervisedDose "
    "UnsupervisedDose Title MiddleNames PreviousSurname BirthPlace SpeaksEnglish EmailAddress "
    "SSRef PreferredPharmacy FormulationSpecific RecallInitialStatus RecallStatusDate HouseName "
    "HouseNumber NameOfRoad NameOfLocality NameOfTown NameOfCounty FullPostCode Telephone "
    "SecondaryTelephone Fax MadeObsolete IDTrust IDCcg IdMappingGroup DrugReadCode "
    "DateEventRecorded DateEvent IDPatient"
)
"""Columns of these tables that are of no use here."""

RECALLS = {
    "pending": "due",
    "1st recall": "due",
    "2nd recall": "due",
    "3rd recall": "due",
    "seen": "completed",
    "awaiting result": "completed",
    "cancelled by clinician": "cancelled",
    "cancelled by patient": "cancelled",
    "cancelled during import": "cancelled",
    "superseded": "cancelled",
    "suspended": "cancelled",
}
"""A recall's status in small letters."""

HEADERS = {
    "SROrganisation": "RowIdentifier Name ID HouseName HouseNumber NameOfRoad NameOfLocality "
    "NameOfTown NameOfCounty FullPostCode Telephone SecondaryTelephone Fax MadeObsolete IDTrust "
    "IDCcg RemovedData",
    "SRPatient": "RowIdentifier IDOrganisationVisibleTo Title FirstName MiddleNames Surname "
    "PreviousSurname NHSNumber DateBirth DateDeath BirthPlace Gender SpeaksEnglish EmailAddress "
    "TestPatient SSRef SpineMatched RemovedData",
    "SRPatientRegistration": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded "
    "IDProfileEnteredBy DateRegistration DateDeRegistration RegistrationStatus PreferredPharmacy "
    "IDPatient IDOrganisation IDOrganisationRegisteredAt RemovedData",
    "SRRepeatTemplate": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt IDMultiLexProduct "
    "IDMultiLexPack IDMultiLexDMD NameOfMedication DateMedicationTemplateStart "
    "DateMedicationTemplateEnd DateMedicationTemplateReview MedicationDosage MedicationQuantity "
    "MaxIssues CourseLengthPerIssue DrugStatus IDReferralIn IDEvent IDPatient IDOrganisation "
    "IDOrganisationRegisteredAt RemovedData",
    "SRPrimaryCareMedication": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt IDMultiLexProduct "
    "IDMultiLexPack IDMultiLexDMD NameOfMedication DateMedicationStart DateMedicationEnd "
    "MedicationDosage MedicationQuantity IsSupervised SupervisedDose UnsupervisedDose "
    "IsRepeatMedication IsOtherMedication IsDentalMedication IsHospitalMedication "
    "IDRepeatTemplate IDReferralIn IDEvent IDPatient IDOrganisation IDOrganisationRegisteredAt "
    "RemovedData",
    "SRCode": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt CTV3Code CTV3Text "
    "SNOMEDCode SNOMEDText NumericComparator IsNumeric NumericValue NumericUnit EpisodeType "
    "IDTemplate IDQuestionnaire IDEvent IDPatient IDReferralIn IDAppointment IDVisit "
    "IDOrganisation IDOrganisationRegisteredAt RemovedData",
    "SRProblem": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt CTV3Code DateEnd "
    "Severity IDCode IDEvent IDPatient IDReferralIn IDOrganisation IDOrganisationRegisteredAt "
    "RemovedData",
    "SRDrugSensitivity": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt DateStarted DateEnded "
    "FormulationSpecific IDDrugCode IDMultiLexAction IDReferralIn IDEvent IDPatient "
    "IDOrganisation IDOrganisationRegisteredAt RemovedData",
    "SRRecall": "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent "
    "IDProfileEnteredBy IDDoneBy TextualEventDoneBy IDOrganisationDoneAt DateRecall RecallType "
    "RecallInitialStatus RecallStatus RecallStatusDate IDReferralIn IDEvent IDPatient "
    "IDOrganisation IDOrganisationRegisteredAt RemovedData",
    "SRMedicationReadCodeDetails": "RowIdentifier IDMultiLexProduct DrugReadCode DrugReadCodeDesc "
    "RemovedData",
}
"""The columns of version 93, in order, of the tables that are written."""
