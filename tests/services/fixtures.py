"""Pytest fixtures over the real local services; `from tests.services.fixtures import *` or list this module as a plugin.

Services start once per test run and worker: starting them takes seconds, so each test uses names and days of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from discreet.connectors.base import Connector
from discreet.connectors.errors import ConnectorError
from discreet.demo.services.start import Services, start
from tests.services.clock import NOW, TODAY

_counter = itertools.count()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """All services, honest."""
    with start(tmp_path_factory.mktemp("services"), today=TODAY) as running:
        yield running


@pytest.fixture(scope="session")
def hostile_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """All services, with the tricks under which an errand can still succeed."""
    with start(tmp_path_factory.mktemp("hostile"), hostile=True, today=TODAY) as running:
        yield running


@pytest.fixture
def call() -> Callable[..., Any]:
    """`call(connector, action, **args)` with a nonce of its own."""

    def made(connector: Connector, action: str, /, **args: Any) -> Any:
        return connector.call(action, args, f"nonce-of-a-test-{next(_counter)}", NOW)

    return made


@pytest.fixture
def fails() -> Callable[..., ConnectorError]:
    """`fails(error, connector, action, **args)`: the error that the call raises."""

    def made(kind: type[ConnectorError], connector: Connector, action: str, /, **args: Any) -> ConnectorError:
        with pytest.raises(kind) as caught:
            connector.call(action, args, f"nonce-of-a-test-{next(_counter)}", NOW)
        return caught.value

    return made
