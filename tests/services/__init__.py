"""Fixtures that start the real local services."""
