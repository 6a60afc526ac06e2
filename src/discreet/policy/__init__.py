"""Norms: who may learn what about whom, for which purpose and through what, and which acts need no question (G5.3)."""
