"""What was disclosed, denied, asked and done: written before the effect, never changed (G8)."""
