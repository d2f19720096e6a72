"""Whether the record shows what was decided about a letter line."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("casework", "0002_append_only"),)

    operations = (
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="verification",
                        serialize=False,
                        to="casework.decision",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("verified", "verified"),
                            ("outstanding", "outstanding"),
                            ("conflict", "conflict"),
                            ("cannot_tell", "cannot tell"),
                        ],
                        max_length=12,
                    ),
                ),
                ("text", models.CharField(max_length=400)),
                ("snapshot", models.CharField(max_length=80)),
                ("at", models.DateTimeField()),
            ],
        ),
    )
