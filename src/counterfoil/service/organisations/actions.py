"""Organisations are made and renamed here, by commands."""

from __future__ import annotations

from counterfoil.service.organisations.models import Organisation


def organisation_named(code: str, name: str, kind: str, parent: str | None = None) -> Organisation:
    """The organisation of this code, made or renamed (commands)."""
    place, _ = Organisation.objects.update_or_create(
        code=code, defaults={"name": name, "kind": kind, "parent_id": parent}
    )
    return place
