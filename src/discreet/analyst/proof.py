"""Writes a finding as one self-contained test: it fails while the hole is there and needs nothing of this program.

Every value from inside the compartment enters the text as a Python literal (`repr` of JSON data), never as code.
"""

from __future__ import annotations

import inspect
import json
import pprint
import re
from typing import Any

from discreet.analyst.claim import Claim
from discreet.analyst.inside import calling, documents, oracles, proving, scenes, services, web

_SEND = {"wsgi": web.send_wsgi, "asgi": web.send_asgi, "handler": web.send_handler, "aiohttp": web.send_aiohttp, "tornado": web.send_tornado}
# oracle: (prepare, judge, further functions that the two use)
_ORACLES: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "flag": (proving.prepare_nothing, proving.judge_flag, ()),
    "canary": (proving.prepare_canary, proving.judge_canary, ()),
    "listed": (proving.prepare_listed, proving.judge_seen, ()),
    "product": (proving.prepare_nothing, proving.judge_product, ()),
    "sql": (proving.prepare_sql, proving.judge_seen, ()),
    "markup": (proving.prepare_nothing, proving.judge_markup, (oracles.Page, oracles.markup_broken)),
    "redirect": (proving.prepare_nothing, proving.judge_redirect, (oracles.leads_away,)),
    "header": (proving.prepare_nothing, proving.judge_header, (oracles.header_made,)),
    "log": (proving.prepare_nothing, proving.judge_log, (oracles.log_lines,)),
    "connect": (proving.prepare_connect, proving.judge_seen, ()),
    "operator": (proving.prepare_operator, proving.judge_seen, ()),
    "ldap": (proving.prepare_ldap, proving.judge_seen, ()),
    "xpath-call": (proving.prepare_xpath_call, proving.judge_seen, ()),
    "xpath-text": (proving.prepare_xpath_text, proving.judge_seen, ()),
    "cookie": (proving.prepare_nothing, proving.judge_cookie, ()),
    "session": (proving.prepare_session, proving.judge_session, ()),
    "hash": (proving.prepare_hash, proving.judge_seen, ()),
}
_SERVERS = {
    "flask": "import flask\n    flask.Flask.run = lambda *a, **k: None",
    "quart": "import quart\n    quart.Quart.run = lambda *a, **k: None",
    "aiohttp": "import aiohttp.web\n    aiohttp.web.run_app = lambda *a, **k: None",
    "fastapi": "import importlib.util\n    if importlib.util.find_spec('uvicorn'):\n        import uvicorn\n        uvicorn.run = lambda *a, **k: None",
    "bottle": "import bottle\n    bottle.run = lambda *a, **k: None",
    "tornado": "import tornado.ioloop\n    tornado.ioloop.IOLoop.start = lambda *a, **k: None",
}
_SERVERS["starlette"] = _SERVERS["fastapi"]
_PLAIN_SERVERS = "import http.server, socketserver\n    socketserver.BaseServer.serve_forever = lambda *a, **k: None\n    socketserver.TCPServer.server_bind = http.server.HTTPServer.server_bind = lambda *a, **k: None"


def emit(claim: Claim, project: str) -> str:
    """The text of the test."""
    parts = [_head(claim), _imports(claim), _constants(claim, project)]
    if claim.speaks in _SEND:
        parts += [_source(web.to_http)]
        if claim.speaks in ("handler", "aiohttp", "tornado"):
            parts += [_source(web.wire_bytes), _source(web.parse_answer)]
        parts += [_source(web.Held)] if claim.speaks in ("asgi", "aiohttp", "tornado") else []
        parts += [_source(web._let_be_held), _source(web._ask_socket)] if claim.speaks in ("aiohttp", "tornado") else []
        parts += [_source(web._asgi_ends), _source(web._asgi_life)] if claim.speaks == "asgi" else []
        parts += [_source(_SEND[claim.speaks]), f"SENDERS = {{{claim.speaks!r}: {_SEND[claim.speaks].__name__}}}", _source(web.put), _source(web.signed_in), _source(web.play)]
        parts += [_source(oracles.archive), _source(oracles.folded)] if "@@AS:" in claim.template else []
        parts += [_source(oracles.fill), _source(web.run_main_block), *_surroundings(claim), _loader(claim)]
    if claim.speaks in ("function", "cli"):
        parts += [_source(oracles.archive), _source(oracles.folded)] if "@@AS:" in claim.template else []
        parts += [_source(oracles.fill), _source(calling.encoded), _source(calling.holding), _source(calling.resolve), *(_surroundings(claim) if claim.speaks == "function" else []), _ENTER]
        parts += [_source(calling.made), _source(calling.call_function), _LOAD_FUNCTION.replace("    enter()\n", "    enter()\n    meet_all()\n") if claim.loader.get("needs") else _LOAD_FUNCTION] if claim.speaks == "function" else [_source(calling.run_program), _LOAD_PROGRAM]
    parts += _judging(claim)
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n\n\n" + _main(claim)


def test_name(claim: Claim, number: int) -> str:
    """A file name that says what and where."""
    words = re.sub(r"\W+", "_", f"{claim.cwe}_{claim.file.rsplit('.', 1)[0]}_{claim.line}").lower().strip("_")
    return f"test_{number:04d}_{words[:80]}.py"


def _head(claim: Claim) -> str:
    where = f"{claim.file}:{claim.line} ({claim.function})"
    text = f"{claim.cwe} at {where}: {claim.effect}.\n\nEntry point: {claim.endpoint}; input `{claim.name}` ({claim.channel}).\nFails while the hole is there. Run it with pytest, or by itself with `python`; set PROJECT if the project has moved."
    return '"""' + text.replace("\\", "\\\\").replace('"""', "'''") + '\n"""'


def _imports(claim: Claim) -> str:
    return "import base64\nimport functools\nimport importlib\nimport importlib.util\nimport io\nimport json\nimport os\nimport random\nimport re\nimport shutil\nimport sys\nimport tempfile\nfrom html.parser import HTMLParser\nfrom urllib.parse import quote, urlencode"


def _constants(claim: Claim, project: str) -> str:
    extra = dict(claim.extra)
    if claim.oracle == "hash":
        extra = {"file": claim.file, "function": claim.function.rsplit(".", 1)[-1]}
    if claim.oracle == "session":
        extra["key"] = claim.name
    if claim.oracle in ("random", "clock"):
        place = claim.extra.get("key") or ["", ""]
        extra = {"place": place, "pattern": _pattern(str(place[1]))}
    loader = {k: v for k, v in claim.loader.items()}
    return (
        f"PROJECT = os.environ.get('PROJECT', {project!r})\n"
        f"LOADER = {json.loads(json.dumps(loader))!r}\n"
        f"STEPS = {pprint.pformat(list(claim.steps), width=150, sort_dicts=False)}\n"
        f"PAYLOAD = {claim.template!r}\n"
        f"EXTRA = {extra!r}\n"
        f"CLIMB = {oracles.CLIMB!r}"
    )


def _pattern(words: str) -> str:
    return r"[\W\d_]+".join(re.escape(w) for w in words.split()) + r"[^\w+/=.-]*"


def _source(thing: Any) -> str:
    return inspect.getsource(thing)


def _surroundings(claim: Claim) -> list[str]:
    """What stands in for servers and packages that the target expects around it, where it expects any."""
    if not claim.loader.get("needs"):
        return []
    more = [_source(documents).partition('"""\n\n')[2]] if ["documents"] in claim.loader["needs"] else []
    return [_source(services).partition('"""\n\n')[2], *more, _MEET]


def _loader(claim: Claim) -> str:
    serve = _SERVERS.get(claim.framework, _PLAIN_SERVERS)
    more = ""
    if "django" in claim.loader or "django_file" in claim.loader:
        body, more = _DJANGO, "" if claim.loader.get("needs") else _source(services.make_tables) + "\n\n"
    elif claim.loader.get("bottle"):
        body = _MODULE + _PREPARE + "    import bottle\n    return bottle.default_app()\n"
    else:
        body = _MODULE + _PREPARE + "    app = functools.reduce(getattr, LOADER['attribute'].split('.'), module)\n"
        if claim.loader.get("call"):
            body += "    if not hasattr(module, 'the_app_under_test'):\n        made = app(*LOADER.get('given', []))\n        if hasattr(made, '__await__'):\n            import asyncio\n            made = asyncio.run(_wait(made))\n        module.the_app_under_test = made\n    app = module.the_app_under_test\n"
        body += "    return app\n"
    if claim.framework in ("flask", "quart"):
        body = body.replace("    return app\n", "    app.config['WTF_CSRF_ENABLED'] = False\n    return app\n")
    if claim.framework == "flask" and ["prepare"] in (claim.loader.get("needs") or []):
        body = body.replace("    return app\n", "    prepare_flask(app)\n    return app\n")
    meeting = "    meet_all()\n" if claim.loader.get("needs") else ""
    wait = "async def _wait(thing):\n    return await thing\n\n\n" if claim.loader.get("call") else ""
    return _ENTER + "\n\n\n" + more + wait + _source(web.stand_in) + f'\n\ndef load():\n    """The application, imported from the project without being served."""\n    enter()\n    stand_in({web.SERVER_MODULES!r})\n{meeting}    {serve}\n{body}'


_ENTER = '''def enter():
    """Work on a throwaway copy, so that the project's own files and databases stay as they are."""
    ready = os.environ.get("DISCREET_TARGET_READY")
    root = ready or os.path.join(tempfile.mkdtemp(), "project")
    if not ready:
        shutil.copytree(PROJECT, root, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", "venv", "node_modules", "discreet-audit"))
    os.chdir(root)
    for place in (os.path.join(root, "src"), os.path.join(root, os.path.dirname(LOADER.get("file", ""))), root):
        if os.path.isdir(place) and place not in sys.path:
            sys.path.insert(0, place)'''

_MEET = '''def meet_all():
    """Meet what the target expects around it, as far as it was met when the hole was found."""
    ROOT[0] = os.getcwd()
    for need in LOADER["needs"]:
        if need[0] == "setup" and os.environ.get("DISCREET_TARGET_SET_UP"):
            continue
        meet(list(need))'''

_MODULE = """    try:
        module = importlib.import_module(LOADER["module"])
    except ModuleNotFoundError:
        spec = importlib.util.spec_from_file_location(LOADER["module"], LOADER["file"])
        module = importlib.util.module_from_spec(spec)
        sys.modules[LOADER["module"]] = module
        spec.loader.exec_module(module)
"""

_LOAD_FUNCTION = 'def load():\n    """What makes the function under test, from a copy of the project."""\n    enter()\n' + _MODULE + '    return lambda: resolve(module, LOADER["attribute"])\n'
_LOAD_PROGRAM = 'def load():\n    """The program under test, in a copy of the project."""\n    enter()\n    return LOADER\n'

_PREPARE = """    if not hasattr(module, "the_main_block_was_run"):
        module.the_main_block_was_run = True
        run_main_block(module)
"""

_DJANGO = """    if "django" in LOADER:
        os.environ["DJANGO_SETTINGS_MODULE"] = LOADER["django"]
        os.chdir(LOADER.get("path", "."))
        sys.path.insert(0, os.getcwd())
    else:
        importlib.import_module(LOADER["module"])
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    settings.ALLOWED_HOSTS = ["*"]
    if LOADER.get("needs"):
        without_absent(settings)
    django.setup()
    make_tables()
    return get_wsgi_application()
"""


def _judging(claim: Claim) -> list[str]:
    if claim.oracle == "clock":
        return [_source(proving.prepare_session) if claim.extra.get("key", [""])[0] == "the session's" else "", _source(proving.keys_shown), _source(proving.stop_clock), _source(scenes.databases), _source(proving.keys_kept)]
    if claim.oracle == "random":
        return [_source(proving.prepare_session) if claim.extra.get("key", [""])[0] == "the session's" else "", _source(proving.keys_shown)]
    if claim.oracle in ("existence", "growth"):
        return []
    if claim.oracle == "scene":
        return [_source(scenes).partition('"""\n\n')[2], *(_source(m) for m in (oracles.Page, oracles.markup_broken) if claim.kind == "stored-xss")]
    prepare, judge, more = _ORACLES[claim.oracle]
    return [*(_source(m) for m in more), _source(prepare), _source(judge)]


_TOKENS = '''def tokens_for(place, number):
    word = "dq" + os.urandom(4).hex()
    return {
        "UP": CLIMB, "CANARY": os.path.join(place, "canary.txt"), "STEM": os.path.join(place, "canary"), "PLACE": place, "FLAG": os.path.join(place, "flag%d" % number),
        "FN": "dqfn", "MARK": WORD, "A": "7%03d" % random.randrange(1000), "B": "9%03d" % random.randrange(1000), "PORT": "28417",
    }


WORD = "dq" + os.urandom(4).hex()


def make_place():
    place = os.path.realpath(tempfile.mkdtemp())
    for ending in "txt html json xml csv log md png yaml yml pdf jpg".split():
        with open(os.path.join(place, "canary." + ending), "w") as stream:
            stream.write("outside of the project")
    return place
'''


def _main(claim: Claim) -> str:
    name = "test_" + re.sub(r"\W+", "_", f"{claim.kind}_{claim.function}").strip("_").lower()
    if claim.oracle == "clock":
        body = _CLOCK
    elif claim.oracle == "random":
        body = _RANDOM
    elif claim.oracle == "existence":
        body = _EXISTENCE
    elif claim.oracle == "growth":
        body = _GROWTH
    elif claim.oracle == "scene":
        body = _SCENE
    elif claim.oracle in ("cookie", "session", "hash"):
        body = _PASSIVE
    else:
        body = _ACTIVE
    prepare, judge = ("", "")
    if claim.oracle in _ORACLES:
        prepare, judge = (f.__name__ for f in _ORACLES[claim.oracle][:2])
    if claim.oracle == "growth" and claim.speaks in _SEND:
        body = _GROWTH_OF_SITE
    if claim.speaks == "function":
        body = body.replace("answer = play(put(STEPS, fill(template, here)), app, «speaks»)", "answer = (200, [], b'')\n            call_function(app, STEPS[0], fill(template, here))").replace("except Exception:", "except (Exception, SystemExit):")
    if claim.speaks == "cli":
        body = body.replace("play(put(STEPS, fill(template, here)), app, «speaks»)", "run_program(app, STEPS[0], fill(template, here))").replace("except Exception:", "except (Exception, SystemExit):")
    session = claim.oracle in ("random", "clock") and (claim.extra.get("key") or [""])[0] == "the session's"
    text = _TOKENS + "\n\n" + body
    return (
        text.replace("«name»", name).replace("«prepare»", prepare).replace("«judge»", judge).replace("«speaks»", repr(claim.speaks)).replace("«effect»", repr(f"hole: {claim.effect}")).replace("«prepare_session»", "prepare_session(None, seen)" if session else "pass")
        + f"\n\nif __name__ == \"__main__\":\n    {name}()\n    print(\"the hole is closed\")\n"
    )


_ACTIVE = '''def «name»():
    place, seen = make_place(), []
    tokens = tokens_for(place, 0)
    «prepare»(tokens, seen)
    app = load()

    def happens(template, number):
        here = dict(tokens, FLAG=os.path.join(place, "flag%d" % number))
        try:
            answer = play(put(STEPS, fill(template, here)), app, «speaks»)
        except Exception:
            answer = (500, [], b"")
        return «judge»(here, seen, answer)

    if happens("plain", 0):
        raise RuntimeError("the effect shows without the payload: this test proves nothing")
    assert not happens(PAYLOAD, 1), «effect»
'''

_PASSIVE = '''def «name»():
    place, seen = make_place(), []
    tokens = tokens_for(place, 0)
    «prepare»(tokens, seen)
    app = load()
    seen.clear()
    try:
        answer = play(STEPS, app, «speaks»)
    except Exception:
        answer = (500, [], b"")
    assert not «judge»(tokens, seen, answer), «effect»
'''

_EXISTENCE = '''def «name»():
    place = make_place()
    tokens = tokens_for(place, 0)
    app = load()

    def answer(there):
        word = "dq" + os.urandom(6).hex()
        path = os.path.join(place, word + ".txt")
        if there:
            with open(path, "w") as stream:
                stream.write("outside of the project")
        try:
            status, _headers, body = play(put(STEPS, fill(PAYLOAD, dict(tokens, CANARY=path))), app, «speaks»)
        except Exception:
            status, body = 500, b""
        return status, body.replace(word.encode(), b"").replace(word.title().encode(), b"")

    missing, there, absent, present = answer(False), answer(True), answer(False), answer(True)
    assert missing != absent or there != present or missing == there, «effect»
'''

_RANDOM = '''def «name»():
    seen = []
    «prepare_session»
    app = load()

    def keys(seed):
        random.seed(seed)
        return keys_shown(play(STEPS, app, «speaks»), seen)

    first, same, other = keys(11), keys(11), keys(12)
    assert not first or first != same or first == other, «effect»
'''

_CLOCK = '''def «name»():
    seen = []
    «prepare_session»
    app = load()

    def keys(moment):
        where, name = EXTRA["place"]
        before = keys_kept(os.getcwd(), databases, name).get(name, []) if where == "the column" else []
        go_on = stop_clock(os.getcwd(), moment)
        try:
            answer = play(STEPS, app, «speaks»)
        finally:
            go_on()
        if where != "the column":
            return keys_shown(answer, seen)[-1:]
        after = keys_kept(os.getcwd(), databases, name).get(name, [])
        return [v for v in after if v not in before or after.count(v) > before.count(v)][-1:]

    first, other, same = keys(1700000000.25), keys(1700086461.25), keys(1700000000.25)
    assert not first or first != same or first == other, «effect»
'''

_SCENE = '''def «name»():
    app = load()
    words = {name: "dqw" + os.urandom(4).hex() for name in EXTRA["marks"]}
    answers, words = perform(STEPS, app, «speaks», words, play)
    assert not holds(EXTRA["conditions"], answers, words, globals().get("markup_broken")), «effect»
'''

_GROWTH_OF_SITE = '''def «name»():
    import resource

    app = load()
    lead, pump, end, fewer, more, factor = EXTRA["growth"]

    def seconds(text):
        pid = os.fork()
        if pid == 0:
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (9, 10))
                play(put(STEPS, text), app, «speaks»)
            finally:
                os._exit(0)
        usage = os.wait4(pid, 0)[2]
        return usage.ru_utime + usage.ru_stime

    seconds("plain")
    long, short = seconds(lead + pump * more + end), seconds(lead + pump * fewer + end)
    plain = seconds("ab " * (len(lead + pump * more + end) // 3))
    assert long < 0.4 or long < factor * short or long < 10 * plain, «effect»
'''

_GROWTH = '''def «name»():
    import signal
    import time

    app = load()
    lead, pump, end, fewer, more, factor = EXTRA["growth"]

    def seconds(text):
        def stop(*rest):
            raise KeyboardInterrupt

        signal.signal(signal.SIGVTALRM, stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, 8)
        started = time.process_time()
        try:
            call_function(app, STEPS[0], text)
        except (Exception, SystemExit, KeyboardInterrupt):
            pass
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return time.process_time() - started

    seconds("plain")
    long, short = seconds(lead + pump * more + end), seconds(lead + pump * fewer + end)
    plain = seconds("ab " * (len(lead + pump * more + end) // 3))
    assert long < 0.4 or long < factor * short or long < 10 * plain, «effect»
'''
