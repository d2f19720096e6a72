"""A full-size dm+d release in the published schema, made from the shared product lists.

Names, VMP and pack ids are those of the list of August 2025; VTMs, ingredients, lookups and the
XSDs those of the extract of April 2019. What neither holds is made up so that size and shape are
those of a real release, not its meaning: AMP and supplier ids (namespace 9999999, which is in no
release), forms, routes, categories and prices. For speed, memory and balance only.

``python tests/full_dmd_release.py FOLDER`` writes the zip and prints its path.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow.parquet as pq
from lxml import etree

from counterfoil.terminology.ids import OWN_NAMESPACE, check_digit
from support import shared

DATE = "140825"
LISTS = "dmd_2025w34_{}.parquet"
EXTRACT = "dmd_xml_2019-04_extract.zip"
UNITS = {"mg": "258684004", "g": "258682000", "microgram": "258685003", "unit": "258666001"}
ML = "258773002"
STRENGTH = re.compile(r"(\d+(?:\.\d+)?)\s?(microgram|mg|g|unit)s?(?:/(\d+(?:\.\d+)?)?ml)?\b")
SUPPLIER = re.compile(r"\(([^()]+)\) [^()]*\Z")


def made_up(item: int) -> str:
    """An id of the namespace that is in no release, with a right check digit."""
    digits = f"{item}{OWN_NAMESPACE}10"
    return digits + check_digit(digits)


def element(tag: str, *cells: tuple[str, str | None]) -> str:
    """One record; cells that are None are left out."""
    inside = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in cells if v is not None)
    return f"<{tag}>{inside}</{tag}>\n"


def document(root: str, schema: str, *sections: tuple[str, Iterable[str]]) -> Iterator[str]:
    """A whole file: its sections of records."""
    yield (
        '<?xml version="1.0" encoding="utf-8" ?>\n'
        f'<{root} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="{schema}">\n'
    )
    for section, records in sections:
        yield f"<{section}>\n" if section else ""
        yield from records
        yield f"</{section}>\n" if section else ""
    yield f"</{root}>\n"


class Made:
    """The rows of the release, before they are written."""

    def __init__(self) -> None:
        read = {
            level: pq.read_table(shared("terminology", LISTS.format(level))).to_pylist()
            for level in ("vmp", "vmpp", "ampp")
        }
        self.vmps, self.vmpps, self.ampps = read["vmp"], read["vmpp"], read["ampp"]
        with zipfile.ZipFile(shared("terminology", EXTRACT)) as extract:
            self.schemas = {n: extract.read(n) for n in extract.namelist() if n.endswith(".xsd")}
            self.kept = {
                kind: extract.read(f"f_{kind}2_3010419.xml")
                for kind in ("vtm", "ingredient", "lookup")
            }
        ingredients = etree.fromstring(self.kept["ingredient"])
        self.substances = [e.findtext("ISID") or "" for e in ingredients.iter("ING")]
        vtms = etree.fromstring(self.kept["vtm"])
        self.vtms = {
            (e.findtext("NM") or "").lower(): e.findtext("VTMID") or "" for e in vtms.iter("VTM")
        }
        lists = etree.fromstring(self.kept["lookup"])
        self.forms = [e.findtext("CD") or "" for e in lists.iterfind("FORM/INFO")]
        self.routes = [e.findtext("CD") or "" for e in lists.iterfind("ROUTE/INFO")]
        self.suppliers: dict[str, str] = {}
        self.amps: dict[tuple[str, str], tuple[str, str, str]] = {}
        self.amp_of: list[str] = []
        for row in self.ampps:
            found = SUPPLIER.search(row["nm"])
            words = found[1] if found else "Supplier not stated"
            supplier = self.suppliers.setdefault(words, made_up(5_000_000 + len(self.suppliers)))
            described = row["nm"][: found.end(1) + 1] if found else row["nm"]
            key = (row["vpid"], described)
            amp = self.amps.get(key)
            if amp is None:
                amp = (made_up(6_000_000 + len(self.amps)), described.split(" (")[0], supplier)
                self.amps[key] = amp
            self.amp_of.append(amp[0])

    def lookup(self) -> bytes:
        """The lookup file with the made-up suppliers added."""
        root = etree.fromstring(self.kept["lookup"])
        suppliers = root.find("SUPPLIER")
        assert suppliers is not None
        for words, code in self.suppliers.items():
            info = etree.SubElement(suppliers, "INFO")
            etree.SubElement(info, "CD").text = code
            etree.SubElement(info, "DESC").text = words
        return etree.tostring(root, encoding="utf-8")

    def vtm_of(self, name: str) -> str | None:
        """The VTM whose name is the longest beginning of a VMP's name."""
        words = name.lower().split()
        for size in range(min(4, len(words)), 0, -1):
            found = self.vtms.get(" ".join(words[:size]))
            if found:
                return found
        return None

    def vmp_file(self) -> Iterator[str]:
        """VMPs with ingredients, forms, routes and categories."""

        def ingredients() -> Iterator[str]:
            for i, row in enumerate(self.vmps):
                for j, found in enumerate(islice(STRENGTH.finditer(row["nm"]), 4)):
                    per = "/" in found[0]
                    yield element(
                        "VPI",
                        ("VPID", row["vpid"]),
                        ("ISID", self.substances[(7 * i + j) % len(self.substances)]),
                        ("BASIS_STRNTCD", "0001"),
                        ("STRNT_NMRTR_VAL", found[1]),
                        ("STRNT_NMRTR_UOMCD", UNITS[found[2]]),
                        ("STRNT_DNMTR_VAL", (found[3] or "1") if per else None),
                        ("STRNT_DNMTR_UOMCD", ML if per else None),
                    )

        def each(tag: str, column: str, codes: list[str]) -> Iterator[str]:
            for i, row in enumerate(self.vmps):
                yield element(tag, ("VPID", row["vpid"]), (column, codes[i % len(codes)]))

        return document(
            "VIRTUAL_MED_PRODUCTS",
            "vmp_v2_3.xsd",
            (
                "VMPS",
                (
                    element(
                        "VMP",
                        ("VPID", r["vpid"]),
                        ("VTMID", self.vtm_of(r["nm"])),
                        ("NM", r["nm"]),
                        ("BASISCD", "0001"),
                        ("PRES_STATCD", f"000{1 + i % 8}"),
                        ("DF_INDCD", "1"),
                        ("UDFS", "1"),
                        ("UDFS_UOMCD", "428673006"),
                        ("UNIT_DOSE_UOMCD", "428673006"),
                    )
                    for i, r in enumerate(self.vmps)
                ),
            ),
            ("VIRTUAL_PRODUCT_INGREDIENT", ingredients()),
            ("ONT_DRUG_FORM", each("ONT", "FORMCD", [f"{n:04d}" for n in range(1, 40)])),
            ("DRUG_FORM", each("DFORM", "FORMCD", self.forms)),
            ("DRUG_ROUTE", each("DROUTE", "ROUTECD", self.routes)),
            (
                "CONTROL_DRUG_INFO",
                each("CONTROL_INFO", "CATCD", [f"{n:04d}" for n in range(11)]),
            ),
        )

    def vmpp_file(self) -> Iterator[str]:
        """VMPPs with tariff prices."""
        names = {r["vpid"]: r["nm"] for r in self.vmps}
        return document(
            "VIRTUAL_MED_PRODUCT_PACK",
            "vmpp_v2_3.xsd",
            (
                "VMPPS",
                (
                    element(
                        "VMPP",
                        ("VPPID", r["vppid"]),
                        ("NM", f"{names[r['vpid']]} {r['pack_size']:g} {r['unit']}"),
                        ("VPID", r["vpid"]),
                        ("QTYVAL", f"{r['pack_size']:.12g}"),
                        ("QTY_UOMCD", "428673006"),
                    )
                    for r in self.vmpps
                ),
            ),
            (
                "DRUG_TARIFF_INFO",
                (
                    element(
                        "DTINFO",
                        ("VPPID", r["vppid"]),
                        ("PAY_CATCD", "0001"),
                        ("PRICE", str(r["basic_price_pence"] or 0)),
                        ("DT", "2025-08-01"),
                        ("PREVPRICE", "100"),
                    )
                    for r in self.vmpps
                ),
            ),
            ("COMB_CONTENT", ()),
        )

    def amp_file(self) -> Iterator[str]:
        """AMPs with excipients, licensed routes and information."""
        amps = [(key, *amp) for key, amp in self.amps.items()]
        return document(
            "ACTUAL_MEDICINAL_PRODUCTS",
            "amp_v2_3.xsd",
            (
                "AMPS",
                (
                    element(
                        "AMP",
                        ("APID", code),
                        ("INVALID", "1" if i % 17 == 0 else None),
                        ("VPID", vmp),
                        ("NM", name),
                        ("DESC", words),
                        ("NMDT", "2020-01-01"),
                        ("SUPPCD", supplier),
                        ("LIC_AUTHCD", "0001"),
                        ("AVAIL_RESTRICTCD", "0001"),
                    )
                    for i, ((vmp, words), code, name, supplier) in enumerate(amps)
                ),
            ),
            (
                "AP_INGREDIENT",
                (
                    element(
                        "AP_ING",
                        ("APID", a[1]),
                        ("ISID", self.substances[i % len(self.substances)]),
                    )
                    for i, a in enumerate(amps)
                ),
            ),
            (
                "LICENSED_ROUTE",
                (
                    element(
                        "LIC_ROUTE", ("APID", a[1]), ("ROUTECD", self.routes[i % len(self.routes)])
                    )
                    for i, a in enumerate(amps)
                ),
            ),
            (
                "AP_INFORMATION",
                (
                    element("AP_INFO", ("APID", a[1]), ("PROD_ORDER_NO", f"P{i}"))
                    for i, a in enumerate(amps)
                ),
            ),
        )

    def ampp_file(self) -> Iterator[str]:
        """AMPPs with prescribing, price and reimbursement information."""

        def each(tag: str, *cells: tuple[str, str | None]) -> Iterator[str]:
            for row in self.ampps:
                yield element(tag, ("APPID", row["appid"]), *cells)

        return document(
            "ACTUAL_MEDICINAL_PROD_PACKS",
            "ampp_v2_3.xsd",
            (
                "AMPPS",
                (
                    element(
                        "AMPP",
                        ("APPID", r["appid"]),
                        ("NM", r["nm"]),
                        ("VPPID", r["vppid"]),
                        ("APID", amp),
                        ("LEGAL_CATCD", "0003"),
                        ("SUBP", "2 x 14 tablets"),
                        ("DISCCD", "0001"),
                        ("DISCDT", "2024-01-01"),
                    )
                    for r, amp in zip(self.ampps, self.amp_of, strict=True)
                ),
            ),
            ("APPLIANCE_PACK_INFO", each("PACK_INFO", ("REIMB_STATCD", "0001"))),
            ("DRUG_PRODUCT_PRESCRIB_INFO", each("PRESCRIB_INFO", ("HOSP", "0001"), ("ACBS", "1"))),
            (
                "MEDICINAL_PRODUCT_PRICE",
                each(
                    "PRICE_INFO",
                    ("PRICE", "1234"),
                    ("PRICEDT", "2025-08-01"),
                    ("PRICE_PREV", "1200"),
                    ("PRICE_BASISCD", "0001"),
                ),
            ),
            (
                "REIMBURSEMENT_INFO",
                each("REIMB_INFO", ("PX_CHRGS", "1"), ("DISP_FEES", "1"), ("DND", "0001")),
            ),
            ("COMB_CONTENT", ()),
        )

    def gtin_file(self) -> Iterator[str]:
        """A GTIN for each AMPP."""
        return document(
            "GTIN_DETAILS",
            "gtin_v2_0.xsd",
            (
                "AMPPS",
                (
                    f"<AMPP><AMPPID>{r['appid']}</AMPPID><GTINDATA><GTIN>{i:013d}</GTIN>"
                    "<STARTDT>2020-01-01</STARTDT></GTINDATA></AMPP>\n"
                    for i, r in enumerate(self.ampps)
                ),
            ),
        )


def write(folder: Path) -> Path:
    """Write the release as TRUD packs it, the GTINs in a zip inside; the zip's path."""
    made = Made()
    path = folder / "nhsbsa_dmd_made_up_20250818000001.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        for name, content in made.schemas.items():
            if not name.startswith("gtin"):
                pack.writestr(name, content)
        pack.writestr(f"f_vtm2_3{DATE}.xml", made.kept["vtm"])
        pack.writestr(f"f_ingredient2_3{DATE}.xml", made.kept["ingredient"])
        pack.writestr(f"f_lookup2_3{DATE}.xml", made.lookup())
        for kind in ("vmp", "vmpp", "amp", "ampp"):
            with pack.open(f"f_{kind}2_3{DATE}.xml", "w", force_zip64=True) as file:
                for text in getattr(made, f"{kind}_file")():
                    file.write(text.encode())
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as gtins:
            gtins.writestr("gtin_v2_0.xsd", made.schemas["gtin_v2_0.xsd"])
            gtins.writestr(f"f_gtin2_0{DATE}.xml", "".join(made.gtin_file()))
        pack.writestr("week342025-r2_3-GTIN.zip", inner.getvalue())
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
