"""Connectors: input and output only, plain values in and out; no policy and no labels live here."""
