"""When a snapshot was superseded: it may be kept a while, by setting."""

# ruff: noqa: RUF012
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="superseded_at",
            field=models.DateTimeField(null=True),
        ),
    ]
