"""A record tried dry and then imported: what the import page does.

A dry run reads the file, checks it as an import would and says what would change; it writes nothing
but the file itself, in a private folder of the home. There it waits for an hour to be imported.

Leads, administrators and technicians of a practice may import its record: it shows them counts and
places in files, no patient.
"""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records import importers
from counterfoil.records.importers import mapped
from counterfoil.records.load import Load
from counterfoil.records.merge import merge
from counterfoil.records.nhs import check_demo
from counterfoil.records.persons import DEMO_KEY
from counterfoil.records.schema import TABLES
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import clock, scope
from counterfoil.service.casework.errors import ConflictError, ScopeError
from counterfoil.service.config import home
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.records.models import Snapshot
from counterfoil.service.setup import uploads

IMPORTING = (Role.LEAD, Role.ADMIN, Role.TECHNICIAN)
KEPT = timedelta(hours=1)
SHOWN_REJECTS = 200


@dataclass(frozen=True)
class TableLine:
    """One table of a dry run: the file's own rows or resources, and rows before and after."""

    name: str
    read: int
    loaded: int
    rejected: int
    before: int
    after: int


@dataclass(frozen=True)
class DryRun:
    """What an import would do. ``problems`` says why it cannot be done; then there is no table."""

    ref: str
    practice: str
    practice_name: str
    file: str
    format: str = ""
    scope: str = ""
    tables: tuple[TableLine, ...] = ()
    losses: tuple[dict[str, Any], ...] = ()
    """Tables that would lose more than is believed without asking: table, before, after."""
    rejects: tuple[dict[str, str], ...] = ()
    rejected: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    patients: int = 0
    """Patients in the file."""
    patients_before: int = 0
    patients_after: int = 0
    data_as_at: str = ""
    published: str = ""
    """The key of the snapshot that was compared with; an import needs it to be the same."""
    at: str = ""

    @property
    def until(self) -> datetime:
        """Until when the file is kept."""
        return datetime.fromisoformat(self.at) + KEPT

    @property
    def data_day(self) -> date | None:
        """The newest day that the source vouches for."""
        return date.fromisoformat(self.data_as_at) if self.data_as_at else None


def practices(user: User) -> tuple[tuple[str, str], ...]:
    """Code and name of the practices whose record this user may import."""
    found = scope.practices(user, IMPORTING).order_by("name")
    return tuple(found.values_list("pk", "name"))


def dry_run(
    user: User, practice: str, name: str, chunks: Iterable[bytes], delta: bool = False
) -> str:
    """Keep the file, try it, keep what was found; the reference of the dry run.

    A single CSV file is not tried: it waits until its columns are mapped (:func:`is_waiting`).
    *delta*: it holds only what changed. ``ScopeError`` where the user may not import this
    practice's record.
    """
    place = _place(user, practice)
    sweep()
    ref = str(uuid.uuid4())
    folder = _folder() / ref
    folder.mkdir(mode=0o700)
    try:
        with (folder / "file").open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        if delta:
            (folder / "delta").touch()
        if _is_table(folder / "file"):
            about = {
                "user": user.pk,
                "practice": place.pk,
                "practice_name": place.name,
                "file": _shown_name(name),
            }
            (folder / "waiting.json").write_text(json.dumps(about), "utf-8")
        else:
            _keep_try(user, ref, folder, place, _shown_name(name))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    later = threading.Timer((KEPT + timedelta(seconds=5)).total_seconds(), sweep)
    later.daemon = True
    later.start()
    return ref


def _keep_try(user: User, ref: str, folder: Path, place: Organisation, name: str) -> None:
    found = _try(ref, folder, place, name)
    said = {**_plain(found), "user": user.pk}
    (folder / "dry-run.json").write_text(json.dumps(said), "utf-8")
    if found.problems and not (folder / "waiting.json").exists():
        (folder / "file").unlink()


def is_waiting(ref: str) -> bool:
    """Whether a file waits for its columns to be mapped."""
    return (_folder() / str(uuid.UUID(ref)) / "waiting.json").exists()


def waiting_file(user: User, ref: str) -> tuple[dict[str, Any], Path]:
    """What is known of the user's own file that waits, and the file."""
    sweep()
    folder = _folder() / str(uuid.UUID(ref))
    try:
        about: dict[str, Any] = json.loads((folder / "waiting.json").read_text("utf-8"))
    except OSError:
        raise ScopeError("There is no such file; files are kept for an hour.") from None
    if about["user"] != user.pk:
        raise ScopeError("There is no such file.")
    _place(user, about["practice"])
    return about, folder / "file"


def try_mapped(user: User, ref: str, given: mapped.ColumnMap) -> None:
    """Try a file that waits with this map; it can be tried with another one afterwards."""
    about, path = waiting_file(user, ref)
    (path.parent / "map.toml").write_text(given.to_toml(), "utf-8")
    _keep_try(user, ref, path.parent, _place(user, about["practice"]), about["file"])


def found(user: User, ref: str) -> DryRun:
    """The user's own dry run; ``ScopeError`` where there is none (any more)."""
    sweep()
    path = _folder() / str(uuid.UUID(ref)) / "dry-run.json"
    try:
        said = json.loads(path.read_text("utf-8"))
    except OSError:
        raise ScopeError("There is no such dry run; files are kept for an hour.") from None
    if said.pop("user") != user.pk:
        raise ScopeError("There is no such dry run.")
    _place(user, said["practice"])
    said["tables"] = tuple(TableLine(**line) for line in said["tables"])
    for key in ("losses", "rejects", "notes", "problems"):
        said[key] = tuple(said[key])
    return DryRun(**said)


def forget(user: User, ref: str) -> None:
    """Remove a dry run and its file."""
    found(user, ref)
    shutil.rmtree(_folder() / ref, ignore_errors=True)


def publish(user: User, ref: str, accept_loss: bool = False) -> Any:
    """Import what was tried: publish it for the practice, log who did, remove the file.

    ``ConflictError`` where the practice's record changed since the dry run, where it cannot be
    imported, or where it would take away more than is believed and that was not accepted; nothing
    is changed then.
    """
    from django.db import transaction

    from counterfoil.service.casework import events, from_rules, loop
    from counterfoil.service.pilot import figures
    from counterfoil.service.records import publishing

    tried = found(user, ref)
    if tried.problems:
        raise ConflictError("This file cannot be imported: the dry run says why.")
    if _published_key(tried.practice) != tried.published:
        raise ConflictError(
            "The practice's record was imported again since this dry run. Try the file once more."
        )
    folder = _folder() / ref
    try:
        with _loaded(folder, tried.practice) as load:
            done = publishing.publish(
                load, clock.today(), from_rules.findings_of, accept_loss=accept_loss
            )
    except DataError as error:
        raise ConflictError(str(error)) from None
    with transaction.atomic():
        refs = {"snapshot": done.snapshot, "format": load.format}
        role = next(iter(sorted(scope.roles_at(user, [tried.practice]) & set(IMPORTING))), "")
        events.append(tried.practice, [events.Entry("record_imported", refs)], user, role)
    shutil.rmtree(folder, ignore_errors=True)
    loop.after_publication(tried.practice)
    figures.work_out(tried.practice)
    return done


def sweep() -> None:
    """Remove files that have waited for more than an hour."""
    oldest = clock.now() - KEPT
    for folder in _folder().iterdir():
        try:
            at = datetime.fromtimestamp(folder.stat().st_mtime, oldest.tzinfo)
        except OSError:
            continue
        if at < oldest and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        elif at < oldest:
            folder.unlink(missing_ok=True)


def _folder() -> Path:
    folder = home.current().folder / "importing"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _place(user: User, practice: str) -> Organisation:
    place = scope.practices(user, IMPORTING).filter(pk=practice).first()
    if place is None:
        raise ScopeError("You cannot import records for this practice.")
    return place


def _shown_name(name: str) -> str:
    kept = "".join(c for c in Path(name.replace("\\", "/")).name if c.isprintable())
    return kept[:80] or "file"


def _try(ref: str, folder: Path, place: Organisation, name: str) -> DryRun:
    about = DryRun(ref, place.pk, place.name, name, at=clock.now().isoformat())
    said = {**_plain(about), "published": _published_key(place.pk)}
    try:
        with (
            _loaded(folder, place.pk) as load,
            reading.leased(place.pk) as row,
        ):
            merged = merge(reading.opened(row), load)
            said["published"] = row.pk if row else ""
    except UsageError as error:
        return DryRun(**{**said, "problems": (str(error),), "tables": ()})
    except DataError as error:
        problems = tuple(str(problem) for problem in error.problems)
        held = _rows_before(place.pk)["patient"]
        return DryRun(**{**said, "problems": problems, "tables": (), "patients_before": held})
    after = merged.after
    before = dict(merged.before) or dict.fromkeys(after, 0)
    lines = tuple(
        TableLine(n, c.read, c.loaded, c.rejected, before.get(n, 0), after[n])
        for n, c in load.counts.items()
        if c.read or before.get(n, 0) or after[n]
    )
    return DryRun(
        **{
            **said,
            "format": load.format,
            "scope": load.scope,
            "tables": lines,
            "rejects": tuple(
                {"table": r.table, "place": r.place, "reason": r.reason}
                for r in load.rejects[:SHOWN_REJECTS]
            ),
            "rejected": len(load.rejects),
            "losses": tuple(asdict(loss) for loss in merged.losses),
            "notes": tuple(dict.fromkeys(merged.load.notes)),
            "patients": load.rows["patient"],
            "patients_before": before["patient"],
            "patients_after": after["patient"],
            "data_as_at": load.data_as_at.isoformat() if load.data_as_at else "",
        }
    )


@contextmanager
def _loaded(folder: Path, practice: str) -> Iterator[Load]:
    """The load of the file. Tables too large for memory lie in the folder while the block runs."""
    path, left = folder / "file", []
    with path.open("rb") as file:
        start = file.read(4096)
    unpacked, given = folder / "tables", None
    if (folder / "map.toml").exists():
        given = mapped.read_map(folder / "map.toml")
    elif start.startswith(b"PK"):
        shutil.rmtree(unpacked, ignore_errors=True)
        left = uploads.unpack(path, unpacked)
        path = unpacked
    elif not start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        raise DataError.at(
            "the file",
            "a bundle (JSON), a zip of an extract's CSV files, or one CSV file is needed",
        )
    at = home.current()
    key = DEMO_KEY if at.demo else at.secret("person.key").encode()
    try:
        options = importers.Options(
            delta=(folder / "delta").exists(),
            map=given,
            patients=reading.patients_by_number(practice),
        )
        load = importers.read(importers.AUTO, path, practice, key=key, options=options)
        load.notes[:0] = left
        if at.demo:
            check_demo(load)
        yield load
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _is_table(path: Path) -> bool:
    """Whether the file is one table of text: neither an archive nor a bundle, and it has cells."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start.splitlines()[0] if start else b""
    looks = not start.startswith((b"PK", b"{", b"[", b"%PDF", b"<")) and b"\0" not in start
    return looks and any(mark in first for mark in (b",", b"\t", b";", b"|"))


def _published_key(practice: str) -> str:
    row = Snapshot.objects.filter(practice=practice, published=True).first()
    return row.pk if row else ""


def _rows_before(practice: str) -> dict[str, int]:
    """Rows in force of every table, before anything is imported."""
    with reading.leased(practice) as row:
        found = reading.opened(row)
        return dict.fromkeys(TABLES, 0) if found is None else found.held


def _plain(run: DryRun) -> dict[str, Any]:
    return asdict(run)
