"""The database itself refuses to change or delete an event or a decision."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from counterfoil.service.casework.guards import install, remove


def forwards(apps: Any, schema_editor: Any) -> None:
    install(schema_editor.connection)


def backwards(apps: Any, schema_editor: Any) -> None:
    remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = (("casework", "0001_initial"),)
    operations = (migrations.RunPython(forwards, backwards),)
