"""Pages reach rows only through the user's organisations.

In ``service/pages`` no module imports a model or calls a manager (``.objects``) or opens SQL, and
nothing is saved or deleted there: reading goes through ``casework.queries``, writing through
``casework.actions``. Exit status 1 with a line for each breach.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "src/counterfoil/service/pages"
FORBIDDEN_ATTRIBUTES = {
    "objects": "reaches rows past the user's organisations; ask casework.queries",
    "_default_manager": "reaches rows past the user's organisations; ask casework.queries",
    "_base_manager": "reaches rows past the user's organisations; ask casework.queries",
    "raw": "writes SQL; ask casework.queries",
    "cursor": "writes SQL; ask casework.queries",
    "save": "writes; call casework.actions",
    "bulk_create": "writes; call casework.actions",
    "get_model": "reaches a model; ask casework.queries",
}
FORBIDDEN_MODULES = {
    "django.db": "reaches the database; ask casework.queries",
    "django.apps": "reaches models; ask casework.queries",
    "django.shortcuts.get_object_or_404": "reaches rows past the user's organisations",
    "django.shortcuts.get_list_or_404": "reaches rows past the user's organisations",
    "counterfoil.service.casework.scope": "is for queries and actions",
    "counterfoil.service.casework.intake": "is for publishing",
    "counterfoil.service.casework.events": "is for actions",
    "counterfoil.records.store": "opens records without a lease; ask casework.queries",
}


def breaches(source: str, name: str = "<text>") -> Iterator[str]:
    """A line for each breach in the text of one module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            yield f"{name}:{node.lineno}: .{node.attr} {FORBIDDEN_ATTRIBUTES[node.attr]}"
        for module in _imported(node):
            for forbidden, why in FORBIDDEN_MODULES.items():
                if module == forbidden or module.startswith(forbidden + "."):
                    yield f"{name}:{node.lineno}: {module} {why}"
            model = module.endswith(".models") or ".models." in module
            if model and module not in ALLOWED_MODELS and not _only_types(source, node):
                yield f"{name}:{node.lineno}: {module}: a page handles shapes, not models"


ALLOWED_MODELS = {
    # The user of a request, for annotations, and the names of roles.
    "counterfoil.service.accounts.models.User",
    "counterfoil.service.accounts.models.Role",
}


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            yield f"{node.module}.{alias.name}"


def _only_types(source: str, node: ast.AST) -> bool:
    """Whether an import stands under ``if TYPE_CHECKING``."""
    for other in ast.walk(ast.parse(source)):
        if isinstance(other, ast.If) and "TYPE_CHECKING" in ast.unparse(other.test):
            inside = {getattr(child, "lineno", 0) for child in ast.walk(other)}
            if getattr(node, "lineno", -1) in inside:
                return True
    return False


def main() -> int:
    """Lint every module of the pages."""
    found = [
        line
        for path in sorted(PAGES.rglob("*.py"))
        for line in breaches(path.read_text("utf-8"), str(path.relative_to(PAGES.parents[3])))
    ]
    print("\n".join(found) or "scope: pages reach rows through the user's organisations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
