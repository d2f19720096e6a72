"""Driven by the tests beside it in a process of its own: real processes, really killed.

``python drive.py publish`` kills a publication at each of its points; ``decide N`` kills N workers at
random moments while they decide; ``claim`` lets processes race for the same cases; ``mix N`` publishes N times
while people work; ``inbox N`` kills N fetchers of a MESH mailbox. Each prints one
line of JSON with what was seen from outside.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.db import connections

import service_world as sw
from counterfoil.service import commands

UNTIL = date(2026, 12, 1)
PATIENTS = [sw.patient("X1", f"p{n}", f"P{n}") for n in range(40)]


def world() -> Any:
    commands.init_home(Path(os.environ["COUNTERFOIL_HOME"]))
    built = sw.build()
    sw.publish("X1", PATIENTS, first())
    return built


def child(work: Callable[[], None]) -> int:
    """Run *work* in a forked process with connections of its own; its process number."""
    connections.close_all()
    number = os.fork()
    if number == 0:
        try:
            work()
        finally:
            os._exit(0)
    return number


def picture() -> dict[str, Any]:
    """All that anybody can see of the published world."""
    from counterfoil.service.casework.models import Event, Finding
    from counterfoil.service.records.models import PersonIndex, Snapshot

    published = Snapshot.objects.get(published=True)
    from counterfoil.service.records import reading

    files = reading.store().open(published.snapshot_id).read()
    return {
        "snapshot": published.snapshot_id,
        "people": sorted(PersonIndex.objects.values_list("given_name", flat=True)),
        "in_files": sorted(files["patient"]["given_name"].to_pylist()),
        "findings": sorted(Finding.objects.values_list("person_id", "state", "title")),
        "kinds": sorted(Event.objects.values_list("chain", "seq")),
    }


def first() -> list[Any]:
    """The findings of the first state of the practice."""
    return [sw.overdue(f"P{n}", f"p{n}") for n in range(40)]


def second() -> tuple[list[dict[str, object]], list[Any]]:
    """Another state of the practice: other names, half the findings clear, others changed."""
    patients = [{**row, "given_name": "Renamed"} for row in PATIENTS]
    findings = [sw.overdue(f"P{n}", f"p{n}", title="Changed") for n in range(20)]
    return patients, findings


def is_old(now: dict[str, Any]) -> bool:
    """Whether records and findings are those of the first state, both."""
    shown = [(person, title) for person, state, title in now["findings"] if state == "open"]
    return now["people"] == now["in_files"] == ["Mary"] * 40 and shown == sorted(
        (one.person_id, one.title) for one in first()
    )


def is_new(now: dict[str, Any]) -> bool:
    """Whether records and findings are those of the second state, both."""
    shown = [(person, title) for person, state, title in now["findings"] if state == "open"]
    return now["people"] == now["in_files"] == ["Renamed"] * 40 and shown == sorted(
        (one.person_id, one.title) for one in second()[1]
    )


def publish_as(scope: str, state: str, fault: Callable[[str], None]) -> None:
    """Publish one of the two states, as a whole record or as a delta."""
    from counterfoil.service.records import publishing

    patients, findings = second() if state == "new" else (PATIENTS, first())
    load = replace(sw.load_of("X1", patients), scope=scope)
    publishing.publish(load, sw.AS_OF, lambda _s, _d: findings, fault=fault)


def restart() -> dict[str, Any]:
    """What a start of the service finds and puts right."""
    from counterfoil.service.casework import events
    from counterfoil.service.config import home
    from counterfoil.service.records import publishing, reading
    from counterfoil.service.records.models import Lease, Snapshot

    publishing.tidy()
    store = reading.store()
    published = store.open(Snapshot.objects.get(published=True).snapshot_id)
    return {
        "leases": Lease.objects.count(),
        "orphans": {f.name for f in (store.root / "X1").iterdir() if f.is_dir()}
        != {part.name for part in published.parts},
        "whole": events.verify(home.current().anchors).whole,
    }


def drive_publish() -> dict[str, Any]:
    """A whole load and a delta, and a compaction, killed at every point of the protocol."""
    from counterfoil.service.records import publishing

    world()
    seen: dict[str, Any] = {}
    for scope in ("practice", "delta", "compact"):
        points = COMPACT_POINTS if scope == "compact" else publishing.POINTS
        for point in points:
            if scope == "compact":
                publish_as("delta", "new", publishing.no_fault)
                publish_as("delta", "old", publishing.no_fault)
            before = picture()

            def killed(at: str, point: str = point) -> None:
                if at == point:
                    os.kill(os.getpid(), signal.SIGKILL)

            def work(killed: Callable[[str], None] = killed, scope: str = scope) -> None:
                if scope == "compact":
                    publishing.compact("X1", fault=killed)
                else:
                    publish_as(scope, "new", killed)

            _, status = os.waitpid(child(work), 0)
            after = picture()
            seen[f"{scope}: {point}"] = {
                "killed": os.WIFSIGNALED(status),
                "old": after == before and is_old(after),
                "new": is_new(after),
                "same_record": is_old(after) and after["snapshot"] != before["snapshot"],
                **restart(),
            }
            sw.publish("X1", PATIENTS, first())
    return seen


def drive_import() -> dict[str, Any]:
    """The worker of imports killed at every point of the protocol, and another one after it."""
    from django.conf import settings

    from counterfoil.service.casework import from_rules
    from counterfoil.service.records import publishing
    from counterfoil.service.records.models import ImportJob
    from counterfoil.service.setup import importing, working

    settings.COUNTERFOIL_STARTS_WORKER = False
    from_rules.findings_of = lambda *_: []  # the rules are not what is tested here
    users = world()
    seen: dict[str, Any] = {}
    for number, point in enumerate(publishing.POINTS):
        before = picture()
        ref = importing.receive(users.lena, "X1", "mine.zip", [_packed(f"Name{number}")])
        working.work()
        importing.confirm(users.lena, ref, accept_loss=True)

        def killed(at: str, point: str = point) -> None:
            if at == point:
                os.kill(os.getpid(), signal.SIGKILL)

        _, status = os.waitpid(child(lambda killed=killed: working.work(killed)), 0)
        after, job = picture(), ImportJob.objects.get(pk=ref)
        seen[point] = {
            "killed": os.WIFSIGNALED(status),
            "state": job.state,
            "old": after == before,
            "new": f"Name{number}" in after["people"] and after["in_files"] == [f"Name{number}"],
        }
        os.waitpid(child(working.work), 0)
        done, now = importing.found(users.lena, ref), picture()
        seen[point] |= {
            "finished": done.state == "done" and not importing.under_way(),
            "new_then": f"Name{number}" in now["people"] and now["in_files"] == [f"Name{number}"],
            "files_left": [f.name for f in (home_folder() / "importing").iterdir()],
            **restart(),
        }
    return seen


def _packed(name: str) -> bytes:
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as pack:
        rows = f"patient_id,nhs_number,given_name,birth_date,sex\np1,,{name},1950-01-01,female\n"
        pack.writestr("patient.csv", rows)
    return made.getvalue()


def home_folder() -> Path:
    from counterfoil.service.config import home

    return home.current().folder


COMPACT_POINTS = ("start", "written", "committed", "tidied")


def drive_kill(kills: int) -> dict[str, Any]:
    """Publications and compactions killed at random moments, while somebody reads and decides."""
    from counterfoil.service.casework import actions, work
    from counterfoil.service.casework.models import Decision, Finding
    from counterfoil.service.records import publishing, reading

    users = world()
    chance = random.Random(11)
    began = time.monotonic()
    for state in ("new", "old"):
        os.waitpid(child(lambda s=state: publish_as("delta", s, publishing.no_fault)), 0)
    scopes = ("practice", "delta", "compact")
    within = dict.fromkeys(scopes, (time.monotonic() - began) / 2)
    found: dict[str, Any] = {"kills": kills, "killed": 0, "old": 0, "new": 0}
    wrong, decided = [], []
    for turn in range(kills):
        open_now = Finding.objects.filter(state="open").order_by("pk").values_list("pk", flat=True)
        decided.append(
            actions.decide(users.tess, chance.choice(open_now), "add_note", f"{turn}").pk
        )
        state = "old" if is_new(picture()) else "new"
        scope = chance.choice(["practice", "delta", "delta", "compact"])

        def act(scope: str = scope, state: str = state) -> None:
            if scope == "compact":
                publishing.compact("X1")
            else:
                publish_as(scope, state, publishing.no_fault)

        with reading.leased("X1") as row:
            held = reading.opened(row)
            assert held is not None
            before = held.read()
            number = child(act)
            time.sleep(chance.uniform(0, within[scope]))
            os.kill(number, signal.SIGKILL)
            _, status = os.waitpid(number, 0)
            publishing.tidy()
            kept = all(table.equals(before[name]) for name, table in held.read().items())
        after, put_right = picture(), restart()
        # What ended before its kill is given less time from then on, what did not a little more.
        within[scope] *= 1.1 if os.WIFSIGNALED(status) else 0.8
        found["killed"] += os.WIFSIGNALED(status)
        found["old"] += is_old(after)
        found["new"] += is_new(after)
        if not (kept and is_old(after) != is_new(after)):
            wrong.append([turn, scope, kept])
        if put_right["leases"] or put_right["orphans"] or not put_right["whole"]:
            wrong.append([turn, scope, str(put_right)])
    kept_decisions = set(Decision.objects.values_list("pk", flat=True))
    derived = all(
        finding.work == work.derive(finding.decisions.all(), finding.handovers.all()).state
        for finding in Finding.objects.all()
    )
    lost = len(set(decided) - kept_decisions)
    return {**found, "wrong": wrong, "lost": lost, "derived": derived}


def drive_decide(kills: int) -> dict[str, Any]:
    from counterfoil.service.casework import actions, events, work
    from counterfoil.service.casework.models import Decision, Event, Finding
    from counterfoil.service.config import home

    users = world()
    refs = list(Finding.objects.order_by("pk").values_list("pk", flat=True))
    journal = Path(os.environ["COUNTERFOIL_HOME"]) / "acknowledged"
    chance = random.Random(7)

    def decide(seed: int) -> None:
        pick = random.Random(seed)
        with journal.open("a") as file:
            for n in range(10_000):
                made = actions.decide(users.tess, pick.choice(refs), "add_note", f"{seed}.{n}")
                file.write(f"{made.pk}\n")
                file.flush()

    for seed in range(kills):
        before = journal.stat().st_size if journal.exists() else 0
        number = child(lambda seed=seed: decide(seed))
        while not journal.exists() or journal.stat().st_size == before:
            time.sleep(0.002)  # a machine under load: let it get to work before it is killed
        time.sleep(chance.uniform(0, 0.15))
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
    acknowledged = [int(line) for line in journal.read_text().split()]
    kept = set(Decision.objects.values_list("pk", flat=True))
    logged = Event.objects.filter(kind="decided")
    derived = all(
        finding.work == work.derive(finding.decisions.all(), finding.handovers.all()).state
        for finding in Finding.objects.all()
    )
    return {
        "kills": kills,
        "acknowledged": len(acknowledged),
        "lost": len(set(acknowledged) - kept),
        "without_event": len(kept - {event.refs["decision"] for event in logged}),
        "events_without_decision": logged.count() - len(kept),
        "whole": events.verify(home.current().anchors).whole,
        "derived": derived,
    }


def drive_claim(workers: int) -> dict[str, Any]:
    from counterfoil.service.accounts.models import Membership, User
    from counterfoil.service.casework import actions
    from counterfoil.service.casework.errors import ConflictError
    from counterfoil.service.casework.models import Case, Decision, Finding

    world()
    racers = []
    for n in range(workers):
        user = User.objects.create_user(f"racer{n}", password=None)
        Membership.objects.create(user=user, organisation_id="U1", role="technician")
        racers.append(user)
    cases = [str(pk) for pk in Case.objects.order_by("pk").values_list("pk", flat=True)]
    folder = Path(os.environ["COUNTERFOIL_HOME"])
    given = {"found_on": "2026-11-10", "place": "letter"}

    def race(n: int, job: str) -> None:
        won, refused = [], 0
        for ref in cases:
            try:
                if job == "claim":
                    actions.claim(racers[n], ref)
                else:
                    finding = Finding.objects.get(case=ref)
                    actions.decide(racers[n], finding.pk, "found_elsewhere", evidence=given)
                won.append(ref)
            except ConflictError:
                refused += 1
        (folder / f"{job}{n}.json").write_text(json.dumps([won, refused]))

    found: dict[str, Any] = {"cases": len(cases), "workers": workers}
    for job in ("claim", "decide"):
        numbers = [child(lambda n=n, job=job: race(n, job)) for n in range(workers)]
        for number in numbers:
            os.waitpid(number, 0)
        results = [json.loads((folder / f"{job}{n}.json").read_text()) for n in range(workers)]
        found[f"{job}_won"] = sorted(ref for won, _ in results for ref in won) == sorted(cases)
        found[f"{job}_refused"] = sum(refused for _, refused in results)
    found["decisions"] = Decision.objects.filter(outcome="done").count()
    return found


def drive_mix(rounds: int) -> dict[str, Any]:
    """People decide and hand over while the practice is published again and again."""
    from counterfoil.service.casework import actions, events, work
    from counterfoil.service.casework.errors import ActionError
    from counterfoil.service.casework.models import Finding
    from counterfoil.service.config import home

    users = world()
    refs = list(Finding.objects.order_by("pk").values_list("pk", flat=True))
    folder = Path(os.environ["COUNTERFOIL_HOME"])

    def act(user: Any, seed: int) -> None:
        pick, done, failed = random.Random(seed), 0, []
        while not (folder / "stop").exists():
            ref = pick.choice(refs)
            try:
                if pick.random() < 0.3:
                    actions.hand_over(user, [ref], "prescriber", "?")
                else:
                    actions.decide(user, ref, "book_test", until=UNTIL)
                done += 1
            except ActionError:
                pass
            except Exception as error:
                failed.append(repr(error))
        (folder / f"acted{seed}.json").write_text(json.dumps([done, failed]))

    numbers = [child(lambda u=u, n=n: act(u, n)) for n, u in enumerate((users.tess, users.phil))]
    for n in range(rounds):
        patients, _ = second()
        changed = [{"clause": "overdue", "holds": n % 2 == 0, "text": "facts that change"}]
        rows = [sw.overdue(f"P{i}", f"p{i}", reasons=changed) for i in range(n % 2, 40)]
        sw.publish("X1", patients if n % 2 else PATIENTS, rows)
    (folder / "stop").touch()
    for number in numbers:
        os.waitpid(number, 0)
    acted = [json.loads((folder / f"acted{n}.json").read_text()) for n in range(2)]
    wrong = 0
    for finding in Finding.objects.all():
        now = work.derive(finding.decisions.all(), finding.handovers.all())
        kept = (finding.work, finding.waiting_until, finding.with_role, finding.must_hand_over)
        if kept != (now.state, now.waiting_until, now.with_role, now.must_hand_over):
            wrong += 1
    return {
        "rounds": rounds,
        "acted": sum(done for done, _ in acted),
        "failed": [text for _, texts in acted for text in texts],
        "wrong": wrong,
        "whole": events.verify(home.current().anchors).whole,
    }


def drive_inbox(kills: int) -> dict[str, Any]:
    """Fetchers of a real MESH mailbox are killed, half of them between two steps, half at random.

    A fetcher that is to die between two steps stops there, so that it does however fast it is.
    """
    import mesh_server
    from counterfoil.service import inbox
    from counterfoil.service.casework import events
    from counterfoil.service.casework.models import Event, LetterDocument
    from counterfoil.service.config import home

    world()
    folder = Path(os.environ["COUNTERFOIL_HOME"])
    chance = random.Random(11)
    journal = folder / "steps"

    def fetch(stop_after: str | None) -> None:
        def step(name: str) -> None:
            with journal.open("a") as file:
                file.write(f"{name}\n")
            if name == stop_after:
                time.sleep(60)

        [one] = inbox.load(folder)
        with inbox.source_of(one) as source:
            while True:
                inbox.fetch(one, source, step)

    with mesh_server.running(folder / "mesh") as server:
        server.inbox(folder, "X1")

        def send(number: int) -> None:
            text = f"Discharge letter {number}\nAspirin 75mg tablets OD"
            server.send(text.encode(), "a.txt")

        send(0)
        inbox.fetch_all(inbox.load(folder))  # what is slow the first time is behind us
        sent = 1
        journal.touch()
        for kill in range(kills):
            for _ in range(3):
                send(sent)
                sent += 1
            stop_after = STEPS[kill // 2 % len(STEPS)] if kill % 2 else None
            before = journal.stat().st_size
            number = child(partial(fetch, stop_after))
            while stop_after not in (steps := journal.read_text()[before:].split()):
                if steps and stop_after is None:
                    time.sleep(chance.uniform(0, 0.6))
                    break
                time.sleep(0.002)
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
        halfway = LetterDocument.objects.count()
        inbox.fetch_all(inbox.load(folder))
        waiting = len(server.waiting())
    steps = journal.read_text().split()
    documents = home.current().documents
    return {
        "kills": kills,
        "sent": sent,
        "halfway": halfway,
        "letters": LetterDocument.objects.count(),
        "logged": Event.objects.filter(kind="letter_received").count(),
        "kept": sum((documents / row.sha256).is_file() for row in LetterDocument.objects.all()),
        "waiting": waiting,
        "cut_short": {a: steps.count(a) - steps.count(b) for a, b in pairwise(STEPS)},
        "whole": events.verify(home.current().anchors).whole,
    }


STEPS = ("downloaded", "stored", "acknowledged")


def drive_share(rounds: int) -> dict[str, Any]:
    """Two practices that share most of their people publish at once, again and again."""
    from counterfoil.service.casework import events
    from counterfoil.service.casework.models import Case, Finding
    from counterfoil.service.config import home

    world()
    folder = Path(os.environ["COUNTERFOIL_HOME"])

    def turn_of(place: str, turn: int) -> None:
        pick = random.Random(f"{place}{turn}")
        people = pick.sample(range(400), 300)
        patients = [sw.patient(place, f"{place}p{n}", f"S{turn % 3}.{n}") for n in people]
        held = {"clause": "overdue", "holds": turn % 2 == 0, "text": "facts that change"}
        findings = [
            sw.overdue(f"S{turn % 3}.{n}", f"{place}p{n}", reasons=[held], subject=place)
            for n in pick.sample(people, 250)
        ]
        sw.publish(place, patients, findings)

    def act(place: str) -> None:
        failed = []
        for turn in range(rounds):
            try:
                turn_of(place, turn)
            except Exception as error:
                failed.append(repr(error)[:300])
        (folder / f"shared{place}.json").write_text(json.dumps(failed))

    for number in [child(lambda place=place: act(place)) for place in ("X1", "X2")]:
        os.waitpid(number, 0)
    failed = [json.loads((folder / f"shared{place}.json").read_text()) for place in ("X1", "X2")]
    return {
        "failed": [text for texts in failed for text in texts],
        "one_case_each": Case.objects.count()
        == Case.objects.values("person_id").distinct().count(),
        "open": Finding.objects.filter(state="open").count(),
        "whole": events.verify(home.current().anchors).whole,
    }


DRIVES = {
    "share": drive_share,
    "inbox": drive_inbox,
    "import": drive_import,
    "publish": drive_publish,
    "kill": drive_kill,
    "decide": drive_decide,
    "claim": drive_claim,
    "mix": drive_mix,
}

if __name__ == "__main__":
    commands.ready()
    name, *rest = sys.argv[1:]
    print(json.dumps(DRIVES[name](*map(int, rest))))
