"""One small network shared by this room's tests."""

from __future__ import annotations

import duckdb
import pytest

from counterfoil.foundation.days import parse_day
from counterfoil.synthetic import Population, generate

AS_OF = parse_day("2026-11-22")


@pytest.fixture(scope="session")
def network() -> Population:
    """5,000 patients in two practices: the demonstration's size."""
    return generate(5000, 2, 1, AS_OF)


@pytest.fixture(scope="session")
def rows(network: Population) -> duckdb.DuckDBPyConnection:
    """The network's tables by name, in SQL, with ``truth``."""
    connection = duckdb.connect()
    for name, table in network.tables.items():
        connection.register(name, table)
    connection.register("truth", network.truth)
    return connection
