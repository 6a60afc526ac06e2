"""The vault: what the user told about themselves and what was learnt for them, encrypted and labelled (G7)."""
