"""Repeat requests as they come in: items by name, mostly, and what people write beside them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.synthetic import columns
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import stream, weighted
from counterfoil.synthetic.lists import options, product_codes, rows
from counterfoil.synthetic.plans import ERD, REPEAT, Plans
from counterfoil.synthetic.script import Script

REQUESTS_A_PATIENT = 0.012
CHANNELS = {"app": 0.58, "pharmacy": 0.16, "paper": 0.14, "email": 0.05, "telephone": 0.05}
CHANNELS |= {"care home": 0.0}  # what residents use
REQUESTERS = {"app": "patient", "pharmacy": "pharmacy", "care home": "care home"}
VAGUE_WORDS = ("blue tablets", "my water tablets", "the cream", "inhaler (the brown one)")
FROM_LIST = 0.9
"""The share of items that carry the plan they were ordered from."""
EARLY, LATE = 5, 14
"""Days before and after its due day within which an item is usually asked for."""
UNTIMELY = 0.06
"""How likely somebody asks with nothing due, or for an item not due, against with or for what is."""


def request_tables(
    script: Script, made: Plans, due: npt.NDArray[np.int64], seed: int
) -> tuple[pa.Table, pa.Table]:
    """The canonical ``request`` and ``request_item`` tables of the last few days.

    ``due`` is the day each plan's next order is due: most people ask for what is due.
    """
    who = script.who
    rng = stream(seed, "requests", who.place.code)
    live = (made.end == NO_DAY) & ((made.kind == REPEAT) | (made.kind == ERD))
    plans = np.flatnonzero(live & who.current[made.patient])
    soon = (due >= who.as_of - LATE) & (due <= who.as_of + EARLY)
    pool = np.unique(made.patient[plans])
    count = min(max(3, round(who.size * REQUESTS_A_PATIENT)), pool.size)
    timely = np.isin(pool, made.patient[plans[soon[plans]]])
    chance = np.where(timely, 1.0, UNTIMELY)
    asking = np.sort(rng.choice(pool, size=count, replace=False, p=chance / chance.sum()))
    notes = rows("request_notes")
    note = weighted(rng, np.array([float(r["weight"]) for r in notes]), count)
    ways = list(CHANNELS)
    channel = weighted(rng, np.array(list(CHANNELS.values())), count)
    channel = np.where(note > 0, np.where(channel == ways.index("pharmacy"), 0, channel), channel)
    home = ways.index("care home")
    channel = np.where(script.resident[asking], home, np.where(channel == home, 0, channel))
    people = sorted({*REQUESTERS.values(), "proxy"})
    asks = np.array([people.index(REQUESTERS.get(way, "patient")) for way in ways])[channel]
    asks = np.where((rng.random(count) < 0.08) & (channel == 0), people.index("proxy"), asks)
    day = who.as_of - rng.integers(0, 3, count)
    seconds = rng.integers(7 * 3600, 22 * 3600, count)
    number = np.arange(count)
    place = who.place
    request = columns.table(
        "request",
        place.code,
        count,
        {
            "request_id": columns.ids(f"Q{place.number}", number + 1, 8),
            "patient_id": who.ids(asking),
            "channel": columns.texts(ways, channel),
            "received_at": columns.times(day, seconds),
            "requester": columns.texts(people, asks),
            "note": columns.texts([r["note"] or None for r in notes], note),
        },
        day,
    )
    kinds = np.array([r["kind"] for r in notes])[note]
    return request, _items(script, made, plans, soon, asking, kinds, day, rng)


def _items(
    script: Script,
    made: Plans,
    plans: np.ndarray,
    soon: np.ndarray,
    asking: np.ndarray,
    kinds: np.ndarray,
    day: np.ndarray,
    rng: np.random.Generator,
) -> pa.Table:
    """One row an item: most of the items somebody has, by the names on the list."""
    request, plan, words = [], [], []
    names = [option.product for option in options()]
    for index, patient in enumerate(asking.tolist()):
        own = plans[made.patient[plans] == patient]
        usual = np.where(soon[own], 0.95, UNTIMELY if soon[own].any() else 0.75)
        wanted = own[rng.random(own.size) < (1.0 if kinds[index] == "all" else usual)]
        wanted = wanted if wanted.size else own[:1]
        for one in wanted.tolist():
            request.append(index)
            linked = rng.random() < FROM_LIST
            plan.append(one if linked else -1)
            words.append(names[int(made.option[one])])
        if kinds[index] == "vague":
            request.append(index)
            plan.append(-1)
            words.append(VAGUE_WORDS[int(rng.integers(len(VAGUE_WORDS)))])
    of = np.array(request, dtype=np.int64)
    from_plan = np.array(plan, dtype=np.int64)
    place = script.who.place
    linked_ids = made.ids(place.number, np.maximum(from_plan, 0))
    quantity = np.where(from_plan >= 0, made.quantity[np.maximum(from_plan, 0)], np.nan)
    return columns.table(
        "request_item",
        place.code,
        of.size,
        {
            "request_item_id": columns.ids(f"J{place.number}", np.arange(of.size) + 1, 8),
            "request_id": columns.ids(f"Q{place.number}", of + 1, 8),
            "patient_id": script.who.ids(asking[of]),
            "item_text": pa.array(words, pa.string()),
            "product_code": columns.texts(
                product_codes(), np.where(from_plan >= 0, made.code[np.maximum(from_plan, 0)], -1)
            ),
            "plan_id": columns.masked(linked_ids, from_plan >= 0),
            "quantity": columns.decimals(quantity),
        },
        day[of],
    )
