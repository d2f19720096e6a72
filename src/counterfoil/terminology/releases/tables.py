"""The tables of a dm+d release: which file holds which records with which columns.

Read from the XSDs of the 2.3 schema (release of 1 April 2019) and of the supplementary release of
13 February 2025. A later schema may add elements: what is not listed here is left out and said.

A column is written ``NAME:kind``; ``!`` after it means that no row is without it. Kinds:

- ``key``: the row's own identifier, unique in its table, with a valid check digit;
- ``id``: an identifier with a valid check digit that need not be in this release (a former one);
- ``>TABLE``: the key of a row of that table;
- ``@LIST``: a code of that list of the lookup file;
- ``date``, ``number`` (exact, zero or more), ``digits``, ``flag`` (0 or 1) and, by default, text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: its element's name, its kind, what it refers to, whether it must be there."""

    name: str
    kind: str
    target: str = ""
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table and the records it is read from."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> Column | None:
        """The column of the row's own identifier, if rows have one."""
        return next((c for c in self.columns if c.kind == "key"), None)


@dataclass(frozen=True)
class FileKind:
    """One kind of file: its root element and its tables by section and record element.

    A section of ``""`` means that records stand directly under the root; ``*``, that every section
    is a list of the same records (the lookup file).
    """

    name: str
    root: str
    tables: dict[tuple[str, str], Table]


def _table(name: str, columns: str) -> Table:
    return Table(name, tuple(_column(word) for word in columns.split()))


def _column(word: str) -> Column:
    name, _, kind = word.rstrip("!").partition(":")
    target = kind[1:] if kind[:1] in (">", "@") else ""
    kinds = {">": "ref", "@": "code"}
    return Column(name, kinds.get(kind[:1], kind or "text"), target, word.endswith("!"))


_UNIT = "@UNIT_OF_MEASURE"
_HISTORY = _table("history", "IDCURRENT:id! IDPREVIOUS:id! STARTDT:date! ENDDT:date")
_HISTORY_OF = {
    "VTMS": "VTM",
    "VMPS": "VMP",
    "INGS": "ING",
    "SUPPS": "SUPP",
    "FORMS": "FORM",
    "ROUTES": "ROUTE",
    "UOMS": "UOM",
}

FILES: dict[str, FileKind] = {
    "vtm": FileKind(
        "vtm",
        "VIRTUAL_THERAPEUTIC_MOIETIES",
        {
            ("", "VTM"): _table(
                "vtm",
                "VTMID:key! INVALID:flag NM! ABBREVNM VTMIDPREV:id VTMIDDT:date",
            )
        },
    ),
    "ingredient": FileKind(
        "ingredient",
        "INGREDIENT_SUBSTANCES",
        {("", "ING"): _table("ingredient", "ISID:key! ISIDDT:date ISIDPREV:id INVALID:flag NM!")},
    ),
    "lookup": FileKind(
        "lookup",
        "LOOKUP",
        {("*", "INFO"): _table("lookup", "CD:digits! CDDT:date CDPREV:digits INVALID:flag DESC")},
    ),
    "vmp": FileKind(
        "vmp",
        "VIRTUAL_MED_PRODUCTS",
        {
            ("VMPS", "VMP"): _table(
                "vmp",
                "VPID:key! VPIDDT:date VPIDPREV:id VTMID:>vtm INVALID:flag NM! ABBREVNM "
                "BASISCD:@BASIS_OF_NAME! NMDT:date NMPREV BASIS_PREVCD:@BASIS_OF_NAME "
                "NMCHANGECD:@NAMECHANGE_REASON COMBPRODCD:@COMBINATION_PROD_IND "
                "PRES_STATCD:@VIRTUAL_PRODUCT_PRES_STATUS! SUG_F:flag GLU_F:flag PRES_F:flag "
                "CFC_F:flag NON_AVAILCD:@VIRTUAL_PRODUCT_NON_AVAIL NON_AVAILDT:date "
                f"DF_INDCD:@DF_INDICATOR UDFS:number UDFS_UOMCD:{_UNIT} UNIT_DOSE_UOMCD:{_UNIT}",
            ),
            ("VIRTUAL_PRODUCT_INGREDIENT", "VPI"): _table(
                "vmp_ingredient",
                "VPID:>vmp! ISID:>ingredient! BASIS_STRNTCD:@BASIS_OF_STRNTH BS_SUBID:>ingredient "
                f"STRNT_NMRTR_VAL:number STRNT_NMRTR_UOMCD:{_UNIT} "
                f"STRNT_DNMTR_VAL:number STRNT_DNMTR_UOMCD:{_UNIT}",
            ),
            ("ONT_DRUG_FORM", "ONT"): _table("vmp_ont_form", "VPID:>vmp! FORMCD:@ONT_FORM_ROUTE!"),
            ("DRUG_FORM", "DFORM"): _table("vmp_form", "VPID:>vmp! FORMCD:@FORM!"),
            ("DRUG_ROUTE", "DROUTE"): _table("vmp_route", "VPID:>vmp! ROUTECD:@ROUTE!"),
            ("CONTROL_DRUG_INFO", "CONTROL_INFO"): _table(
                "vmp_cd",
                "VPID:>vmp! CATCD:@CONTROL_DRUG_CATEGORY! CATDT:date "
                "CAT_PREVCD:@CONTROL_DRUG_CATEGORY",
            ),
        },
    ),
    "vmpp": FileKind(
        "vmpp",
        "VIRTUAL_MED_PRODUCT_PACK",
        {
            ("VMPPS", "VMPP"): _table(
                "vmpp",
                f"VPPID:key! INVALID:flag NM! ABBREVNM VPID:>vmp! QTYVAL:number! "
                f"QTY_UOMCD:{_UNIT}! COMBPACKCD:@COMBINATION_PACK_IND",
            ),
            ("DRUG_TARIFF_INFO", "DTINFO"): _table(
                "vmpp_tariff",
                "VPPID:>vmpp! PAY_CATCD:@DT_PAYMENT_CATEGORY! PRICE:digits DT:date "
                "PREVPRICE:digits",
            ),
            ("COMB_CONTENT", "CCONTENT"): _table(
                "vmpp_content", "PRNTVPPID:>vmpp! CHLDVPPID:>vmpp!"
            ),
        },
    ),
    "amp": FileKind(
        "amp",
        "ACTUAL_MEDICINAL_PRODUCTS",
        {
            ("AMPS", "AMP"): _table(
                "amp",
                "APID:key! INVALID:flag VPID:>vmp! NM! ABBREVNM DESC! NMDT:date NM_PREV "
                "SUPPCD:@SUPPLIER! LIC_AUTHCD:@LICENSING_AUTHORITY! "
                "LIC_AUTH_PREVCD:@LICENSING_AUTHORITY "
                "LIC_AUTHCHANGECD:@LICENSING_AUTHORITY_CHANGE_REASON LIC_AUTHCHANGEDT:date "
                "COMBPRODCD:@COMBINATION_PROD_IND FLAVOURCD:@FLAVOUR EMA:flag "
                "PARALLEL_IMPORT:flag AVAIL_RESTRICTCD:@AVAILABILITY_RESTRICTION!",
            ),
            ("AP_INGREDIENT", "AP_ING"): _table(
                "amp_excipient", f"APID:>amp! ISID:>ingredient! STRNTH:number UOMCD:{_UNIT}"
            ),
            ("LICENSED_ROUTE", "LIC_ROUTE"): _table("amp_route", "APID:>amp! ROUTECD:@ROUTE!"),
            ("AP_INFORMATION", "AP_INFO"): _table(
                "amp_information", "APID:>amp! SZ_WEIGHT COLOURCD:@COLOUR PROD_ORDER_NO"
            ),
        },
    ),
    "ampp": FileKind(
        "ampp",
        "ACTUAL_MEDICINAL_PROD_PACKS",
        {
            ("AMPPS", "AMPP"): _table(
                "ampp",
                "APPID:key! INVALID:flag NM! ABBREVNM VPPID:>vmpp! APID:>amp! "
                "COMBPACKCD:@COMBINATION_PACK_IND LEGAL_CATCD:@LEGAL_CATEGORY! SUBP "
                "DISCCD:@DISCONTINUED_IND DISCDT:date",
            ),
            ("APPLIANCE_PACK_INFO", "PACK_INFO"): _table(
                "ampp_appliance",
                "APPID:>ampp! REIMB_STATCD:@REIMBURSEMENT_STATUS! REIMB_STATDT:date "
                "REIMB_STATPREVCD:@REIMBURSEMENT_STATUS PACK_ORDER_NO",
            ),
            ("DRUG_PRODUCT_PRESCRIB_INFO", "PRESCRIB_INFO"): _table(
                "ampp_prescribing",
                "APPID:>ampp! SCHED_2:flag ACBS:flag PADM:flag FP10_MDA:flag SCHED_1:flag "
                "HOSP:flag NURSE_F:flag ENURSE_F:flag DENT_F:flag",
            ),
            ("MEDICINAL_PRODUCT_PRICE", "PRICE_INFO"): _table(
                "ampp_price",
                "APPID:>ampp! PRICE:digits PRICEDT:date PRICE_PREV:digits "
                "PRICE_BASISCD:@PRICE_BASIS!",
            ),
            ("REIMBURSEMENT_INFO", "REIMB_INFO"): _table(
                "ampp_reimbursement",
                "APPID:>ampp! PX_CHRGS:digits DISP_FEES:digits BB:flag LTD_STAB:flag "
                "CAL_PACK:flag SPEC_CONTCD:@SPEC_CONT DND:@DND FP34D:flag",
            ),
            ("COMB_CONTENT", "CCONTENT"): _table(
                "ampp_content", "PRNTAPPID:>ampp! CHLDAPPID:>ampp!"
            ),
        },
    ),
    "gtin": FileKind(
        "gtin",
        "GTIN_DETAILS",
        {("AMPPS", "AMPP"): _table("gtin", "AMPPID:>ampp! GTIN STARTDT:date! ENDDT:date")},
    ),
    "bnf": FileKind(
        "bnf",
        "BNF_DETAILS",
        {
            ("VMPS", "VMP"): _table("bnf_vmp", "VPID:id! BNF:digits ATC DDD:number DDD_UOMCD:id"),
            ("AMPS", "AMP"): _table("bnf_amp", "APID:id! BNF:digits"),
        },
    ),
    "history": FileKind(
        "history",
        "HISTORY",
        dict.fromkeys(_HISTORY_OF.items(), _HISTORY),
    ),
    "vtm_ing": FileKind(
        "vtm_ing",
        "VTM_INGREDIENTS",
        {("", "VTM_ING"): _table("vtm_ingredient", "VTMID:id! ISID:id!")},
    ),
}

CORE = ("vtm", "ingredient", "lookup", "vmp", "vmpp", "amp", "ampp")
"""The files without which a release is not whole."""
EXTRA = ("gtin",)
SUPPLEMENT = ("bnf", "history", "vtm_ing")
"""The files of the supplementary release (the "bonus" zip)."""

SAFETY_LISTS = ("VIRTUAL_PRODUCT_PRES_STATUS", "CONTROL_DRUG_CATEGORY")
"""Lists whose codes must be in the lookup: a missing description would hide a controlled drug."""

SECTION_COLUMN = {"lookup": "LIST", "history": "LEVEL"}
"""Tables read from several sections carry the section's name in this column."""

BY_ROOT = {kind.root: kind for kind in FILES.values()}

_NAME = re.compile(r"f_([a-z_]+?)(\d?)_(\d?)(\d{2})(\d{2})(\d{2})\.xml\Z", re.IGNORECASE)


def read_name(name: str) -> tuple[str, str] | None:
    """The kind and the release date (ISO) that a file's name states, or None.

    ``f_vmp2_3010419.xml`` is the VMP file, schema 2.3, of 1 April 2019.
    """
    found = _NAME.match(name)
    if found is None or found[1].lower() not in FILES:
        return None
    day, month, year = found[4], found[5], found[6]
    if not ("01" <= month <= "12" and "01" <= day <= "31"):
        return None
    return found[1].lower(), f"20{year}-{month}-{day}"
