"""Pinned weights for the tests that need them: fetched once into the user's cache; CI may not go without."""

from __future__ import annotations

import os
import time

import pytest

from discreet.models import weights
from discreet.models.weights import Weights, WeightsAbsent, WeightsError

other_fetch_wait_s = 300


def fetched(pack_id: str) -> Weights:
    """The pack, fetched if it is absent. Without it the test is skipped with its reason, and fails in CI."""
    until = time.monotonic() + other_fetch_wait_s
    while True:
        try:
            return weights.find(pack_id)
        except WeightsAbsent:
            pass
        try:
            return weights.fetch(pack_id)
        except WeightsAbsent as error:
            reason = f"the weights `{pack_id}` could not be fetched: {error}"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
        except WeightsError as error:  # the other worker is at it
            if time.monotonic() > until:
                pytest.fail(str(error))
            time.sleep(1)
