"""The day on which the services' world stands in tests."""

from __future__ import annotations

import datetime as dt

TODAY = dt.date(2026, 11, 23)  # a Monday
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.timezone.utc)
