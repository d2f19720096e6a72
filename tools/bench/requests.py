"""Repeat requests."""

from __future__ import annotations

from bench.measure import AS_OF, NOW, best, show


def bench_requests() -> None:
    """500 requests on 5,000 patients (asked for: under 5 s)."""
    from counterfoil import repeats, rules, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.patient import PatientRecord
    from counterfoil.records.rows import Request, RequestItem
    from counterfoil.rules.sets import TerminologySets

    day = to_day(AS_OF)
    made = synthetic.generate(5000, 2, 1, day).for_practice("X00001")
    loaded, sets = rules.load(), TerminologySets()
    people = made["plan"].column("patient_id").unique().to_pylist()[:500]
    records = [PatientRecord.from_tables(made, p) for p in people]

    def run() -> None:
        for record in records:
            common = {"practice": "X00001", "source_system": "bench", "source_id": "r"}
            patient = record.patient.patient_id
            request = Request(
                **common,
                request_id="r",
                patient_id=patient,
                channel="app",
                requester="patient",
                received_at=NOW,
            )
            items = [
                RequestItem(
                    **common,
                    request_item_id=p.plan_id,
                    request_id="r",
                    patient_id=patient,
                    item_text=p.product_text,
                )
                for p in record.plans
                if p.plan_type == "repeat" and p.status == "active"
            ][:4]
            repeats.check_request(repeats.Context(record, day, loaded, sets=sets), request, items)

    seconds, mark = best(run, 2)
    show("500 repeat requests checked", seconds, mark)
