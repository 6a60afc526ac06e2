"""The models: local and hosted ones, all untrusted (G0.1), behind one small protocol."""
