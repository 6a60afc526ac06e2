"""Harmless values for inputs: what honest users send, among them names of files that the project holds."""

import os

WORDS = {
    "word": "alice",
    "two words": "hello world",
    "number": "42",
    "fraction": "16.5",
    "small number": "2",
    "below zero": "-1",
    "nothing": "",
    "percent": "100% of it",
    "own address": "http://localhost/home?a=b",
    "apostrophe": "O'Brien",
    "dotted": "report-1.txt",
    "local path": "/",
    "expression": "2 + 3 * 4",
    "public address": "https://example.org/",
    "json": '{"a": 1}',
    "xml": "<note><to>alice</to></note>",
    "base64": "aGVsbG8=",
    "accents": "Zo\u00eb",
}
FILES_MAX = 4


def harmless_values(path, survey, root):
    """Values by a name for each, the project's own file names included."""
    values = dict(WORDS)
    held = []
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if not n.startswith((".", "__"))]
        held += [f for f in sorted(files) if not f.endswith((".py", ".pyc"))]
    for index, name in enumerate(sorted(set(held))[:FILES_MAX]):
        values["own file %d" % index] = name
    return values
