"""A small made-up dm+d release, written by hand, for tests that must run without reference data.

Its schema is stated here a second time, from the published XSDs, apart from the importer's own
statement. Ids lie in namespace 9999999, which is in no release.
"""

from __future__ import annotations

import copy
import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from counterfoil.terminology.ids import OWN_NAMESPACE, check_digit

DATE = "140825"


def made_up(item: int) -> str:
    """An id of the namespace that is in no release, with a right check digit."""
    digits = f"{item}{OWN_NAMESPACE}10"
    return digits + check_digit(digits)


LISTS = (
    "COMBINATION_PROD_IND", "BASIS_OF_NAME", "NAMECHANGE_REASON", "VIRTUAL_PRODUCT_PRES_STATUS",
    "CONTROL_DRUG_CATEGORY", "LICENSING_AUTHORITY", "UNIT_OF_MEASURE", "FORM", "ONT_FORM_ROUTE",
    "ROUTE", "SUPPLIER", "BASIS_OF_STRNTH", "DF_INDICATOR", "LEGAL_CATEGORY",
    "AVAILABILITY_RESTRICTION", "DISCONTINUED_IND", "PRICE_BASIS",
)  # fmt: skip

# Elements of a record: i integer, s text, d date, f float; a capital where one must be there.
SCHEMA: dict[str, tuple[str, str, str, dict[tuple[str, str], str]]] = {
    "vtm": (
        "f_vtm2_3", "VIRTUAL_THERAPEUTIC_MOIETIES", "vtm_v2_3.xsd",
        {("", "VTM"): "VTMID=I INVALID=i NM=S ABBREVNM=s VTMIDPREV=s VTMIDDT=d"},
    ),
    "ingredient": (
        "f_ingredient2_3", "INGREDIENT_SUBSTANCES", "ingredient_v2_3.xsd",
        {("", "ING"): "ISID=I ISIDDT=d ISIDPREV=i INVALID=i NM=S"},
    ),
    "lookup": (
        "f_lookup2_3", "LOOKUP", "lookup_v2_3.xsd",
        dict.fromkeys([(name, "INFO") for name in LISTS], "CD=I CDDT=d CDPREV=i INVALID=i DESC=S"),
    ),
    "vmp": (
        "f_vmp2_3", "VIRTUAL_MED_PRODUCTS", "vmp_v2_3.xsd",
        {
            ("VMPS", "VMP"): "VPID=I VPIDDT=d VPIDPREV=i VTMID=i INVALID=i NM=S ABBREVNM=s "
            "BASISCD=I NMDT=d NMPREV=s COMBPRODCD=i PRES_STATCD=I SUG_F=i PRES_F=i DF_INDCD=i "
            "UDFS=f UDFS_UOMCD=i UNIT_DOSE_UOMCD=i",
            ("VIRTUAL_PRODUCT_INGREDIENT", "VPI"): "VPID=I ISID=I BASIS_STRNTCD=i BS_SUBID=i "
            "STRNT_NMRTR_VAL=f STRNT_NMRTR_UOMCD=i STRNT_DNMTR_VAL=f STRNT_DNMTR_UOMCD=i",
            ("ONT_DRUG_FORM", "ONT"): "VPID=I FORMCD=I",
            ("DRUG_FORM", "DFORM"): "VPID=I FORMCD=I",
            ("DRUG_ROUTE", "DROUTE"): "VPID=I ROUTECD=I",
            ("CONTROL_DRUG_INFO", "CONTROL_INFO"): "VPID=I CATCD=I CATDT=d",
        },
    ),
    "vmpp": (
        "f_vmpp2_3", "VIRTUAL_MED_PRODUCT_PACK", "vmpp_v2_3.xsd",
        {
            ("VMPPS", "VMPP"): "VPPID=I INVALID=i NM=S VPID=I QTYVAL=F QTY_UOMCD=I",
            ("DRUG_TARIFF_INFO", "DTINFO"): "VPPID=I PAY_CATCD=I PRICE=i DT=d",
            ("COMB_CONTENT", "CCONTENT"): "PRNTVPPID=I CHLDVPPID=I",
        },
    ),
    "amp": (
        "f_amp2_3", "ACTUAL_MEDICINAL_PRODUCTS", "amp_v2_3.xsd",
        {
            ("AMPS", "AMP"): "APID=I INVALID=i VPID=I NM=S DESC=S NM_PREV=s SUPPCD=I LIC_AUTHCD=I "
            "AVAIL_RESTRICTCD=I",
            ("AP_INGREDIENT", "AP_ING"): "APID=I ISID=I STRNTH=f UOMCD=i",
            ("LICENSED_ROUTE", "LIC_ROUTE"): "APID=I ROUTECD=I",
            ("AP_INFORMATION", "AP_INFO"): "APID=I PROD_ORDER_NO=s",
        },
    ),
    "ampp": (
        "f_ampp2_3", "ACTUAL_MEDICINAL_PROD_PACKS", "ampp_v2_3.xsd",
        {
            ("AMPPS", "AMPP"): "APPID=I INVALID=i NM=S VPPID=I APID=I LEGAL_CATCD=I SUBP=s "
            "DISCCD=i DISCDT=d",
            ("MEDICINAL_PRODUCT_PRICE", "PRICE_INFO"): "APPID=I PRICE=i PRICE_BASISCD=I",
            ("COMB_CONTENT", "CCONTENT"): "PRNTAPPID=I CHLDAPPID=I",
        },
    ),
    "history": (
        "f_history1_0", "HISTORY", "history_v1_0.xsd",
        dict.fromkeys((("VTMS", "VTM"), ("VMPS", "VMP"), ("INGS", "ING"), ("SUPPS", "SUPP"), ("FORMS", "FORM"), ("ROUTES", "ROUTE"), ("UOMS", "UOM")), "IDCURRENT=I IDPREVIOUS=I STARTDT=D ENDDT=d"),
    ),
    "vtm_ing": (
        "f_vtm_ing1_0", "VTM_INGREDIENTS", "vtm_ing_v1_0.xsd",
        {("", "VTM_ING"): "VTMID=I ISID=I"},
    ),
    "bnf": (
        "f_bnf1_0", "BNF_DETAILS", "bnf_v1_0.xsd",
        {
            ("VMPS", "VMP"): "VPID=I BNF=i ATC=s DDD=f DDD_UOMCD=i",
            ("AMPS", "AMP"): "APID=I BNF=I",
        },
    ),
}  # fmt: skip
CORE = ("vtm", "ingredient", "lookup", "vmp", "vmpp", "amp", "ampp")
SUPPLEMENT = ("history", "vtm_ing", "bnf")
_TYPES = {"i": "integer", "s": "string", "d": "date", "f": "float"}

VTM = {name: made_up(1000 + i) for i, name in enumerate(("oldazole", "pairopril", "brandol"))}
ING = {
    n: made_up(2000 + i) for i, n in enumerate(("oldazole", "leftopril", "rightazide", "brandol"))
}
VMP = {n: made_up(3000 + i) for i, n in enumerate(("tablet", "liquid", "pair", "brand", "device"))}
AMP = {n: made_up(4000 + i) for i, n in enumerate(("tablet", "former", "brand"))}
VMPP = {n: made_up(5000 + i) for i, n in enumerate(("tablet", "brand"))}
AMPP = {n: made_up(6000 + i) for i, n in enumerate(("tablet", "brand"))}
UNIT = {n: made_up(7000 + i) for i, n in enumerate(("mg", "ml", "tablet", "gram", "microgram"))}
FORM, ROUTE, SUPPLIER = made_up(7100), made_up(7200), made_up(7300)
FORMER = [made_up(8000 + i) for i in range(8)]

Rows = dict[tuple[str, str, str], list[dict[str, str]]]
"""Records by kind of file, section and record element."""

_LOOKUPS: dict[str, list[tuple[str, str]]] = {
    "COMBINATION_PROD_IND": [("0001", "Combination Product")],
    "BASIS_OF_NAME": [("0001", "rINN")],
    "NAMECHANGE_REASON": [("0004", "Other")],
    "VIRTUAL_PRODUCT_PRES_STATUS": [
        ("0001", "Valid as a prescribable product"),
        ("0006", "VMP not recommended to prescribe - brands not bioequivalent"),
    ],
    "CONTROL_DRUG_CATEGORY": [("0000", "No Controlled Drug Status"), ("0002", "Schedule 2 (CD)")],
    "LICENSING_AUTHORITY": [("0001", "Medicines")],
    "UNIT_OF_MEASURE": [(code, words) for words, code in UNIT.items()],
    "FORM": [(FORM, "Tablet")],
    "ONT_FORM_ROUTE": [("0001", "tablet.oral")],
    "ROUTE": [(ROUTE, "Oral")],
    "SUPPLIER": [(SUPPLIER, "Made Up Ltd")],
    "BASIS_OF_STRNTH": [("0001", "Based on Ingredient Substance")],
    "DF_INDICATOR": [("1", "Discrete")],
    "LEGAL_CATEGORY": [("0003", "POM")],
    "AVAILABILITY_RESTRICTION": [("0001", "None")],
    "DISCONTINUED_IND": [("0001", "Discontinued Flag")],
    "PRICE_BASIS": [("0001", "NHS Indicative Price")],
}


def _vmp(name: str, words: str, status: str = "0001", **more: str) -> dict[str, str]:
    return {"VPID": VMP[name], "NM": words, "BASISCD": "0001", "PRES_STATCD": status, **more}


def _strength(vmp: str, ingredient: str, *cells: str) -> dict[str, str]:
    names = ("STRNT_NMRTR_VAL", "STRNT_NMRTR_UOMCD", "STRNT_DNMTR_VAL", "STRNT_DNMTR_UOMCD")
    row = {"VPID": VMP[vmp], "ISID": ING[ingredient], "BASIS_STRNTCD": "0001"}
    return row | dict(zip(names, cells, strict=False))


def _history(section: str, record: str, *steps: tuple[str, str]) -> Rows:
    rows = [
        {"IDCURRENT": new, "IDPREVIOUS": old, "STARTDT": "2010-01-01"}
        | ({} if old == new else {"ENDDT": "2015-01-01"})
        for old, new in steps
    ]
    return {("history", section, record): rows}


class SmallRelease:
    """The rows of a small release, to be changed by a test and written."""

    def __init__(self) -> None:
        self.date = DATE
        self.dates: dict[str, str] = {}
        self.rows: Rows = {
            ("vtm", "", "VTM"): [
                {"VTMID": code, "NM": name.title()} for name, code in VTM.items()
            ],
            ("ingredient", "", "ING"): [
                {"ISID": code, "NM": name.title()} for name, code in ING.items()
            ],
            ("vmp", "VMPS", "VMP"): [
                _vmp("tablet", "Oldazole 5mg tablets", VTMID=VTM["oldazole"], VPIDDT="2015-01-01",
                     VPIDPREV=FORMER[0], UDFS="1", UDFS_UOMCD=UNIT["tablet"], DF_INDCD="1"),
                _vmp("liquid", "Oldazole 6mg/2ml oral solution", VTMID=VTM["oldazole"], SUG_F="1"),
                _vmp("pair", "Leftopril 4mg / Rightazide 1.25mg tablets", VTMID=VTM["pairopril"]),
                _vmp("brand", "Brandol 40mg tablets", "0006", VTMID=VTM["brandol"]),
                _vmp("device", "Made-up dressing 10cm x 10cm"),
            ],
            ("vmp", "VIRTUAL_PRODUCT_INGREDIENT", "VPI"): [
                _strength("tablet", "oldazole", "5", UNIT["mg"]),
                _strength("liquid", "oldazole", "6", UNIT["mg"], "2", UNIT["ml"]),
                _strength("pair", "leftopril", "4", UNIT["mg"]),
                _strength("pair", "rightazide", "1.25", UNIT["mg"]),
            ],
            ("vmp", "ONT_DRUG_FORM", "ONT"): [{"VPID": VMP["tablet"], "FORMCD": "0001"}],
            ("vmp", "DRUG_FORM", "DFORM"): [{"VPID": VMP["tablet"], "FORMCD": FORM}],
            ("vmp", "DRUG_ROUTE", "DROUTE"): [{"VPID": VMP["tablet"], "ROUTECD": ROUTE}],
            ("vmp", "CONTROL_DRUG_INFO", "CONTROL_INFO"): [
                {"VPID": VMP["tablet"], "CATCD": "0000"},
                {"VPID": VMP["brand"], "CATCD": "0002"},
            ],
            ("vmpp", "VMPPS", "VMPP"): [
                {"VPPID": VMPP[n], "NM": f"{n} 28 tablet", "VPID": VMP[n], "QTYVAL": "28.0",
                 "QTY_UOMCD": UNIT["tablet"]} for n in VMPP
            ],
            ("amp", "AMPS", "AMP"): [
                {"APID": AMP[n], "VPID": VMP[v], "NM": words, "DESC": f"{words} (Made Up Ltd)",
                 "SUPPCD": SUPPLIER, "LIC_AUTHCD": "0001", "AVAIL_RESTRICTCD": "0001", **more}
                for n, v, words, more in (
                    ("tablet", "tablet", "Oldazole 5mg tablets", {}),
                    ("former", "tablet", "Oldazole 5mg tablets", {"INVALID": "1"}),
                    ("brand", "brand", "Brando 40mg tablets", {}),
                )
            ],
            ("amp", "LICENSED_ROUTE", "LIC_ROUTE"): [{"APID": AMP["tablet"], "ROUTECD": ROUTE}],
            ("ampp", "AMPPS", "AMPP"): [
                {"APPID": AMPP[n], "NM": f"{n} 28 tablet (Made Up Ltd)", "VPPID": VMPP[n],
                 "APID": AMP[n], "LEGAL_CATCD": "0003"} for n in AMPP
            ],
            ("vtm_ing", "", "VTM_ING"): [
                {"VTMID": VTM["brandol"], "ISID": ING["brandol"]},
                {"VTMID": VTM["pairopril"], "ISID": ING["leftopril"]},
                {"VTMID": VTM["pairopril"], "ISID": ING["rightazide"]},
            ],
            ("bnf", "VMPS", "VMP"): [
                {"VPID": VMP["tablet"], "BNF": "02040000", "ATC": "C07AB07", "DDD": "10"},
                {"VPID": VMP["liquid"], "ATC": "n/a"},
            ],
            **_history("VMPS", "VMP", (VMP["tablet"], VMP["tablet"]), (FORMER[1], FORMER[0])),
            **_history("VTMS", "VTM", (FORMER[2], VTM["oldazole"])),
        }  # fmt: skip
        for name, info in _LOOKUPS.items():
            self.rows[("lookup", name, "INFO")] = [{"CD": c, "DESC": d} for c, d in info]

    def of(self, kind: str, record: str) -> list[dict[str, str]]:
        """The records of one name in a file, to be changed."""
        return next(rows for (k, _, r), rows in self.rows.items() if (k, r) == (kind, record))

    def name(self, kind: str) -> str:
        """The file's name with its date."""
        return f"{SCHEMA[kind][0]}{self.dates.get(kind, self.date)}.xml"

    def xml(self, kind: str) -> str:
        """One file."""
        _, root, schema, records = SCHEMA[kind]
        lines = [
            f'<{root} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:noNamespaceSchemaLocation="{schema}"><!-- made up -->'
        ]
        for section, record in records:
            lines.append(f"<{section}>" if section else "")
            for row in self.rows.get((kind, section, record), []):
                cells = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in row.items())
                lines.append(f"<{record}>{cells}</{record}>")
            lines.append(f"</{section}>" if section else "")
        return "\n".join(line for line in [*lines, f"</{root}>"] if line)

    def files(self, *kinds: str, schemas: bool = True) -> dict[str, str]:
        """The files by name, with their XSDs."""
        found = {self.name(kind): self.xml(kind) for kind in kinds or CORE}
        if schemas:
            found |= {SCHEMA[kind][2]: xsd(kind) for kind in kinds or CORE}
        return found

    def write(self, path: Path, *kinds: str, schemas: bool = True) -> Path:
        """A zip of the files (the core of a release where no kinds are named)."""
        return write_zip(path, self.files(*kinds, schemas=schemas))

    def copy(self) -> SmallRelease:
        """Another one with the same rows."""
        return copy.deepcopy(self)


def xsd(kind: str) -> str:
    """The schema of one kind of file."""
    _, root, _, records = SCHEMA[kind]

    def record(name: str, cells: str) -> str:
        inside = ""
        for word in cells.split():
            cell, letter = word.split("=")
            least = 1 if letter.isupper() else 0
            inside += (
                f'<xs:element name="{cell}" type="xs:{_TYPES[letter.lower()]}" '
                f'minOccurs="{least}" maxOccurs="1"/>'
            )
        return (
            f'<xs:element name="{name}" minOccurs="0" maxOccurs="unbounded">'
            f"<xs:complexType><xs:all>{inside}</xs:all></xs:complexType></xs:element>"
        )

    inside = ""
    for (section, name), cells in records.items():
        text = record(name, cells)
        if section:
            text = (
                f'<xs:element name="{section}"><xs:complexType><xs:sequence>{text}</xs:sequence>'
                "</xs:complexType></xs:element>"
            )
        inside += text
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:element name="{root}"><xs:complexType><xs:sequence>{inside}</xs:sequence>'
        "</xs:complexType></xs:element></xs:schema>"
    )


def write_zip(path: Path, files: dict[str, str] | dict[str, bytes]) -> Path:
    """A zip of these files."""
    path.write_bytes(zipped(files))
    return path


def zipped(files: dict[str, str] | dict[str, bytes]) -> bytes:
    """The bytes of a zip of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, text in files.items():
            pack.writestr(name, text)
    return content.getvalue()
