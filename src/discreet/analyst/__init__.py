"""The analyst: a finding is a proof that replays."""
