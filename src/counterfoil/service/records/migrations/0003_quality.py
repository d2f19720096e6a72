"""What a snapshot's record lacks, kept once somebody asked."""

# ruff: noqa: RUF012
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0002_superseded"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="quality",
            field=models.JSONField(default=dict),
        ),
    ]
