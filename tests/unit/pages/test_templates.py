"""The templates as texts: nothing torn, and every page can be reached from another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from counterfoil.service import pages

FOLDER = Path(pages.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").rglob("*.jinja"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.name))
def test_marks_come_in_pairs(path: Path) -> None:
    text = path.read_text("utf-8")
    for opening, closing in (("{{", "}}"), ("{%", "%}"), ("{#", "#}")):
        outside = re.split(rf"{re.escape(opening)}.*?{re.escape(closing)}", text, flags=re.DOTALL)
        assert not [part for part in outside if opening in part or closing in part], opening


def test_every_address_is_named_somewhere() -> None:
    """An address that no template, presenter or view names is a page that nobody finds."""
    names = re.findall(r'name="([\w-]+)"', (FOLDER / "urls.py").read_text("utf-8"))
    texts = [path.read_text("utf-8") for path in TEMPLATES]
    texts += [path.read_text("utf-8") for path in FOLDER.rglob("*.py") if path.name != "urls.py"]
    said = "\n".join(texts)
    assert len(names) > 40
    assert [name for name in names if not re.search(rf"[\"']{name}[\"']", said)] == []
