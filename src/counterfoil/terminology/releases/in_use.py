"""The releases in use, taken together: products with what the supplement adds, former ids resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.terminology.releases.columns import PRODUCT
from counterfoil.terminology.releases.history import History, Trace

if TYPE_CHECKING:
    from counterfoil.terminology.releases.store import Release


@dataclass(frozen=True)
class Ingredient:
    """One ingredient of a product; ``source`` is ``VPI`` (of the VMP) or ``VTM_INGREDIENTS``."""

    id: str
    name: str | None
    source: str


class InUse:
    """The releases of each role at one moment. ``pinned`` names them: quote it in every output."""

    def __init__(self, releases: dict[str, Release]) -> None:
        self._releases = releases
        self.pinned = {role: release.name for role, release in sorted(releases.items())}

    def release(self, role: str) -> Release | None:
        """The release in use of a role."""
        return self._releases.get(role)

    @cached_property
    def products(self) -> pa.Table:
        """``product`` of the release in use, with BNF section and ATC code of the supplement.

        No rows where no release is in use. What the release itself states is never replaced.
        """
        release = self._releases.get("products")
        if release is None:
            return PRODUCT.empty_table()
        rows = release.table("product")
        extra = self._releases.get("supplement")
        if extra is None or not extra.has("source/bnf_vmp"):
            return rows
        bnf = extra.table("source/bnf_vmp", ["VPID", "BNF", "ATC"])
        place = pc.index_in(rows["id"].combine_chunks(), value_set=bnf["VPID"].combine_chunks())
        for column, source in (("bnf_section", "BNF"), ("atc", "ATC")):
            found = bnf[source].combine_chunks().take(place)
            found = pc.if_else(pc.equal(found, "n/a"), pa.scalar(None, pa.string()), found)
            at = rows.schema.get_field_index(column)
            rows = rows.set_column(at, column, pc.coalesce(rows[column], found))
        return rows

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {code: row for row, code in enumerate(self.products["id"].to_pylist())}

    def product(self, code: str) -> dict[str, Any] | None:
        """The row of ``product`` with this id, or None. Former ids are not followed."""
        row = self._row_of.get(code)
        return None if row is None else dict(self.products.slice(row, 1).to_pylist()[0])

    @cached_property
    def history(self) -> History:
        """The steps of every release in use, joined. A product that is valid now ends its chain."""
        steps: list[tuple[str, str]] = []
        valid: set[str] = set()
        for role in ("supplement", "products"):
            release = self._releases.get(role)
            if release is not None and release.has("current_id"):
                rows = release.table("current_id", ["previous_id", "next_id", "current_id"])
                again = rows.filter(pc.equal(rows["current_id"], rows["previous_id"]))
                valid.update(again["previous_id"].to_pylist())
                columns = (rows[c].to_pylist() for c in ("previous_id", "next_id"))
                steps += zip(*columns, strict=True)
        valid.update(self.products.filter(pc.invert(self.products["invalid"]))["id"].to_pylist())
        return History(steps, valid)

    def trace(self, code: str) -> Trace:
        """What became of an id: current, invalid, replaced (by which), ambiguous, unknown ..."""
        trace = self.history.trace(code)
        if trace.state in ("current", "unknown") and (self.product(code) or {}).get("invalid"):
            return replace(trace, state="invalid")
        return trace

    def resolve(self, code: str) -> str:
        """The id that stands for *code* now; *code* itself where nothing, or nothing sure, is known."""
        return self.history.resolve(code)

    def resolve_all(self, codes: Iterable[str]) -> list[str]:
        """:meth:`resolve` for many ids."""
        return [self.history.resolve(code) for code in codes]

    @cached_property
    def _by_product(self) -> dict[str, list[Ingredient]]:
        release = self._releases.get("products")
        found: dict[str, list[Ingredient]] = {}
        if release is not None and release.has("strength"):
            rows = release.table("strength", ["product_id", "ingredient_id", "ingredient"])
            for owner, code, name in zip(*(c.to_pylist() for c in rows.columns), strict=True):
                mine = found.setdefault(owner, [])
                if all(i.id != code for i in mine):
                    mine.append(Ingredient(code, name, "VPI"))
        return found

    @cached_property
    def _by_vtm(self) -> dict[str, list[Ingredient]]:
        found: dict[str, list[Ingredient]] = {}
        for role in ("products", "supplement"):
            release = self._releases.get(role)
            if found or release is None or not release.has("vtm_ingredient"):
                continue
            names = self._substances
            rows = release.table("vtm_ingredient", ["vtm_id", "ingredient_id", "ingredient"])
            for vtm, code, name in zip(*(c.to_pylist() for c in rows.columns), strict=True):
                each = Ingredient(code, name or names.get(code), "VTM_INGREDIENTS")
                found.setdefault(vtm, []).append(each)
        return found

    @cached_property
    def _substances(self) -> dict[str, str]:
        release = self._releases.get("products")
        if release is None or not release.has("source/ingredient"):
            return {}
        rows = release.table("source/ingredient", ["ISID", "NM"])
        return dict(zip(*(c.to_pylist() for c in rows.columns), strict=True))

    def ingredients(self, code: str) -> list[Ingredient]:
        """What a product is made of, combinations taken apart; empty where no release says.

        *code* may be a VTM, VMP, AMP or pack, current or former. A VMP's own ingredients (VPI) come
        first; where it has none, those of its VTM (VTM_INGREDIENTS).
        """
        row = self.product(self.resolve(code))
        if row is None:
            return list(self._by_vtm.get(self.resolve(code), []))
        mine = self._by_product.get(row["vmp_id"] or "", [])
        return list(mine or self._by_vtm.get(row["vtm_id"] or "", []))
