"""Evidence that a sceptic can rerun: pairs, mutants, worlds for outsiders, and the report."""
