"""Imports from the page are jobs, worked on beside the service."""

# ruff: noqa: RUF012
import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("organisations", "0002_switch"),
        ("records", "0003_quality"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportJob",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False),
                ),
                ("file", models.CharField(max_length=80)),
                ("table", models.BooleanField(default=False)),
                ("delta", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("columns", "Columns"),
                            ("queued", "Queued"),
                            ("reading", "Reading"),
                            ("asks", "Asks"),
                            ("confirmed", "Confirmed"),
                            ("publishing", "Publishing"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                        ],
                        db_index=True,
                        max_length=12,
                    ),
                ),
                ("step", models.CharField(blank=True, max_length=20)),
                ("holder", models.CharField(blank=True, max_length=80)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("accept_loss", models.BooleanField(default=False)),
                ("followed", models.BooleanField(default=True)),
                ("made_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("tried", models.JSONField(default=dict)),
                ("reasons", models.JSONField(default=list)),
                ("result", models.JSONField(default=dict)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="organisations.organisation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
