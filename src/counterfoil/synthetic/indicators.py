"""The PINCER indicators of a written network by practice, asked by product names and terms."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np

from counterfoil.synthetic.draws import stream

NSAID = "(product_text ILIKE 'naproxen%' OR product_text ILIKE 'ibuprofen%tablets' OR product_text ILIKE 'meloxicam%' OR product_text ILIKE 'celecoxib%')"
PROTECTED = "(product_text ILIKE '%prazole%')"
THINNED = "(product_text ILIKE '%xaban%' OR product_text ILIKE 'warfarin%')"
PLATELETS = "(product_text ILIKE 'aspirin%' OR product_text ILIKE 'clopidogrel%')"
KIDNEY = "(product_text ILIKE '%pril %' OR product_text ILIKE 'furosemide%' OR product_text ILIKE 'bumetanide%')"
FLAGS = {
    "nsaid": f"issue WHERE {NSAID}",
    "ppi": f"issue WHERE {PROTECTED}",
    "oac": f"issue WHERE {THINNED}",
    "platelet": f"issue WHERE {PLATELETS}",
    "aspirin": "issue WHERE product_text ILIKE 'aspirin%'",
    "other_platelet": "issue WHERE product_text ILIKE 'clopidogrel%'",
    "nsbb": "issue WHERE product_text ILIKE 'propranolol%'",
    "acei_loop": f"issue WHERE {KIDNEY}",
    "mtx": "issue WHERE product_text ILIKE 'methotrexate%'",
    "amio": "issue WHERE product_text ILIKE 'amiodarone%'",
    "lith": "issue WHERE product_text ILIKE 'priadel%' OR product_text ILIKE 'camcolit%'",
}
CODED = {
    "ulcer": "term ILIKE 'peptic ulcer%'",
    "asthma": "term = 'Asthma'",
    "hf": "term = 'Heart failure'",
}
TESTED = {
    "fbc": ("term IN ('Haemoglobin estimation', 'Full blood count')", 92),
    "lft": ("term IN ('Serum alanine aminotransferase level', 'Liver function tests')", 92),
    "tft": ("term ILIKE 'Serum thyroid stimulating%'", 183),
    "level": ("term = 'Serum lithium level'", 92),
    "renal": ("term = 'Serum creatinine level'", 457),
}
INDICATORS = {
    "a": ("age >= 65", "nsaid AND NOT ppi", "65+: NSAID, no PPI"),
    "b": ("ulcer", "nsaid AND NOT ppi", "ulcer: NSAID, no PPI"),
    "c": ("ulcer", "platelet AND NOT ppi", "ulcer: antiplatelet, no PPI"),
    "d": ("oac", "nsaid", "anticoagulant: NSAID"),
    "e": ("oac", "platelet AND NOT ppi", "anticoagulant: antiplatelet, no PPI"),
    "f": ("aspirin", "other_platelet AND NOT ppi", "aspirin: antiplatelet, no PPI"),
    "g": ("asthma", "nsbb", "asthma: beta-blocker"),
    "i": ("hf", "nsaid", "heart failure: NSAID"),
    "ac": ("age >= 75 AND acei_loop", "NOT renal", "75+ ACEI or loop: no U&E"),
    "me_no_fbc": ("mtx", "NOT fbc", "methotrexate: no FBC"),
    "me_no_lft": ("mtx", "NOT lft", "methotrexate: no LFT"),
    "am": ("amio", "NOT tft", "amiodarone: no TFT"),
    "li": ("lith", "NOT level", "lithium: no level"),
}
"""Each indicator: who is at risk, what is found, and a short name."""


def pincer(sql: duckdb.DuckDBPyConnection, day: str) -> list[dict[str, Any]]:
    """Each indicator's share at risk by practice: median and deciles, in percent."""
    sql.execute(
        f"""CREATE OR REPLACE TEMP TABLE recent AS SELECT patient_id, product_text FROM issue
        WHERE cancelled_on IS NULL AND deleted_on IS NULL AND issued_on BETWEEN {day} - 92 AND {day}"""
    )
    parts = [
        f"patient_id IN (SELECT patient_id FROM {where.replace('issue WHERE', 'recent WHERE', 1)}) AS {name}"
        for name, where in FLAGS.items()
    ]
    parts += [
        f"patient_id IN (SELECT patient_id FROM coded_entry WHERE {where}) AS {name}"
        for name, where in CODED.items()
    ]
    parts += [
        f"patient_id IN (SELECT patient_id FROM coded_entry WHERE ({where}) AND deleted_on IS NULL "
        f"AND happened_on >= {day} - {back}) AS {name}"
        for name, (where, back) in TESTED.items()
    ]
    sql.execute(
        f"CREATE OR REPLACE TEMP TABLE flagged AS SELECT practice, patient_id, age, {', '.join(parts)} FROM listed"
    )
    out = []
    for name, (risk, found, label) in INDICATORS.items():
        shares = [
            float(r[0])
            for r in sql.execute(
                f"""SELECT 100.0 * count(*) FILTER ({found}) / count(*) FROM flagged WHERE {risk}
                GROUP BY practice ORDER BY 1, practice"""
            ).fetchall()
        ]
        whole = sql.execute(
            f"SELECT count(*) FILTER ({found}), count(*) FROM flagged WHERE {risk}"
        ).fetchone()
        if not shares or whole is None:
            continue
        out.append(
            {
                "indicator": name,
                "label": label,
                "found": int(whole[0]),
                "at_risk": int(whole[1]),
                "median": _quantile(shares, 0.5),
                "error": _error(shares),
                "deciles": [round(_quantile(shares, n / 10), 3) for n in range(1, 10)],
            }
        )
    return out


def _error(shares: list[float]) -> float:
    """The standard error of the median, by drawing the practices again a thousand times."""
    drawn = stream(0, "medians").choice(np.array(shares), (1000, len(shares)))
    return round(float(np.std(np.median(drawn, axis=1))), 4)


def _quantile(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
