"""The linter finds each way round the user's organisations."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def linter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_scope", ROOT / "tools/lint_scope.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "source",
    [
        "Case.objects.get(pk=1)",
        "from counterfoil.service.casework.models import Case",
        "from counterfoil.service.casework import models",
        "import counterfoil.service.casework.models",
        "from django.db import connection",
        "from django.apps import apps",
        "from django.shortcuts import get_object_or_404",
        "from counterfoil.service.casework import scope",
        "from counterfoil.records.store import Store",
        "user.memberships.all().raw('select 1')",
        "letter.save()",
    ],
)
def test_each_way_round_is_found(linter: ModuleType, source: str) -> None:
    assert list(linter.breaches(source))


@pytest.mark.parametrize(
    "source",
    [
        "from counterfoil.service.casework import actions, queries",
        "from counterfoil.service.accounts.models import User",
        "from django.shortcuts import redirect, render",
        "if TYPE_CHECKING:\n    from counterfoil.service.casework.models import Case",
    ],
)
def test_the_right_ways_are_left_alone(linter: ModuleType, source: str) -> None:
    assert list(linter.breaches(source)) == []
