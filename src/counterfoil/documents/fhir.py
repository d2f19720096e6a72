"""FHIR documents and messages: UK Core (R4) and CareConnect/ITK3 (STU3), JSON or XML.

The narrative is the letter; coded entries are laid beside it. Sources of the shapes: the project's
reference notes, reconciliation section 4 (read 2026-11-22), and the UK Core discharge example.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from counterfoil.documents.header import read_date
from counterfoil.documents.layout import heading
from counterfoil.documents.markup import flatten, parse_html
from counterfoil.documents.shown import Builder
from counterfoil.documents.wording import change_code
from counterfoil.foundation.errors import DataError

Node = dict[str, Any]
_SECTION_CODES = {
    "medications-and-medical-devices": "discharge",
    "933361000000108": "discharge",
    "allergies-and-adverse-reaction": "allergies",
    "allergies-and-adverse-reactions": "allergies",
}
_MEDICINES = ("MedicationStatement", "MedicationRequest")
_LETTERS = ("Composition", "Bundle", *_MEDICINES)
_DEEPEST = 60
_LISTS = frozenset(
    [
        "coding",
        "additionalInstruction",
        "doseAndRate",
        "dayOfWeek",
        "when",
        "timeOfDay",
        "event",
        "extension",
    ]
)


@dataclass(slots=True)
class Coded:
    """One coded medicine of a message."""

    drug: str
    code: str | None
    dosage_text: str
    dosage: list[Node]
    stated: str | None
    stated_words: str
    reason: str
    comment: str
    duration: str
    place: str

    @property
    def as_dict(self) -> dict[str, Any]:
        """What the medicine line keeps as its coded part."""
        return {
            "drug": self.drug,
            "code": self.code,
            "dosage": self.dosage,
            "status": self.stated,
            "place": self.place,
        }


@dataclass(slots=True)
class Message:
    """What a FHIR file holds for the letter reader."""

    kind: str
    coded: list[Coded] = field(default_factory=list)
    attached: list[bytes] = field(default_factory=list)
    nhs_numbers: list[str] = field(default_factory=list)
    birth_date: int | None = None
    given_name: str | None = None
    family_name: str | None = None
    sender: str = ""
    ward: str = ""
    admitted_on: int | None = None
    discharged_on: int | None = None
    written_on: int | None = None
    allergies: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# -- one tree for JSON and XML ----------------------------------------------------


def load_json(text: str, name: str) -> Node:
    """A FHIR JSON file; ``DataError`` where it is truncated or not FHIR."""
    try:
        tree = json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, InvalidOperation) as error:
        line = getattr(error, "lineno", None)
        place = f"{name}, line {line}" if line else name
        raise DataError.at(
            place, "expected FHIR JSON that is whole", "text that breaks off or is not JSON"
        ) from error
    if not isinstance(tree, dict) or not isinstance(tree.get("resourceType"), str):
        raise DataError.at(
            name, "expected a FHIR resource with a resourceType", type(tree).__name__
        )
    return tree


def load_xml(content: bytes, name: str) -> Node | None:
    """A FHIR XML file as the same tree as JSON; ``None`` where the XML is not FHIR."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"{name}, line {line}" if line else name
        raise DataError.at(
            place, "expected XML that is whole", "text that breaks off or is not XML"
        ) from error
    if root is None or not isinstance(root.tag, str) or "hl7.org/fhir" not in root.tag:
        return None
    return _element(root, 0, name, root=True)


def _element(node: Any, depth: int, name: str, *, root: bool = False) -> Node:
    if depth > _DEEPEST:
        raise DataError.at(name, "expected FHIR nested less deeply", f"more than {_DEEPEST} levels")
    out: Node = {}
    if root:
        out["resourceType"] = etree.QName(node).localname
    for key, attribute in node.attrib.items():
        if key in ("url", "id"):
            out[key] = attribute
    for child in node:
        if not isinstance(child.tag, str):
            continue
        tag = etree.QName(child).localname
        if tag == "div":
            out["div"] = etree.tostring(child, encoding="unicode", with_tail=False)
            continue
        inner = [c for c in child if isinstance(c.tag, str)]
        if "value" in child.attrib and not inner:
            value: Any = child.attrib["value"]
        elif tag in ("resource", "contained") and len(inner) == 1 and inner[0].tag[-1:] != "":
            value = _element(inner[0], depth + 2, name, root=True)
        else:
            value = _element(child, depth + 1, name)
        out.setdefault(tag, []).append(value)
    return out


def many(node: Any, *path: str) -> list[Any]:
    """Every value at a path, whether the source wrote one or a list."""
    found: list[Any] = [node]
    for step in path:
        following: list[Any] = []
        for item in found:
            value = item.get(step) if isinstance(item, dict) else None
            if isinstance(value, list):
                following += [v for v in value if v is not None]
            elif value is not None:
                following.append(value)
        found = following
    return found


def word(node: Any, *path: str) -> str:
    """The first plain value at a path as text; empty where there is none."""
    for value in many(node, *path):
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            return " ".join(str(value).split())
        if isinstance(value, bool):
            return "true" if value else "false"
    return ""


# -- the message ------------------------------------------------------------------


def _resources(tree: Node, depth: int = 0) -> Iterator[tuple[str, Node]]:
    """Every resource with its full URL, bundles within bundles included."""
    if depth > 6:
        return
    kind = tree.get("resourceType")
    if kind != "Bundle":
        yield "", tree
        for inner in many(tree, "contained"):
            if isinstance(inner, dict):
                yield "#" + word(inner, "id"), inner
        return
    for entry in many(tree, "entry"):
        for resource in many(entry, "resource"):
            if not isinstance(resource, dict):
                continue
            if resource.get("resourceType") == "Bundle":
                yield from _resources(resource, depth + 1)
            else:
                yield word(entry, "fullUrl"), resource
                for inner in many(resource, "contained"):
                    if isinstance(inner, dict):
                        yield "#" + word(inner, "id"), inner


class Reader:
    """Reads one message into lines of a builder and coded medicines."""

    def __init__(self, tree: Node, name: str) -> None:
        self.name = name
        self.all = list(_resources(tree))
        self.by_ref: dict[str, Node] = {}
        for url, resource in self.all:
            kind, number = str(resource.get("resourceType", "")), word(resource, "id")
            for key in (
                url,
                f"{kind}/{number}",
                f"urn:uuid:{number}",
                url.removeprefix("urn:uuid:"),
            ):
                if key and not key.endswith("/"):
                    self.by_ref.setdefault(key, resource)
        kinds = {str(r.get("resourceType")) for _, r in self.all}
        top = str(tree.get("resourceType"))
        if top not in _LETTERS and not kinds & {"Composition", *_MEDICINES, "Binary"}:
            raise DataError.at(
                name, "expected a discharge document or message", f"a {top} resource"
            )
        self.kind = "fhir-document" if "Composition" in kinds else "fhir-message"
        self.message = Message(self.kind)

    def of(self, kind: str) -> list[Node]:
        """Every resource of a kind."""
        return [r for _, r in self.all if r.get("resourceType") == kind]

    def target(self, reference: Any) -> Node | None:
        """What a reference points at, if the message holds it."""
        ref = word(reference, "reference")
        if not ref:
            return None
        found = self.by_ref.get(ref)
        if found is None and "/" in ref:
            found = self.by_ref.get("/".join(ref.split("/")[-2:]))
        return found

    def run(self, out: Builder) -> Message:
        """Writes the narrative and gathers the coded part."""
        compositions = self.of("Composition")
        listed: list[Node] = []
        for composition in compositions:
            out.add(word(composition, "title") or "Discharge document", "heading")
            self.message.written_on = self._day(word(composition, "date"))
            for section in many(composition, "section"):
                self._section(section, out, listed, 0)
        self._people(compositions)
        self._visits()
        self._attachments()
        wanted = listed or [r for k in _MEDICINES for r in self.of(k)]
        self._coded(wanted)
        for allergy in self.of("AllergyIntolerance"):
            self.message.allergies += [t for t in (_concept(allergy, "code"),) if t]
        return self.message

    def _section(self, section: Node, out: Builder, listed: list[Node], depth: int) -> None:
        if not isinstance(section, dict) or depth > 8:
            return
        title = word(section, "title") or _concept(section, "code")
        codes = [word(c, "code") for c in many(section, "code", "coding")]
        kind = next((_SECTION_CODES[c] for c in codes if c in _SECTION_CODES), None)
        read = heading(title, marked=True) if title else None
        if (
            read is not None
            and read.kind not in ("unknown", "other")
            and kind in (None, "discharge")
        ):
            kind = read.kind
        out.add("")
        out.add(title or "Section", "heading", section=kind or "other")
        for div in many(section, "text", "div"):
            if isinstance(div, str) and div.strip():
                flatten(parse_html(div, self.name), out)
        if kind not in (None, "other", "allergies"):
            for entry in many(section, "entry"):
                listed += self._follow(entry, 0)
        for inner in many(section, "section"):
            self._section(inner, out, listed, depth + 1)

    def _follow(self, reference: Any, depth: int) -> list[Node]:
        found = self.target(reference)
        if found is None or depth > 3:
            return []
        if found.get("resourceType") == "List":
            return [r for e in many(found, "entry", "item") for r in self._follow(e, depth + 1)]
        return [found] if found.get("resourceType") in _MEDICINES else []

    # -- people, visits, attachments ----------------------------------------------

    def _people(self, compositions: list[Node]) -> None:
        patients = self.of("Patient")
        subjects = [p for c in compositions for s in many(c, "subject") if (p := self.target(s))]
        people = subjects or patients
        numbers: set[str] = set()
        for patient in people if subjects else patients:
            for identifier in many(patient, "identifier"):
                if "nhs-number" in word(identifier, "system").lower():
                    numbers.add(re.sub(r"\D", "", word(identifier, "value")))
        if len({n for n in numbers if n}) > 1:
            raise DataError.at(self.name, "expected a document about one person", "two patients")
        self.message.nhs_numbers = sorted(n for n in numbers if n)
        for patient in people[:1]:
            self.message.birth_date = read_date(word(patient, "birthDate"))
            names = many(patient, "name")
            best = next(
                (n for n in names if word(n, "use") == "official"), names[0] if names else {}
            )
            self.message.family_name = word(best, "family") or None
            given = " ".join(str(g) for g in many(best, "given"))
            self.message.given_name = given or None

    def _visits(self) -> None:
        for encounter in self.of("Encounter"):
            self.message.admitted_on = self._day(word(encounter, "period", "start"))
            self.message.discharged_on = self._day(word(encounter, "period", "end"))
            break
        for organisation in self.of("Organization"):
            label = word(organisation, "name")
            if re.search(r"hospital|trust|infirmary", label, re.IGNORECASE):
                self.message.sender = label
                break
        for location in self.of("Location"):
            label = word(location, "name")
            if re.search(r"ward", label, re.IGNORECASE):
                self.message.ward = re.sub(r"^ward\s+", "", label, flags=re.IGNORECASE)
                break

    @staticmethod
    def _day(text: str) -> int | None:
        return read_date(text) if text else None

    def _attachments(self) -> None:
        data = [word(b, "data") or word(b, "content") for b in self.of("Binary")]
        data += [
            word(a, "data")
            for d in self.of("DocumentReference")
            for a in many(d, "content", "attachment")
        ]
        for text in data:
            if not text:
                continue
            try:
                self.message.attached.append(base64.b64decode(text, validate=False))
            except (binascii.Error, ValueError) as error:
                raise DataError.at(
                    self.name, "expected base64 in the attached document", "text that is not base64"
                ) from error

    # -- medicines ----------------------------------------------------------------

    def _coded(self, resources: list[Node]) -> None:
        seen: set[int] = set()
        covered = {
            id(t)
            for r in resources
            if r.get("resourceType") == "MedicationStatement"
            for b in many(r, "basedOn")
            if (t := self.target(b)) is not None
        }
        for resource in resources:
            if id(resource) in seen or id(resource) in covered:
                continue
            seen.add(id(resource))
            status = word(resource, "status")
            place = f"{resource.get('resourceType')}/{word(resource, 'id')}"
            if status == "entered-in-error":
                self.message.notes.append(
                    f"{place} is marked as entered in error and was left out."
                )
                continue
            self.message.coded.append(self._one(resource, status, place))

    def _one(self, resource: Node, status: str, place: str) -> Coded:
        drug, code = self._drug(resource)
        dosages = many(resource, "dosage") + many(resource, "dosageInstruction")
        texts = [t for d in dosages if (t := word(d, "text") or word(d, "patientInstruction"))]
        stated, words, reason, details = self._change(resource, status)
        notes = [word(n, "text") for n in many(resource, "note")]
        why = [_concept(resource, "reasonCode"), word(resource, "reasonCode", "text")]
        return Coded(
            drug=drug,
            code=code,
            dosage_text=", then ".join(texts),
            dosage=[plain(d) for d in dosages if isinstance(d, dict)],
            stated=stated,
            stated_words=words,
            reason="; ".join(dict.fromkeys(t for t in (reason, *why) if t)),
            comment="; ".join(dict.fromkeys(t for t in (details, *notes) if t)),
            duration="",
            place=place,
        )

    def _drug(self, resource: Node) -> tuple[str, str | None]:
        concepts = many(resource, "medicationCodeableConcept")
        for reference in many(resource, "medicationReference"):
            found = self.target(reference)
            if found is not None:
                concepts += many(found, "code")
            elif word(reference, "display"):
                return word(reference, "display"), None
        for concept in concepts:
            code = next((word(c, "code") for c in many(concept, "coding") if word(c, "code")), None)
            label = word(concept, "text") or next(
                (word(c, "display") for c in many(concept, "coding") if word(c, "display")), ""
            )
            if label or code:
                return label, code
        return "", None

    @staticmethod
    def _change(resource: Node, status: str) -> tuple[str | None, str, str, str]:
        stated, words, reason, details = None, "", "", ""
        for extension in many(resource, "extension"):
            if "MedicationChangeSummary" not in word(extension, "url"):
                continue
            for part in many(extension, "extension"):
                url = word(part, "url")
                if url == "status":
                    codings = many(part, "valueCoding") + many(
                        part, "valueCodeableConcept", "coding"
                    )
                    for coding in codings:
                        stated = change_code(word(coding, "code")) or stated
                        words = word(coding, "display") or word(coding, "code")
                elif url == "indicationForChange":
                    reason = _concept(part, "valueCodeableConcept")
                elif url == "detailsOfAmendment":
                    details = word(part, "valueString")
        if stated is None and status in ("stopped", "on-hold", "cancelled"):
            stated = "on_hold" if status == "on-hold" else "stopped"
            words = status
        return stated, words, reason, details


def _concept(node: Node, key: str) -> str:
    for concept in many(node, key):
        if isinstance(concept, dict):
            text = word(concept, "text")
            for coding in many(concept, "coding"):
                text = text or word(coding, "display")
            if text:
                return text
    return ""


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?$")


def plain(node: Any, key: str = "") -> Any:
    """A part of the tree as FHIR JSON writes it: single values bare, numbers as numbers."""
    if isinstance(node, dict):
        return {k: plain(v, k) for k, v in node.items()}
    if isinstance(node, list):
        values = [plain(v, key) for v in node]
        return values if key in _LISTS or len(values) != 1 else values[0]
    if isinstance(node, str) and key not in ("code", "text", "display", "system", "id", "url"):
        if _NUMBER.match(node):
            return Decimal(node) if "." in node else int(node)
        if node in ("true", "false"):
            return node == "true"
    return node
