"""A GP Connect bundle off a file: is it one, is it whole, is it of one patient, what refers to what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.element import Element, UnreadableError

_LIKE_A_NUMBER_OF_SOMEBODY = re.compile(r"\d[\d\s-]{8,}\d")
_KINDS = ("collection", "searchset", "batch-response")
_R4_KINDS = ("message", "document", "transaction", "batch", "history")
_R4_ONLY = {"ServiceRequest", "MedicationKnowledge"}


@dataclass(frozen=True)
class Resource:
    """One resource of the bundle. ``holder`` is the resource that contains it, where one does."""

    kind: str
    id: str | None
    body: Element
    holder: Resource | None = None

    @property
    def path(self) -> str:
        """Its JSON path."""
        return self.body.path


@dataclass
class Bundle:
    """The resources of a file in order, contained ones after their holder, and their references."""

    name: str
    resources: list[Resource]
    patient: Resource
    twice: set[str] = field(default_factory=set)
    strangers: list[Resource] = field(default_factory=list)
    """Resources that name as their patient somebody whom the bundle does not hold."""
    _by_reference: dict[str, Resource] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """File and JSON path."""
        return f"{self.name} {path}"

    def resolve(self, element: Element | None, holder: Resource | None = None) -> Resource | None:
        """What a Reference points at: ``Type/id``, an absolute address, a urn or ``#contained``."""
        text = element.text("reference") if element is not None else None
        if text is None:
            return None
        if text.startswith("#"):
            return self._by_reference.get(f"{holder.path}{text}") if holder else None
        return self._by_reference.get(text) or self._by_reference.get(_type_and_id(text))

    def reference_id(self, element: Element | None) -> str | None:
        """The id a Reference names, whether or not the bundle holds what it points at."""
        target = self.resolve(element)
        if target is not None and target.id is not None:
            return target.id
        text = element.text("reference") if element is not None else None
        return re.split(r"[/:]", text)[-1] or None if text else None


Adapt = Callable[[dict[str, Any]], None]
"""Changes a document in place, so that a bundle of another release reads as one of STU3."""


def open_bundle(path: Path, adapt: Adapt | None = None) -> Bundle:
    """The bundle of one patient in *path*; with *adapt*, of any type and of FHIR R4.

    Raises :class:`DataError` with file and line or JSON path for anything else: text that is not
    JSON or is cut, JSON that is not FHIR, FHIR of another release, an error in place of a record,
    no patient or two.
    """
    document = unwrapped(_json(path))
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if not isinstance(kind, str):
        _refuse(path, "", "expected a FHIR bundle", "JSON without a resourceType")
    if kind == "OperationOutcome":
        raise DataError.at(
            path.name,
            "expected a record; the sender answered with an error",
            _outcome(Element(document, "$")),
        )
    if kind != "Bundle":
        _refuse(path, "", "expected a FHIR bundle", f"a single {kind[:40]}")
    _check_nested(path, document)
    if document.get("type") not in _KINDS + (_R4_KINDS if adapt else ()):
        _refuse(path, "type", "expected a bundle of type collection")
    try:
        if adapt is not None:
            adapt(document)
        resources = list(_resources(document))
    except UnreadableError as error:
        raise DataError.at(path.name, str(error)) from None
    if adapt is None:
        _check_release(path, resources)
    bundle = Bundle(path.name, resources, _patient(path, resources))
    _index(bundle, document)
    bundle.strangers += _strangers(bundle)
    return bundle


def unwrapped(document: Any) -> Any:
    """The one bundle in a document that holds nothing else: so released prescriptions are sent."""
    held = document if isinstance(document, dict) else {}
    listed = held.get("parameter" if held.get("resourceType") == "Parameters" else "entry")
    parts = (
        [p.get("resource") for p in listed if isinstance(p, dict)]
        if isinstance(listed, list)
        else []
    )
    inner = [p for p in parts if isinstance(p, dict)]
    if len(inner) == 1 and inner[0].get("resourceType") == "Bundle":
        return unwrapped(inner[0])
    return document


def _json(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.at(f"{path.name} byte {error.start}", "expected UTF-8 text") from None
    except OSError:
        raise DataError.at(path.name, "expected a file that can be read") from None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        raise DataError.at(
            f"{path.name} line {error.lineno} column {error.colno}",
            "expected JSON" + (": the file ends before its end" if cut else ""),
        ) from None
    except (ValueError, RecursionError):
        raise DataError.at(path.name, "expected JSON of ordinary numbers and depth") from None


def _check_nested(path: Path, document: dict[str, Any]) -> None:
    entries = document.get("entry")
    parts = (
        [e.get("resource") for e in entries if isinstance(e, dict)]
        if isinstance(entries, list)
        else []
    )
    inner = [p for p in parts if isinstance(p, dict) and p.get("resourceType") == "Bundle"]
    if inner and len(inner) == len(parts):
        found = f"{len(inner)} bundles in one: import them one by one"
        _refuse(path, "", "expected the bundle of one patient", found)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse(path: Path, where: str, expected: str, found: str = "") -> NoReturn:
    raise DataError.at(f"{path.name} {where}".strip(), expected, found)


def _outcome(element: Element) -> str:
    """What an OperationOutcome says, without anything that looks like an NHS number."""
    said = []
    try:
        for issue in element.children("issue"):
            details = issue.child("details")
            coding = details.child("coding") if details else None
            said.append(
                (details.text("text") if details else None)
                or (coding.text("display") if coding else None)
                or issue.text("diagnostics")
                or issue.text("code")
                or ""
            )
    except UnreadableError:
        return "an error without words"
    shown = "; ".join(filter(None, said)) or "an error without words"
    return _LIKE_A_NUMBER_OF_SOMEBODY.sub("(a number)", shown)[:200]


def _resources(document: dict[str, Any]) -> Iterator[Resource]:
    root = Element(document, "")
    for index, entry in enumerate(root.children("entry")):
        path = f"entry[{index}].resource"
        body = entry.value.get("resource")
        if not isinstance(body, dict):
            raise UnreadableError(path, "a resource")
        outer = _resource(Element(body, path, root.odd_days), None)
        yield outer
        for inner in outer.body.children("contained"):
            yield _resource(inner, outer)


def _resource(body: Element, holder: Resource | None) -> Resource:
    kind = body.text("resourceType")
    if kind is None:
        raise UnreadableError(f"{body.path}.resourceType", "the name of a resource")
    return Resource(kind, body.text("id"), body, holder)


def _check_release(path: Path, resources: list[Resource]) -> None:
    for each in resources:
        value = each.body.value
        requester = value.get("requester")
        r4 = (
            each.kind in _R4_ONLY
            or (
                each.kind in {"AllergyIntolerance", "Condition"}
                and isinstance(value.get("clinicalStatus"), dict)
            )
            or (
                each.kind == "MedicationRequest"
                and isinstance(requester, dict)
                and "reference" in requester
            )
        )
        if r4:
            _refuse(path, each.path, "expected a GP Connect record in FHIR STU3", "FHIR R4")


def _patient(path: Path, resources: list[Resource]) -> Resource:
    patients = [each for each in resources if each.kind == "Patient"]
    if not patients:
        _refuse(path, "", "expected a Patient in the bundle", "none")
    others = [each for each in patients if each.id != patients[0].id]
    if others:
        _refuse(path, others[0].path, "expected one patient in the bundle", "a second one")
    if patients[0].id is None:
        _refuse(path, f"{patients[0].path}.id", "expected the patient's id", "none")
    return patients[0]


def _index(bundle: Bundle, document: dict[str, Any]) -> None:
    """References, and the paths of resources that repeat the type and id of an earlier one."""
    entries = document.get("entry")
    addresses = [e.get("fullUrl") for e in entries] if isinstance(entries, list) else []
    outer = -1
    for each in bundle.resources:
        if each.holder is not None:
            bundle._by_reference[f"{each.holder.path}#{(each.id or '').lstrip('#')}"] = each
            continue
        outer += 1
        address = addresses[outer] if outer < len(addresses) else None
        if isinstance(address, str):
            bundle._by_reference.setdefault(address, each)
        if each.id is not None:
            reference = f"{each.kind}/{each.id}"
            if bundle._by_reference.setdefault(reference, each) is not each:
                bundle.twice.add(each.path)


def _type_and_id(text: str) -> str:
    """``Type/id`` out of an absolute address or one with a version."""
    parts = text.split("/_history/")[0].rsplit("/", 2)
    return "/".join(parts[-2:])


def _strangers(bundle: Bundle) -> Iterator[Resource]:
    """Resources about somebody else, with what they contain unless that names the bundle's patient."""
    found: set[str] = set()
    for each in bundle.resources:
        try:
            strange = any(_is_strange(bundle, each, name) for name in ("subject", "patient"))
        except UnreadableError as error:
            raise DataError.at(bundle.name, str(error)) from None
        within = each.holder is not None and each.holder.path in found
        if strange or (within and not _is_ours(bundle, each)):
            found.add(each.path)
            yield each


def _is_ours(bundle: Bundle, each: Resource) -> bool:
    """Whether a resource itself refers to the bundle's patient."""
    held = [
        each.body.child(n)
        for n in ("subject", "patient")
        if isinstance(each.body.value.get(n), dict)
    ]
    return any(bundle.reference_id(reference) == bundle.patient.id for reference in held)


def _is_strange(bundle: Bundle, each: Resource, name: str) -> bool:
    if not isinstance(each.body.value.get(name), dict):
        return False
    reference = each.body.child(name)
    assert reference is not None
    about = bundle.reference_id(reference)
    if about is None:
        number = _number(reference.child("identifier"))
        return number is not None and number not in _numbers(bundle.patient)
    if about == bundle.patient.id:
        return False
    target = bundle.resolve(reference, each)
    if target is None and each.holder is not None:
        # It says so in its sender's terms; whose it is, the resource that contains it says.
        return not {"subject", "patient"} & set(each.holder.body.value)
    return target is None or target.kind == "Patient"


def _number(identifier: Element | None) -> str | None:
    """An identifier's digits, where it is an NHS number."""
    if identifier is None or not (identifier.text("system") or "").endswith("/nhs-number"):
        return None
    return re.sub(r"\D", "", identifier.text("value") or "") or None


def _numbers(patient: Resource) -> set[str]:
    return {n for each in patient.body.children("identifier") if (n := _number(each))}
