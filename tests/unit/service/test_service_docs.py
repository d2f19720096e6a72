"""The reference page names every setting and every kind of event there is."""

from __future__ import annotations

import re

from support import ROOT

SERVICE = ROOT / "src/counterfoil/service"
PAGE = (ROOT / "docs/reference/service.md").read_text("utf-8")


def sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in SERVICE.rglob("*.py"))


def test_every_setting_of_the_environment_is_described() -> None:
    read = set(re.findall(r'environ(?:\.get)?[\[(]\s*"(COUNTERFOIL_\w+)"', sources()))
    assert len(read) >= 5
    assert read == set(re.findall(r"`(COUNTERFOIL_\w+)`", PAGE))


def test_every_kind_of_event_is_described() -> None:
    written = set(re.findall(r'(?:events\.)?Entry\("(\w+)"', sources()))
    written |= set(re.findall(r'_log\(case, user, [^"]*?, "(\w+)"', sources()))
    written |= set(re.findall(r'_entry\("(\w+)"', sources()))
    written |= set(re.findall(r'_session_event\("(\w+)"', sources()))
    listed = PAGE.split("## Events")[1]
    assert len(written) >= 15
    assert written - set(re.findall(r"`(\w+)`", listed)) == set()
