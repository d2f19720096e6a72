"""Puts a letter together: form, text, head, medicine lines, and what was left over."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from counterfoil.documents import fhir
from counterfoil.documents.doses import read_dose
from counterfoil.documents.header import Header, read_header
from counterfoil.documents.line import build
from counterfoil.documents.markup import flatten, parse_html
from counterfoil.documents.model import Letter, LetterPatient, MedicineLine, Mention, Span
from counterfoil.documents.names import look_up
from counterfoil.documents.narrative import dosed, going_on, in_order, swallowed, told
from counterfoil.documents.plain import read_plain
from counterfoil.documents.scan import Walker
from counterfoil.documents.setting import Setting, setting_of
from counterfoil.documents.shown import Builder, Sheet
from counterfoil.documents.sniff import LONGEST, MEDIA, decode, sniff
from counterfoil.documents.statements import joined, said, with_mentions
from counterfoil.documents.tables import Scan
from counterfoil.documents.unheard import marked, unheard
from counterfoil.documents.wording import pattern, plain_pattern
from counterfoil.dosage import compare
from counterfoil.foundation.errors import DataError

_CODED_HEADING = "Medicines as coded entries"


@dataclass(slots=True)
class _Source:
    """A letter's sheet and what its form told beside the words."""

    kind: str
    media_type: str
    sheet: Sheet
    message: fhir.Message | None = None
    builder: Builder | None = None
    notes: list[str] = field(default_factory=list)
    pictures: bool = False


def read(
    source: Path | str | bytes,
    *,
    name: str = "",
    received_on: int | None = None,
    setting: Setting | None = None,
) -> Letter:
    """Reads a hospital letter.

    *source* is a path, or the bytes themselves. The form is found from the content: FHIR document
    or message (JSON or XML, R4 or STU3), HTML, PDF with text, or plain text. *received_on* is the
    day number on which the practice received it. *setting* is the change of setting it is about, where
    a person has said so; else the letter's own words say it. Raises ``DataError`` where the file is not a
    letter, is empty, encrypted or too large, or is about two people; never another exception.
    """
    content, name = _bytes(source, name)
    found = _source(content, name, 0)
    return _letter(found, content, name, received_on, setting)


def read_text(text: str, *, name: str = "pasted text", received_on: int | None = None) -> Letter:
    """Reads a letter that was pasted as text."""
    return read(text.encode("utf-8", "replace"), name=name, received_on=received_on)


def _bytes(source: Path | str | bytes, name: str) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, name or "letter"
    path = Path(source)
    try:
        return path.read_bytes(), name or path.name
    except OSError as error:
        raise DataError.at(
            name or path.name, "expected a file that can be read", error.strerror or ""
        ) from error


def _source(content: bytes, name: str, depth: int) -> _Source:
    form = sniff(content, name)
    if form == "text":
        return _Source("text", MEDIA[form], read_plain(decode(content, name)))
    if form == "html":
        builder = Builder()
        flatten(parse_html(decode(content, name), name), builder)
        return _Source("html", MEDIA[form], builder.sheet())
    if form in ("json", "xml"):
        return _fhir(content, form, name, depth)
    if form == "pdf":
        from counterfoil.documents.pdf import read_pdf

        sheet, pictures = read_pdf(content, name)
        return _Source("pdf", MEDIA[form], sheet, pictures=pictures)
    if form == "image":
        from counterfoil.documents.pdf import read_picture

        return _Source("image", MEDIA[form], read_picture(content, name), pictures=True)
    if form == "docx":
        from counterfoil.documents.docx import read_docx

        return _Source("docx", MEDIA[form], read_docx(content, name))
    raise DataError.at(
        name, "expected a letter as text, HTML, FHIR or PDF with text", "a rich text file"
    )


def _fhir(content: bytes, form: str, name: str, depth: int) -> _Source:
    if form == "json":
        tree: fhir.Node | None = fhir.load_json(decode(content, name), name)
    else:
        tree = fhir.load_xml(content, name)
        if tree is None:
            builder = Builder()
            text = decode(content, name)
            if not re.search(r"<(?:table|p|div|body|li)\b", text, re.IGNORECASE):
                raise DataError.at(name, "expected a FHIR document", "XML of another kind")
            flatten(parse_html(text, name), builder)
            return _Source("html", "text/html", builder.sheet())
    assert tree is not None
    builder = Builder()
    reader = fhir.Reader(tree, name)
    message = reader.run(builder)
    if message.attached and not message.coded and not builder.lines:
        if depth > 1:
            raise DataError.at(
                name, "expected one letter in the message", "messages within messages"
            )
        inner = _source(message.attached[0], f"{name}, attached document", depth + 1)
        inner.message = message
        if len(message.attached) > 1:
            inner.notes.append("The message holds more than one document; the first was read.")
        return inner
    return _Source(message.kind, MEDIA[form], builder.sheet(), message, builder)


def _letter(
    source: _Source, content: bytes, name: str, received_on: int | None, setting: Setting | None
) -> Letter:
    sheet = source.sheet
    if not sheet.text.strip() and not (source.message and source.message.coded):
        raise DataError.at(name, "expected a letter with text", "no text")
    if len(sheet.text) > LONGEST:
        raise DataError.at(
            name, "expected a letter of at most 100 pages", f"{len(sheet.text)} characters"
        )
    header = _header(source, sheet, name)
    scan = Walker(sheet).run()
    listed = any(raw.section == "discharge" for raw in scan.raws)
    if not scan.raws and not (source.message and source.message.coded):
        again = Walker(sheet, fallback=True).run()
        scan.raws = [r for r in again.raws if r.section == "discharge"]
        scan.admission = scan.admission or again.admission
    lines = _lines(scan, sheet.text)
    text = sheet.text
    if source.message is not None and source.builder is not None and source.message.coded:
        lines, text = _beside_codes(lines, source.message, source.builder)
    setting = setting or setting_of(sheet.text, header.discharged_on)
    statements = in_order(
        [*said(scan, text, listed=listed), *(build(r, text, 0) for r in going_on(scan, text))]
    )
    lines = joined(lines, statements, listed=listed, before=setting == "outpatient")
    mentions = told(scan, text)
    lines = with_mentions(lines, mentions, before=setting == "outpatient")
    missed = unheard(scan, text, lines, mentions)
    lines = marked(lines, missed)
    lines = _identified(_placed(_numbered(lines), sheet))
    admission = _identified([build(r, sheet.text, i + 1) for i, r in enumerate(scan.admission)])
    if setting == "outpatient":
        lines, before = _before_the_clinic(lines)
        admission += before
    full, others = _full_list(text, scan)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Letter(
        id=digest,
        kind=source.kind,
        media_type=source.media_type,
        patient=header.patient,
        sender=header.sender,
        ward=header.ward,
        admitted_on=header.admitted_on,
        discharged_on=header.discharged_on,
        full_list=full,
        lines=tuple(lines),
        allergies=tuple(_allergies(scan, source.message)),
        unread=tuple(_unread(scan, text, lines, mentions, [u.span for u in missed], others)),
        text=text,
        written_on=header.written_on,
        received_on=received_on,
        on_admission=tuple(admission),
        others_continue=others,
        mentions=mentions,
        setting=setting,
        trust="ocr" if source.pictures else "text",
        notes=(*source.notes, *(source.message.notes if source.message else [])),
    )


def _before_the_clinic(
    lines: list[MedicineLine],
) -> tuple[list[MedicineLine], list[MedicineLine]]:
    """A clinic's list of what was taken, apart from what the clinic changed.

    A line of the list is of before where another line stops its medicine or gives another dose. Where
    it has the dose of the change, the list is of after, and the line is one like any other.
    """
    changed = [line for line in lines if line.stated is not None]
    before = [
        line
        for line in lines
        if line.stated is None and any(_replaces(other, line) for other in changed)
    ]
    return [line for line in lines if line not in before], before


def _replaces(change: MedicineLine, line: MedicineLine) -> bool:
    if not line.product.ingredients or change.product.ingredients != line.product.ingredients:
        return False
    if change.stated in ("stopped", "on_hold"):
        return True
    both = change.dose.status == "read" and line.dose.status == "read"
    return change.stated == "changed" and both and compare(line.dose, change.dose) != "equal"


def _header(source: _Source, sheet: Sheet, name: str) -> Header:
    header = read_header(sheet.text, name)
    message = source.message
    if message is None:
        return header
    numbers = set(message.nhs_numbers)
    if header.patient.nhs_number:
        numbers.add(header.patient.nhs_number)
    if len(numbers) > 1:
        raise DataError.at(
            name,
            "expected a document about one person",
            "coded and written NHS numbers that differ",
        )
    patient = LetterPatient(
        next(iter(numbers), None),
        message.birth_date if message.birth_date is not None else header.patient.birth_date,
        message.given_name or header.patient.given_name,
        message.family_name or header.patient.family_name,
    )
    return Header(
        patient,
        message.sender or header.sender,
        message.ward or header.ward,
        message.admitted_on if message.admitted_on is not None else header.admitted_on,
        message.discharged_on if message.discharged_on is not None else header.discharged_on,
        message.written_on if message.written_on is not None else header.written_on,
    )


def _lines(scan: Scan, text: str) -> list[MedicineLine]:
    """Every stretch read; a medicine named as another's replacement only where no line lists it."""
    built = [(raw, build(raw, text, 0)) for raw in scan.raws]
    listed = [b.product.ingredients for r, b in built if "instead" not in r.fields]
    return [b for r, b in built if "instead" not in r.fields or b.product.ingredients not in listed]


def _numbered(lines: Iterable[MedicineLine]) -> list[MedicineLine]:
    return [replace(line, number=number) for number, line in enumerate(lines, 1)]


def _placed(lines: list[MedicineLine], sheet: Sheet) -> list[MedicineLine]:
    """Each line with the box around its words on the page where it begins."""
    shown = [one for one in sheet.lines if one.box is not None]
    if not shown:
        return lines
    out = []
    for line in lines:
        over = [s for s in shown if s.start < line.end and line.start < s.end]
        boxes = [s.box for s in over if s.page == over[0].page and s.box is not None]
        if boxes:
            left, top, right, bottom = zip(*boxes, strict=True)
            box = (min(left), min(top), max(right), max(bottom))
            line = replace(line, page=over[0].page, box=box)
        out.append(line)
    return out


def _identified(lines: Iterable[MedicineLine]) -> list[MedicineLine]:
    """Gives each line an id from its words and section, which its place in the letter cannot change."""
    seen: Counter[str] = Counter()
    out = []
    for line in lines:
        words = " ".join(line.text.lower().replace("|", " ").split())
        key = f"{line.section}|{words}"
        seen[key] += 1
        digest = hashlib.sha256(f"{key}|{seen[key]}".encode()).hexdigest()[:10]
        out.append(replace(line, id=f"L{digest}"))
    return out


# -- coded entries beside the narrative -------------------------------------------


def _beside_codes(
    lines: list[MedicineLine], message: fhir.Message, builder: Builder
) -> tuple[list[MedicineLine], str]:
    """Lays each coded medicine beside its narrative line; one without a line gets a line."""
    free = list(range(len(lines)))
    unmatched: list[fhir.Coded] = []
    for coded in message.coded:
        best = _beside(coded, lines, free)
        if best is None:
            unmatched.append(coded)
            continue
        free.remove(best)
        lines[best] = _with_code(lines[best], coded)
    narrative = bool(lines)
    if message.coded:
        lines = [
            replace(
                line, conflicts=(*line.conflicts, "The table names it, the coded entries do not.")
            )
            if i in free
            else line
            for i, line in enumerate(lines)
        ]
    if unmatched:
        lines = lines + _coded_lines(unmatched, builder, narrative, len(lines))
    return lines, builder.sheet().text


def _beside(coded: fhir.Coded, lines: list[MedicineLine], free: list[int]) -> int | None:
    product = look_up(coded.drug, coded.code)
    words = set(re.findall(r"[a-z0-9]+", coded.drug.lower()))
    best: tuple[float, int] | None = None
    for i in free:
        line = lines[i]
        there = set(re.findall(r"[a-z0-9]+", line.drug_text.lower()))
        score = len(words & there) / max(1, len(words | there))
        if product.ingredients and product.ingredients == line.product.ingredients:
            score += 1
        elif product.level != "none" and line.product.level != "none":
            continue
        if score >= 0.5 and (best is None or score > best[0]):
            best = (score, i)
    return best[1] if best else None


def _with_code(line: MedicineLine, coded: fhir.Coded) -> MedicineLine:
    conflicts = list(line.conflicts)
    product = look_up(coded.drug, coded.code)
    one, other = product.product, line.product.product
    if one is not None and other is not None and one.vmp_id != other.vmp_id:
        conflicts.append(f"The coded entry names {coded.drug}, the table {line.drug_text}.")
    stated = line.stated
    if coded.stated is not None:
        if stated is not None and stated != coded.stated:
            conflicts.append(
                f"The coded entry says “{coded.stated_words}”, the table “{line.stated_words}”."
            )
        stated = stated or coded.stated  # type: ignore[assignment]
    dose = line.dose
    if coded.dosage and line.dose_text:
        dose = read_dose(line.dose_text, line.product, coded.dosage)
        if coded.dosage_text:
            there = read_dose(coded.dosage_text, line.product)
            same = coded.dosage_text.lower().split() == line.dose_text.lower().split()
            both = there.status == "read" and line.dose.status == "read"
            if not same and both and compare(there, line.dose) != "equal":
                conflicts.append(
                    f"The coded entry says “{coded.dosage_text}”, the table “{line.dose_text}”."
                )
        if dose.status != "conflict":
            dose = line.dose
    elif coded.dosage and not line.dose_text:
        dose = read_dose(coded.dosage_text, line.product, coded.dosage)
    return replace(
        line,
        coded=coded.as_dict,
        dose=dose,
        stated=stated,
        stated_words=line.stated_words or coded.stated_words,
        reason=line.reason or coded.reason,
        conflicts=tuple(conflicts),
        dose_text=line.dose_text or coded.dosage_text,
    )


def _coded_lines(
    entries: list[fhir.Coded], builder: Builder, narrative: bool, count: int
) -> list[MedicineLine]:
    """Lines for coded medicines that the narrative lacks, shown at the end of the text."""
    builder.add("")
    builder.add(_CODED_HEADING, "heading")
    begin = len(builder.lines)
    builder.row(["Medicine", "Dose", "Status", "Reason", "Comment"], 10_000)
    for entry in entries:
        builder.row(
            [
                entry.drug or "(no name)",
                entry.dosage_text,
                entry.stated_words,
                entry.reason,
                entry.comment,
            ],
            10_000,
        )
    sheet = builder.sheet()
    part = Sheet(sheet.text, tuple(builder.lines[begin - 1 :]))
    walker = Walker(part)
    raws = walker.run().raws
    out = []
    for number, (raw, entry) in enumerate(zip(raws, entries, strict=False)):
        line = build(raw, sheet.text, count + number + 1, entry.dosage or None)
        line = replace(line, coded=entry.as_dict, product=look_up(entry.drug, entry.code))
        if entry.stated is not None:
            line = replace(line, stated=entry.stated)  # type: ignore[arg-type]
        if narrative:
            more = "The coded entries name it, the table does not."
            line = replace(line, conflicts=(*line.conflicts, more))
        out.append(line)
    return out


# -- what is left -----------------------------------------------------------------


def _full_list(text: str, scan: Scan) -> tuple[bool | None, str]:
    """Whether the letter claims to list everything, and its words that the rest goes on."""
    flat = " ".join(text.split())
    low = flat.lower() if len(flat.lower()) == len(flat) else flat
    others = plain_pattern("full_list", "others_continue").search(low)
    no = plain_pattern("full_list", "no").search(low)
    yes = plain_pattern("full_list", "yes").search(low)
    words = flat[others.start() : others.end()].strip() if others else ""
    if no or others:
        return False, words
    return (True, "") if yes else (None, "")


def _allergies(scan: Scan, message: fhir.Message | None) -> list[Span]:
    spans = [
        s
        for s in scan.allergies
        if not pattern("remarks", "nothing").match(s.text.strip(" -•").lower())
    ]
    if message and not spans:
        spans = [Span(0, 0, text, "coded entry") for text in message.allergies]
    return spans


def _unread(
    scan: Scan,
    text: str,
    lines: list[MedicineLine],
    mentions: tuple[Mention, ...],
    missed: list[Span],
    others: str,
) -> list[Span]:
    spans = []
    for span in scan.unread:
        flat = " ".join(span.text.split())
        if others and (flat in others or pattern("full_list", "others_continue").search(flat)):
            continue
        if pattern("full_list", "yes").search(flat) or pattern("full_list", "no").search(flat):
            continue
        spans.append(span)
    listed = [set(line.product.ingredients) for line in lines]
    named = [m for m in mentions if not any(set(m.ingredients) <= i for i in listed)]
    spans += list(dict.fromkeys(m.span for m in named))
    spans += dosed(scan, text, listed, [*(m.span for m in named), *missed])
    spans += list(dict.fromkeys(missed))
    spans += [span for line in lines for span in swallowed(line, listed)]
    return sorted(spans, key=lambda s: (s.start, s.end))
