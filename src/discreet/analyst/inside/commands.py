"""Attacks command-line programs: argparse, click, typer, optparse, plain `sys.argv`.

The program's own parser is asked what it takes; then the program is run, in this process, with payloads as arguments, as the content
of files that it is given, and on standard input. Whoever starts a program may name any file and any command, so that is no hole:
1. an argument that names a file is attacked by the file's content alone; that any path may be given is the program's purpose;
2. an argument whose name or help says that it is a command, code, a query or the like is left alone for that kind (`MEANT`);
3. a program that runs the *whole* of an argument as a command or a query, or of a file as code, is only suspected.
"""

import argparse
import os
import re
import sys
import time

import attack
import calling
import oracles
import static
from payloads import PAYLOADS, WEAKNESS

PROGRAMS_MAX = 60
LEAVES_MAX = 40
INPUTS_MAX = 16
CALL_S, HUNG_MAX = 8.0, 2  # of one run, by the clock; how many runs may take longer before the program is given up
WITH_FLAG_MAX = 4  # payloads that are tried again with each flag switched on
PROGRAM_S = 25.0  # of processor time, as the limits of functions are
LIBRARIES = {"argparse", "click", "typer", "optparse", "getopt", "fire", "docopt", "sys"}
MEANT = {
    "command": r"command|\bcmd|(?<![a-z])exec|shell|script|program|\bruns?\b|hook|editor|pager|launch|binary|interpreter",
    "code": r"(?<![a-z])eval(?!uate)|(?<![a-z])exec|python|\bcode|script|plugin|module|macro|snippet|statement|lambda|\brepl",
    "sql": r"sql|query|statement|where|\bdsn",
    "deserialise": r"pickle|\.pkl|dill|joblib|trusted|checkpoint|marshal",
    "archive": r"trusted", "xml": r"trusted",
}  # fmt: skip
OUTPUT = re.compile(r"out|dest|target|\bdir|folder|directory", re.I)
TEXT_KINDS, FILE_KINDS = ("command", "code", "sql", "deserialise", "xml"), ("xml", "deserialise", "archive", "code", "sql", "command")
EFFECTS = {
    "deserialise": "an object of the data's choosing was made while decoding", "code": "code from %s was run", "xml": "an external entity was read from disk", "archive": "a member was written outside of the directory",
    "command": "a command from %s was run", "sql": "the database compiled a function call that came from %s",
}  # fmt: skip
WHOLE = {"command": "mkdir @@FLAG@@", "sql": "SELECT @@FN@@(1)", "code": "__import__('os').mkdir('@@FLAG@@')"}


class Captured(BaseException):
    """The program's parser, taken at the moment in which it would parse."""

    def __init__(self, parser):
        BaseException.__init__(self)
        self.parser = parser


class Input(object):
    """One thing that a program takes."""

    def __init__(self, name, words, help_text="", flag="", kind="text", choices=(), required=True, many=False):
        self.name, self.flag, self.kind, self.choices, self.required, self.many = name, flag, kind, list(choices), required, many
        self.said = " ".join([name.replace("_", " "), flag, help_text or ""] + list(words)).lower()

    def default(self):
        if self.choices:
            return str(self.choices[0])
        if self.kind == "number":
            return "1"
        if self.kind == "directory":
            return "@@DIR@@"
        return "@@FILE@@" if self.kind == "file" else "dqv"

    def words(self, value):
        return [self.flag, value] if self.flag else [value]


class Program(object):
    """One file or console script that a shell can start."""

    def __init__(self, file, module, attribute, function):
        self.file, self.module, self.attribute, self.function = file, module, attribute, function
        self.id = "program %s" % file + (":" + attribute if attribute else "")
        self.loader = {"module": module, "file": file}
        if attribute:
            self.loader["attribute"] = attribute


def programs(survey, root, web_files):
    """What of the project can be started from a shell."""
    found, seen = [], set()
    for module, attribute in scripts(root):
        for file in (module.replace(".", os.sep) + ".py", os.path.join("src", module.replace(".", os.sep) + ".py"), os.path.join(module.replace(".", os.sep), "__init__.py"), os.path.join("src", module.replace(".", os.sep), "__init__.py")):
            if os.path.exists(os.path.join(root, file)) and file not in web_files:
                found.append(Program(file, module, attribute, named(survey, file, attribute)))
                seen.add(file)
                break
    for facts in survey["files"]:
        file = facts["file"]
        parts = file.replace("\\", "/").split("/")
        imports = {name.split(".")[0] for name in facts["imports"]}
        if file in web_files or file in seen or parts[-1] in ("setup.py", "conftest.py", "manage.py") or parts[-1].startswith("test_") or any(p in ("tests", "test", "docs", "migrations") for p in parts[:-1]):
            continue
        top = next((f for f in survey["by_file"].get(file, ()) if f["qualname"] == "<module>"), None)
        starts = facts["main"] or parts[-1] == "__main__.py" or (top is not None and {c.rsplit(".", 1)[-1] for c in top["calls"]} & {"parse_args", "input"}) or (top is not None and "argv" in top["attributes"])
        if starts and (imports & LIBRARIES or (top is not None and "input" in " ".join(top["calls"]))):
            found.append(Program(file, module_of(file), "", top))
    return found[:PROGRAMS_MAX]


def scripts(root):
    """(module, attribute) of the console scripts that the project declares."""
    found = []
    for name in ("pyproject.toml", "setup.cfg", "setup.py"):
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as stream:
                text = stream.read(200000)
        except OSError:
            continue
        if name == "pyproject.toml":
            text = "\n".join(re.findall(r"(?ms)^\[(?:project|tool\.poetry)\.scripts\]\s*$(.*?)(?=^\[|\Z)", text))
        elif "console_scripts" not in text:
            continue
        found += re.findall(r"=\s*['\"]?([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)", text)
    return list(dict.fromkeys(found))


def named(survey, file, attribute):
    return next((f for f in survey["by_file"].get(file, ()) if f["qualname"] == attribute), None) or next((f for f in survey["by_file"].get(file, ()) if f["qualname"] == "<module>"), None)


def module_of(file):
    parts = file[:-3].split(os.sep)
    return ".".join(parts[1:] if parts[0] == "src" else parts)


# -- what a program takes ---------------------------------------------------------------------------------------


def leaves(program):
    """[(words of the subcommand, inputs, flags)] as the program's own parser tells; plain `sys.argv` where there is none."""
    parser = capture(program)
    if parser is None:
        return []
    if isinstance(parser, argparse.ArgumentParser):
        return list(_argparse(parser, []))[:LEAVES_MAX]
    if type(parser).__module__.split(".")[0] == "optparse":
        inputs = [Input(o.dest or o.get_opt_string(), [], o.help, o.get_opt_string(), "number" if o.type in ("int", "float") else "text", o.choices or (), False) for o in parser.option_list if o.takes_value()]
        return [([], kinded([Input("argument", [])] + inputs), [])]
    return list(_click(parser, []))[:LEAVES_MAX]


def capture(program):
    """The parser at the moment in which the program would use it."""
    def take(parser, *args, **kwargs):
        raise Captured(parser)

    undo = [(argparse.ArgumentParser, "parse_known_args", argparse.ArgumentParser.parse_known_args)]
    for module, names in (("optparse", ["OptionParser.parse_args"]), ("click.core", ["BaseCommand.main", "Command.main"])):
        owner = sys.modules.get(module) or _imported(module)
        for name in names if owner is not None else ():
            cls = getattr(owner, name.split(".")[0], None)
            if cls is not None and "main" in name and "main" not in vars(cls):
                continue
            if cls is not None:
                undo.append((cls, name.split(".")[1], getattr(cls, name.split(".")[1])))
    typer = _imported("typer.main")
    if typer is not None:
        undo.append((typer.Typer, "__call__", typer.Typer.__call__))
    for owner, name, _real in undo:
        setattr(owner, name, take if name != "__call__" else lambda self, *a, **k: take(typer.get_command(self)))
    try:
        calling.limited(CALL_S, lambda: calling.run_program(program.loader, {"argv": []}, ""))
    except Captured as captured:
        return captured.parser
    except BaseException:
        return None
    finally:
        for owner, name, real in undo:
            setattr(owner, name, real)
    return None


def _imported(name):
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _argparse(parser, words):
    inputs, flags, below = [], [], None
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = action
            continue
        flag = next((o for o in action.option_strings if o.startswith("--")), (action.option_strings or [""])[0])
        if isinstance(action, (argparse._HelpAction, argparse._VersionAction)):
            continue
        if action.nargs == 0:
            flags.append(flag)
            continue
        kind = "number" if action.type in (int, float) else "file" if isinstance(action.type, argparse.FileType) else "text"
        help_text = action.help if isinstance(action.help, str) else ""
        inputs.append(Input(action.dest, [str(action.metavar or "")], help_text, flag, kind, action.choices or (), action.required, action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction)))
    if below is None:
        yield words, kinded(inputs), flags
        return
    for name, child in below.choices.items():
        for more, found, also in _argparse(child, words + [name]):
            required = [i for i in inputs if i.required]
            yield more, found + kinded(required), also


def _click(command, words):
    children = getattr(command, "commands", None)
    if children:
        for name, child in children.items():
            for leaf in _click(child, words + [name]):
                yield leaf
        return
    inputs, flags = [], []
    for parameter in command.params:
        flag = ""
        if getattr(parameter, "param_type_name", "") == "option":
            flag = next((o for o in parameter.opts if o.startswith("--")), parameter.opts[0])
            if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
                flags.append(flag)
                continue
        name = type(parameter.type).__name__.lower()
        kind = "number" if "int" in name or "float" in name else "directory" if getattr(parameter.type, "file_okay", True) is False else "file" if name in ("path", "file", "typerpath") else "text"
        required = parameter.required or bool(getattr(parameter, "prompt", None))
        inputs.append(Input(parameter.name or flag, [str(parameter.metavar or "")], getattr(parameter, "help", "") or "", flag, kind, getattr(parameter.type, "choices", ()), required, bool(getattr(parameter, "multiple", False) or getattr(parameter, "nargs", 1) == -1)))
    yield words, kinded(inputs), flags


def kinded(inputs):
    """Any text may turn out to name a file; what is to be written is a place."""
    for item in inputs:
        if item.kind in ("text", "file") and not item.choices:
            if OUTPUT.search(item.name) and not re.search(r"^input|^source|^src", item.name):
                item.kind = "directory"
            elif item.kind == "text":
                item.kind = "either"
    return inputs


# -- the attack -------------------------------------------------------------------------------------------------


class Run(object):
    """The attack on one program."""

    def __init__(self, program, root, watch, nonce, survey, deadline):
        self.program, self.root, self.watch, self.nonce, self.survey, self.deadline = program, root, watch, nonce, survey, deadline
        self.count, self.hung, self.claims, self.suspected = 0, 0, [], []
        self.kinds, self.calls = set(), set()
        scope = attack.closure(survey, program.function)
        scope += [f for f in survey["by_file"].get(program.file, ()) if f not in scope]
        self.scope = scope
        for function in scope:
            imports = survey["imports"].get(function["file"], set())
            self.kinds |= {k for k in function["kinds"] if k not in attack.LIBRARIES or imports & attack.LIBRARIES[k]} | set(function.get("supposed", ()))
            self.calls |= set(function["calls"]) | set(function["attributes"])
        self.compared = list(dict.fromkeys(c for f in scope[:12] for c in f["compared"] if len(c) < 30 and not c.startswith("__")))[:8]

    def run(self):
        for words, inputs, flags in leaves(self.program) or self.plain():
            for item in inputs[:INPUTS_MAX]:
                self.attack_input(words, inputs, flags, item)
        if any(c == "input" or "stdin" in c or c.startswith("fileinput") for c in self.calls):
            below = [words + [w for i in inputs if i.required for w in i.words(i.default())] for words, inputs, _flags in leaves(self.program) if words]
            for kind in TEXT_KINDS:
                if kind in self.kinds:
                    self.attack_kind(kind, [{"argv": argv, "stdin": text} for argv in [[]] + below for text in ("@@PAYLOAD@@\n", "dqv\n@@PAYLOAD@@\n")], "standard input", "stdin", "")

    def plain(self):
        """Programs that take their arguments apart by themselves: one to three words, first a word that they compare with."""
        if "argv" not in self.calls and "sys.argv" not in self.calls:
            return []
        found = []
        for words in [[]] + [[w] for w in self.compared]:
            taken = [Input(name, words, kind="either") for name in ("argument", "another", "third")]
            found += [(words, taken[:count], []) for count in (1, 2, 3)]
        return found

    def attack_input(self, words, inputs, flags, item):
        if item.kind in ("number", "directory") or item.choices:
            return
        text = item.kind in ("text", "either")
        steps = []
        for extra in [[]] + [[f] for f in flags[:4]]:
            argv = list(words) + extra
            for other in inputs:
                if other is item:
                    argv += item.words("@@THIS@@")
                elif other.required:
                    argv += other.words(other.default() if other.kind != "either" else "dqv")
            steps.append(argv)
        for kind in FILE_KINDS:
            if kind not in self.kinds or time.process_time() > self.deadline or self.hung >= HUNG_MAX or re.search(MEANT.get(kind, "(?!)"), item.said):
                continue
            if text and kind in TEXT_KINDS:
                self.attack_kind(kind, [{"argv": [w.replace("@@THIS@@", "@@PAYLOAD@@") for w in argv]} for argv in steps], "the argument `%s`" % item.name, "argument", item.name)
            if item.kind in ("file", "either") and not any(c["kind"] == kind and c["name"] == item.name for c in self.claims):
                self.attack_kind(kind, [{"argv": [w.replace("@@THIS@@", "@@FILE@@") for w in argv], "type": "txt"} for argv in steps], "the content of the file `%s`" % item.name, "file", item.name)

    def attack_kind(self, kind, steps, source, channel, name):
        if any(c["kind"] == kind and c["name"] == (name or source) for c in self.claims):
            return
        for number, step in enumerate(steps):
            for template in PAYLOADS[kind][: None if number == 0 or channel == "stdin" else WITH_FLAG_MAX]:
                if time.process_time() > self.deadline or self.hung >= HUNG_MAX:
                    return
                if kind == "archive":
                    step = dict(step, type=template[5:8])
                if kind == "command" and channel == "argument" and template.startswith("-"):
                    continue
                seen, at = self.send(kind, step, template)
                if seen and self.stands(kind, step, template, source, channel, name, at):
                    return

    def stands(self, kind, step, template, source, channel, name, at):
        """A harmless value must not show the effect, the payload must show it again, and the program must be no runner."""
        if self.send(kind, step, "plain")[0]:
            return False
        again, place = self.send(kind, step, template)
        if not again:
            return False
        place = place or at or calling.blamed(self.root, self.scope, static.KINDS_OF_CALL, kind) or [self.program.file, self.program.function["line"] if self.program.function else 1, self.program.attribute or "<module>"]
        if kind in WHOLE and (kind != "code" or channel == "file") and self.send(kind, step, WHOLE[kind])[0]:
            said = {"cwe": WEAKNESS[kind], "file": place[0], "line": place[1], "function": place[2], "why": "%s runs the whole of %s, which may be what it is for" % (self.program.id, source)}
            self.suspected += [said] if said not in self.suspected else []
            return True
        effect = EFFECTS.get(kind, "")
        self.claims.append({
            "kind": kind, "cwe": WEAKNESS[kind], "name": name or source, "channel": channel, "template": template, "steps": [step], "effect": effect % source if "%s" in effect else effect,
            "oracle": {"xml": "canary", "sql": "sql"}.get(kind, "flag"), "file": place[0], "line": place[1], "function": place[2], "endpoint": self.program.id, "speaks": "cli", "framework": "cli", "loader": self.program.loader,
        })  # fmt: skip
        return True

    def send(self, kind, step, template):
        """(whether the effect showed, where the project's code was)."""
        self.count += 1
        flag = os.path.join(self.watch.place, "p%d" % self.count)
        tokens = {
            "UP": oracles.CLIMB, "CANARY": os.path.join(self.watch.place, "canary.txt"), "STEM": os.path.join(self.watch.place, "canary"), "FLAG": flag, "PLACE": self.watch.place, "FN": "dq" + self.nonce,
            "MARK": "dq%sp%d" % (self.nonce, self.count), "PORT": "28417", "A": "7%03d" % (self.count * 7 % 1000), "B": "9001",
        }  # fmt: skip
        self.watch.begin(tokens["MARK"])
        started = time.monotonic()
        try:
            calling.limited(CALL_S, lambda: calling.run_program(self.program.loader, step, oracles.fill(template, tokens)))
        except KeyboardInterrupt:
            pass
        except BaseException:
            pass
        self.hung += time.monotonic() - started >= CALL_S  # also where the project's code took no notice of being ended
        effects = self.watch.end()
        at = next((e["at"] for e in effects if e["at"] and isinstance(e["value"], str) and (flag in e["value"] or "canary" in e["value"])), None) or next((e["at"] for e in effects if e["at"] and e["what"] in ("process", "query-altered", "compiled")), None)
        if os.path.lexists(flag):
            os.rmdir(flag) if os.path.isdir(flag) else os.remove(flag)
            return True, at
        if kind == "xml":
            return any(e["what"] == "canary-opened" for e in effects), at
        return kind == "sql" and any(e["what"] == "query-altered" for e in effects), at


def attack_program(program, root, watch, nonce, survey):
    """(claims, suspicions) about one program."""
    run = Run(program, root, watch, nonce, survey, time.process_time() + PROGRAM_S)
    run.run()
    return run.claims, run.suspected


def harmless(program, survey):
    """What the program prints for harmless arguments, as a text for each: how it behaved before a patch and after."""
    from traffic import WORDS

    for words, inputs, _flags in leaves(program):
        for name, value in sorted(WORDS.items()):
            for given in (value, "@@FILE@@"):  # the value itself, and a file that holds it
                argv = list(words)
                for item in inputs:
                    if item.required or not item.flag:
                        argv += item.words(given if item.kind in ("text", "either") and not item.choices else item.default())
                try:
                    code, _headers, out = calling.run_program(program.loader, {"argv": argv}, value)
                    text = "%s %s" % (code, re.sub(r"/tmp/[\w/.-]+", "@", out.decode("utf-8", "replace")))
                except Exception as error:
                    text = "raises " + type(error).__name__
                yield "%s %s %s%s" % (program.id, " ".join(words), name, " in a file" if given != value else ""), text[:4000]
