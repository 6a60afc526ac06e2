"""The trusted base: labels, values, plans and the monitor; standard library only, imported by all, importing nothing of ours."""
