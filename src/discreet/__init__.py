"""Discreet: a personal agent that keeps secrets by construction."""
