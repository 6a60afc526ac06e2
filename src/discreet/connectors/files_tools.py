"""Files as tools: the contracts of `files.list`, `read`, `write`, `move`, `delete`. Each root is a place (G2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from discreet.kernel.contract import Contract, Effect, Parameter, Place, PlaceRule, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.kernel.value import Unknown, Value
from discreet.tools.kept import ORDINARY
from discreet.tools.registry import Tool

from .files import Files
from .local_time import local_tool

SOURCE = "files"  # whoever may have written a file: attachments and downloads are outside text
ENTRIES_MAX = 200

_path = text(max=2_000)
_entry = record_of("File", path=text(max=2_000, attested=True), name=text(max=255, attested=True), is_folder=scalar("bool", attested=True),
                   size=scalar("int", attested=True), modified=scalar("datetime", attested=True))
_written = record_of("Written", path=_path)


FOLDER = Place("files", label([("document", "user")], (SOURCE,)), keeps=ORDINARY)  # any folder, whichever the user has and whatever it holds


@dataclass(frozen=True, slots=True)
class Folders:
    """The roots of a files connector as places."""

    files: Files
    places: Mapping[str, Place]
    anywhere: Place

    def of(self, *paths: Value) -> Place:
        """The root that the paths lie in, if it is known before the call, or all that they could be lie in it."""
        roots = {root for path in paths for root in _roots(path.data)}
        return self.places.get(roots.pop(), self.anywhere) if len(roots) == 1 else self.anywhere


def _roots(path: object) -> set[str]:
    could = path.choices if isinstance(path, Unknown) and path.choices else (path,)
    return {one.strip("/").partition("/")[0] if isinstance(one, str) else "" for one in could}


def folders_of(files: Files, holds: Mapping[str, tuple[str, ...]] | None = None) -> Folders:
    """Each root as a place that holds what its files tell, and all of them together."""
    held = {root: (holds or {}).get(root, ("document",)) for root in files.config.roots}
    places = {root: Place(f"files/{root}", label([(t, "user") for t in types], (SOURCE,)), keeps=ORDINARY) for root, types in held.items()}
    common = frozenset.intersection(*map(frozenset, held.values())) if held else frozenset()
    anywhere = Place("files", label([(t, "user") for types in held.values() for t in types], (SOURCE,)), keeps=ORDINARY,
                     fits=label([(t, "user") for t in sorted(common)], (SOURCE,)), open=True)
    return Folders(files, places, anywhere)


def files_tools(files: Files, holds: Mapping[str, tuple[str, ...]] | None = None, zone: str = "UTC") -> tuple[Tool, ...]:
    """The tools of all roots. `holds` names the information types that a root's files tell of the user, else `document`."""
    folders = folders_of(files, holds)

    def within(name: str) -> PlaceRule:
        return lambda arguments: folders.of(arguments[name])

    def moved(arguments: Mapping[str, Value]) -> Place:
        """Where it goes; that it is gone shows where it was."""
        return replace(within("to")(arguments), shows=(within("path")(arguments),))

    size_max = files.config.file_bytes_max
    made = {
        "list": Contract("files.list", "files of a folder", (Parameter("folder", _path, Role.KEY),), list_of(_entry, ENTRIES_MAX),
                         place=within("folder"), purpose="lookup/own", recipients=()),
        "read": Contract("files.read", "the text of a file", (Parameter("path", _path, Role.KEY),), text(max=size_max), place=within("path"),
                         purpose="lookup/own", recipients=()),
        "write": Contract("files.write", "write a new text file", (Parameter("path", _path, Role.WHAT), Parameter("text", text(max=size_max))),
                          _written, Effect.WRITE, "storage", within("path"), (), undoable=True, calls_max=20),
        "move": Contract("files.move", "move or rename a file", (Parameter("path", _path, Role.WHAT), Parameter("to", _path, Role.WHAT)), _written,
                         Effect.WRITE, "storage", moved, (), undoable=True, calls_max=20, origin=within("path")),
        "delete": Contract("files.delete", "delete a file", (Parameter("path", _path, Role.WHAT),), record_of("Deleted", deleted=scalar("bool")),
                           Effect.DELETE, "storage", within("path"), (), calls_max=20),
    }
    return tuple(local_tool(replace(contract, known_as=FOLDER), files, action, zone) for action, contract in made.items())
