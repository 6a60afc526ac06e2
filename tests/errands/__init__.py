"""Forty errands of varied wording, the small world they happen in, and what a right plan must do."""
