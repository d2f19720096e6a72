"""Every relative link and picture in the documentation must lead somewhere. Run by ``make check``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def broken(page: Path) -> list[str]:
    """The links of one page that lead nowhere, with their line."""
    found = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        for target in LINK.findall(line):
            path = target.split("#")[0]
            if path and not re.match(r"[a-z]+:", path) and not (page.parent / path).exists():
                found.append(f"{page.relative_to(ROOT)}:{number}: {target} is not there")
    return found


def main() -> int:
    """Print every broken link; 1 where there is any."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    found = [fault for page in sorted(pages) for fault in broken(page)]
    for fault in found:
        print(fault)
    print(f"{len(found)} broken links in {len(pages)} pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
