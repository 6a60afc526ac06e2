"""Starts the target's application in this process and lists its entry points."""

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback

import documents
import services
from web import SERVER_MODULES, run_main_block, stand_in

ENDPOINTS_MAX = 20_000


class Found(object):
    """An application object: how it was reached, which interface it speaks."""

    def __init__(self, framework, speaks, app, loader):
        self.framework, self.speaks, self.app, self.loader = framework, speaks, app, loader


def refuse_to_serve():
    """Make the usual ways to start a server return at once instead, so that a module that serves on import can be used."""
    def stop(*args, **kwargs):
        return None

    def patch(module, names):
        for name in names:
            owner, _, last = name.rpartition(".")
            target = module
            for part in owner.split(".") if owner else ():
                target = getattr(target, part, None)
            if target is not None and hasattr(target, last):
                setattr(target, last, stop)

    import http.server
    import socketserver
    import wsgiref.simple_server

    patch(socketserver, ["BaseServer.serve_forever", "TCPServer.server_bind"])
    patch(http.server, ["HTTPServer.server_bind"])
    patch(wsgiref.simple_server, ["WSGIServer.server_bind"])
    return {
        "flask": ["Flask.run"], "flask.app": ["Flask.run"], "uvicorn": ["run"], "waitress": ["serve"], "aiohttp.web": ["run_app"], "bottle": ["run"],
        "werkzeug.serving": ["run_simple"], "hypercorn": ["run"], "cherrypy": ["quickstart"], "tornado.ioloop": ["IOLoop.start"], "gevent.pywsgi": ["WSGIServer.serve_forever"],
        "flask_socketio": ["SocketIO.run"], "eventlet.wsgi": ["server"],
    }, patch


def module_name(path):
    parts = path[:-3].split(os.sep)
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def load_module(path, root):
    """Import one of the project's files; what the surroundings lack for it is met as far as it can be."""
    while True:
        before = set(sys.modules)
        try:
            return load_once(path, root)
        except Exception as error:
            need = services.need_of(error)
            if need is None or not services.meet(need):
                raise
            for name in set(sys.modules) - before:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(root + os.sep):
                    del sys.modules[name]


def load_once(path, root):
    """Import one of the project's files as the module that its own code would import it as."""
    name = module_name(path)
    top = path.split(os.sep)[0]
    for extra in (root, os.path.join(root, os.path.dirname(path)), os.path.join(root, "src")):
        if extra not in sys.path and os.path.isdir(extra):
            sys.path.append(extra)
    if top == "src" and os.path.isdir(os.path.join(root, "src")):
        name = module_name(path[len("src" + os.sep):])
    if name in sys.modules and getattr(sys.modules[name], "__file__", None):
        return sys.modules[name]
    if all(part.isidentifier() for part in name.split(".")):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                last = name.rsplit(".", 1)[-1]
                if "." in name and not os.path.exists(os.path.join(root, os.path.dirname(path), "__init__.py")):
                    return importlib.import_module(last)
                raise
    unique = re.sub(r"\W", "_", path[:-3])
    spec = importlib.util.spec_from_file_location(unique, os.path.join(root, path))
    if path in services.LENIENT.files:
        spec.loader = services.LenientLoader(unique, os.path.join(root, path), services.LENIENT.passed)
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    spec.loader.exec_module(module)
    return module


def classify(value):
    """(framework, interface) of an object that might be an application, or None."""
    names = {cls.__module__.split(".")[0] + "." + cls.__name__ for cls in type(value).__mro__}
    if "flask.Flask" in names:
        return "flask", "wsgi"
    if names & {"starlette.Starlette", "fastapi.FastAPI"}:
        return ("fastapi" if "fastapi.FastAPI" in names else "starlette"), "asgi"
    if "aiohttp.Application" in names:
        return "aiohttp", "aiohttp"
    if "tornado.Application" in names:
        return "tornado", "tornado"
    if "bottle.Bottle" in names:
        return "bottle", "wsgi"
    if "quart.Quart" in names:
        return "quart", "asgi"
    if "sanic.Sanic" in names:
        return None
    if names & {"falcon.App", "falcon.API", "pyramid.Router", "web.application", "webapp2.WSGIApplication"}:
        return "wsgi", "wsgi"
    return None


FACTORIES = ("create_app", "make_app", "build_app", "get_app", "app_factory", "factory", "init_app", "create_application", "get_application", "build_application", "main_app", "setup_app")


def plain_interface(value):
    """The interface of a bare callable, judged by its parameters."""
    if inspect.isclass(value):
        target = getattr(value, "__call__", None)
        value = None
    else:
        target = value
    if target is None:
        return None
    try:
        parameters = [p.name for p in inspect.signature(target).parameters.values() if p.default is inspect.Parameter.empty and p.kind in (0, 1)]
    except (TypeError, ValueError):
        return None
    if len(parameters) == 2 and ("environ" in parameters[0] or parameters[0] in ("env",)):
        return "wsgi"
    if len(parameters) == 3 and parameters[0] == "scope" and parameters[1].startswith("rec"):
        return "asgi"
    return None


def discover(root, survey, only=None):
    """(applications, problems): import what looks like an application and keep what is one."""
    problems, found = [], []
    services.ROOT[0] = root
    stand_in(SERVER_MODULES)
    if imports_a_server(survey):
        services.meet(["servers"])
    if any("redis" in name for facts in survey["files"] for name in facts["imports"]) and importlib.util.find_spec("redis") is None:
        services.meet(["absent", "redis"])
    if any({n.split(".")[0] for n in facts["imports"]} & set(documents.DOCUMENT_CLIENTS) for facts in survey["files"]):
        services.meet(["documents"])
    if any(c.endswith("engine.execute") for f in survey["functions"] for c in f["calls"]):
        services.meet(["old-sqlalchemy"])
    if any("yaml" in facts["imports"] for facts in survey["files"]) and services.pinned(root, services.OLD_YAML):
        services.meet(["old-yaml"])
    if any(services.SETUP_FILE.match(os.path.basename(f["file"])) for f in survey["files"]):
        services.meet(["setup"])
    late, patch = refuse_to_serve()
    django = django_settings(root, survey)
    if django is not None:
        try:
            found.append(start_django(root, django))
        except BaseException as error:
            problems.append({"file": django, "why": describe(error)})
    if not found:
        for path, hints in candidates(survey):
            for name, names in late.items():
                if name in sys.modules:
                    patch(sys.modules[name], names)
            try:
                module = quiet_load(path, root, late, patch)
            except BaseException as error:
                problems.append({"file": path, "why": describe(error)})
                module = salvage(error, path, root)
            if module is not None:
                if hints["made"] or hints["handlers"] or hints["plain"] or hints["bottle"]:
                    run_main_block(module)
                    module.the_main_block_was_run = True
                found += applications_in(module, path, hints, problems, root)
    unique = []
    for item in found:
        if not any(item.app is other.app or same_routes(item, other, root, survey) for other in unique):
            unique.append(item)
        if item.framework in ("flask", "quart"):
            item.app.config["WTF_CSRF_ENABLED"] = False  # a visitor has a valid token; fetching it adds nothing
        if item.framework == "flask":
            if services.prepare_flask(item.app):
                services.meet(["prepare"])
        if services.NEEDS:
            item.loader["needs"] = services.NEEDS
    passed = [{"file": file, "why": "line %d failed and was passed over: %s" % (line, why)} for file, line, why in dict.fromkeys(services.LENIENT.passed)]
    return unique, problems + passed + [{"file": "", "why": services.told(need)} for need in services.NEEDS if services.told(need)]


def same_routes(item, other, root, survey):
    """Whether two applications, such as one for each way to serve, lead to the same code by the same paths."""
    def shape(one):
        return sorted((e["path"], tuple(e["methods"]), tuple(e["place"])) for e in endpoints(one, root, survey))

    try:
        mine, theirs = shape(item), shape(other)
    except Exception:
        return False
    # Each file may still have a route of its own, such as the start page.
    return item.framework == other.framework and len(mine) > 2 and len(set(mine) & set(theirs)) >= len(mine) - 1


def imports_a_server(survey):
    """Whether the project speaks to a database server or a key store."""
    wanted = set(services.DRIVERS) | set(services.KEY_STORES) | {"sqlalchemy", "flask_sqlalchemy", "sqlmodel", "django", "flask_mysqldb", "flaskext", "peewee", "databases"}
    return any({n.split(".")[0] for n in facts["imports"]} & wanted for facts in survey["files"])


def quiet_load(path, root, late, patch):
    for name in late:
        top = name.split(".")[0]
        if any(os.path.isdir(os.path.join(p, top)) or os.path.exists(os.path.join(p, top + ".py")) for p in sys.path if p) and wants(root, path, top):
            try:
                patch(importlib.import_module(name), late[name])
            except Exception:
                pass
    return load_module(path, root)


def wants(root, path, top):
    try:
        with open(os.path.join(root, path), "rb") as stream:
            return top.encode() in stream.read()
    except OSError:
        return False


def salvage(error, path, root):
    """What a module had defined when its import failed."""
    import types

    full = os.path.realpath(os.path.join(root, path))
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == "<module>" and os.path.realpath(frame.f_code.co_filename) == full:
            module = types.ModuleType(frame.f_globals.get("__name__", "salvaged"))
            module.__dict__.update(frame.f_globals)
            return module
        trace = trace.tb_next
    return None


def describe(error):
    last = traceback.extract_tb(error.__traceback__)[-1:] if error.__traceback__ else []
    place = " (%s:%d)" % (os.path.basename(last[0].filename), last[0].lineno) if last else ""
    return "%s: %s%s" % (type(error).__name__, str(error)[:300], place)


MAKERS = ("Flask", "FastAPI", "Starlette", "Application", "Bottle", "Quart", "App", "API", "Configurator", "WSGIApplication", "application", "make_wsgi_app", "make_app")


def candidates(survey):
    """Files that may hold an application, the likeliest first, each with the names to look at."""
    ranked = []
    for facts in survey["files"]:
        path = facts["file"]
        base = os.path.basename(path)
        if base.startswith("test_") or base in ("setup.py", "conftest.py") or "/tests/" in "/" + path or "/migrations/" in "/" + path:
            continue
        made = [n for n, maker in facts["assigned"].items() if maker.rsplit(".", 1)[-1] in MAKERS and "." not in n and n != "?"]
        functions = [f for f in survey["functions"] if f["file"] == path and "." not in f["qualname"]]
        factories = [f["name"] for f in functions if [p[0] for p in f["parameters"]][:1] not in (["app"], ["application"], ["self"]) and (f["name"] in FACTORIES or (f["required"] <= 1 and any(c.rsplit(".", 1)[-1] in MAKERS[:6] for c in f["calls"]) and f["name"] != "<module>"))]
        plain = [f["name"] for f in functions if [p[0] for p in f["parameters"]][:1] in (["environ"], ["env"], ["scope"])]
        handlers = [c["name"] for c in facts["classes"] if any(b.rsplit(".", 1)[-1] in ("BaseHTTPRequestHandler", "SimpleHTTPRequestHandler", "CGIHTTPRequestHandler") for b in c["bases"])]
        wsgi_classes = [f["qualname"].split(".")[0] for f in survey["functions"] if f["file"] == path and f["name"] == "__call__" and len(f["parameters"]) >= 3 and f["parameters"][1][0] in ("environ", "env", "scope")]
        bottle = "bottle" in facts["imports"] and not made
        if not made and not factories and any(c.rsplit(".", 1)[-1] in MAKERS[:6] for f in survey["functions"] if f["file"] == path and "." in f["qualname"] for c in f["calls"]):
            made = ["?"]  # a class of the project's own makes and holds the application
        if made or factories or plain or handlers or wsgi_classes or bottle:
            score = (0 if made or handlers else 1 if factories else 2, 0 if base in ("app.py", "main.py", "wsgi.py", "asgi.py", "run.py", "server.py", "__init__.py") else 1, path.count(os.sep), path)
            ranked.append((score, path, {"made": made, "factories": factories, "plain": plain, "handlers": handlers, "classes": wsgi_classes, "bottle": bottle}))
    return [(path, hints) for _score, path, hints in sorted(ranked, key=lambda r: r[0])]


def make(factory):
    """(what the factory makes, the arguments that it was given); a needed argument gets a likely value, and what is lacking is met."""
    needed = [p for p in inspect.signature(factory).parameters.values() if p.default is p.empty and p.kind in (0, 1)]
    choices = [[]]
    for parameter in needed:
        low = parameter.name.lower()
        likely = [[]] if "arg" in low else ["development", "default", "dev", "testing", "config", {}, None] if re.search("conf|setting|env|mode|name", low) else [None, {}]
        choices = [given + [value] for given in choices for value in likely]
    failed = None
    for given in choices[:12]:
        while True:
            try:
                value = factory(*given)
                if inspect.isawaitable(value):
                    import asyncio

                    value = asyncio.run(_wait(value))
                return value, given
            except Exception as error:
                failed = failed or error
                need = services.need_of(error)
                if need is None or not services.meet(need):
                    break
    raise failed


async def _wait(thing):
    return await thing


HOLDERS = ("app", "application", "_app", "flask_app", "wsgi_app", "asgi_app", "web_app", "server", "api")


def held_applications(module, reach):
    """Applications that an object of the module holds, such as a framework built upon another or a class of the project's own."""
    found = []
    for name, value in list(vars(module).items()):
        if inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, services.Idle):
            continue
        for part in HOLDERS:
            try:
                inner = getattr(value, part, None)
                kind = classify(inner) if inner is not None and not inspect.isroutine(inner) and not inspect.isclass(inner) else None
            except Exception:
                continue
            if kind:
                found.append(Found(kind[0], kind[1], inner, dict(reach, attribute="%s.%s" % (name, part))))
    return found


def applications_in(module, path, hints, problems, root):
    found, dotted = [], module.__name__
    reach = {"module": dotted, "file": path}
    for name, value in list(vars(module).items()):
        kind = classify(value) if not inspect.isclass(value) else None
        if kind:
            found.append(Found(kind[0], kind[1], value, dict(reach, attribute=name)))
    if not found:
        found = held_applications(module, reach)
    for name in hints["handlers"]:
        value = getattr(module, name, None)
        if inspect.isclass(value):
            found.append(Found("http.server", "handler", value, dict(reach, attribute=name)))
    if hints["bottle"] and "bottle" in sys.modules and not found:
        app = sys.modules["bottle"].default_app()
        if app.routes:
            found.append(Found("bottle", "wsgi", app, dict(reach, bottle=True)))
    if not found:
        for name in hints["factories"]:
            factory = getattr(module, name, None)
            if not callable(factory) or inspect.isclass(factory):
                continue
            try:
                value, given = make(factory)
            except BaseException as error:
                problems.append({"file": path, "why": "%s(): %s" % (name, describe(error))})
                continue
            kind = classify(value)
            if kind:
                found.append(Found(kind[0], kind[1], value, dict(reach, attribute=name, call=True, given=given)))
                break
    if not found:
        for name in hints["plain"] + hints["classes"]:
            value = getattr(module, name, None)
            speaks = plain_interface(value) if value is not None else None
            made = False
            if speaks and inspect.isclass(value):
                instance = next((v for v in vars(module).values() if isinstance(v, value)), None)
                try:
                    value, made = (instance, False) if instance is not None else (value(), True)
                except Exception:
                    continue
                name = next((n for n, v in vars(module).items() if v is value), name)
            elif not speaks:
                continue
            found.append(Found(speaks, speaks, value, dict(reach, attribute=name, call=made)))
    return found


# --- Django ----------------------------------------------------------------------------------------------------------


def django_settings(root, survey):
    """The dotted settings module that manage.py or a wsgi/asgi file names."""
    for facts in sorted(survey["files"], key=lambda f: (os.path.basename(f["file"]) != "manage.py", f["file"].count(os.sep))):
        if os.path.basename(facts["file"]) in ("manage.py", "wsgi.py", "asgi.py"):
            with open(os.path.join(root, facts["file"]), "r", errors="replace") as stream:
                match = re.search(r"DJANGO_SETTINGS_MODULE[\"'][,\]\s=]+[\"']([\w.]+)[\"']", stream.read())
            if match:
                base = os.path.join(root, os.path.dirname(facts["file"]))
                if os.path.basename(facts["file"]) != "manage.py":
                    base = os.path.dirname(base)
                sys.path.insert(0, base)
                return match.group(1)
    for facts in survey["files"]:
        if "django.urls" in facts["imports"] and "django.conf" in facts["imports"] and any(f["file"] == facts["file"] and any(c.endswith("settings.configure") for c in f["calls"]) for f in survey["functions"]):
            return "file:" + facts["file"]
    return None


def start_django(root, settings):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    if settings.startswith("file:"):
        os.environ.pop("DJANGO_SETTINGS_MODULE")
        module = load_module(settings[5:], root)
        loader = {"django_file": settings[5:], "module": module.__name__, "file": settings[5:]}
    else:
        os.chdir(next((p for p in sys.path if p and os.path.isdir(os.path.join(p, *settings.split(".")[:1])) or os.path.exists(os.path.join(p, settings.split(".")[0] + ".py"))), root))
        loader = {"django": settings, "path": os.path.relpath(os.getcwd(), root), "file": settings.replace(".", os.sep) + ".py"}
    set_up_django()
    services.make_tables()
    from django.core.wsgi import get_wsgi_application
    from django.urls import get_resolver

    while True:
        try:
            get_resolver().url_patterns
            return Found("django", "wsgi", get_wsgi_application(), loader)
        except Exception as error:
            need = services.need_of(error)
            if need is None or not services.meet(need):
                raise
            get_resolver.cache_clear() if hasattr(get_resolver, "cache_clear") else None
            from django.conf import settings as live
            from django.urls import clear_url_caches

            services.without_absent(live)
            clear_url_caches()


def set_up_django():
    """Django with its settings; a package that is absent is left out of them."""
    import django
    from django.apps import apps as registry
    from django.conf import settings as live

    while True:
        try:
            live.ALLOWED_HOSTS = ["*"]
            # Slow digests are for real passwords; here they would only cost time.
            live.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"] + [h for h in live.PASSWORD_HASHERS if "MD5" not in h]
            services.without_absent(live)
            django.setup()
            return
        except Exception as error:
            need = services.need_of(error)
            if need is None or not services.meet(need):
                raise
            registry.app_configs.clear()
            registry.ready = registry.apps_ready = registry.models_ready = registry.loading = False


# --- entry points ------------------------------------------------------------------------------------------------


def endpoints(found, root, survey):
    """The entry points of one application, each a JSON-ready dict with where its code is."""
    lister = {"flask": _flask, "quart": _flask, "django": _django, "starlette": _starlette, "fastapi": _starlette, "aiohttp": _aiohttp, "bottle": _bottle, "tornado": _tornado}.get(found.framework, _plain)
    listed = lister(found, root, survey)[:ENDPOINTS_MAX]
    for index, endpoint in enumerate(listed):
        endpoint["speaks"], endpoint["framework"], endpoint["loader"] = found.speaks, found.framework, found.loader
        endpoint["id"] = "%s:%d:%s %s" % (found.loader.get("file", ""), index, "/".join(endpoint["methods"]), endpoint["path"])
    return listed


def place_of(function, root):
    """[file, line, function] of a view, seen through decorators, partials and classes."""
    for _depth in range(12):
        inner = getattr(function, "view_class", None) or getattr(function, "cls", None) or getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None or inner is function:
            break
        function = inner
    if not inspect.isclass(function) and not hasattr(function, "__code__"):
        function = getattr(function, "__func__", type(function))
    try:
        if inspect.isclass(function):
            file, line, name = inspect.getsourcefile(function), inspect.getsourcelines(function)[1], function.__name__
        else:
            file, line, name = function.__code__.co_filename, function.__code__.co_firstlineno, getattr(function, "__qualname__", function.__name__)
            if not file.startswith(root):
                for cell in getattr(function, "__closure__", None) or ():
                    if callable(cell.cell_contents) and cell.cell_contents is not function:
                        inner = place_of(cell.cell_contents, root)
                        if inner is not None:
                            return inner
    except (TypeError, OSError, AttributeError, ValueError):
        return None
    if not file or not file.startswith(root):
        return None
    return [os.path.relpath(file, root), line, name]


def _flask(found, root, survey):
    listed = []
    for rule in found.app.url_map.iter_rules():
        view = found.app.view_functions.get(rule.endpoint)
        place = place_of(view, root) if view is not None else None
        if place is None:
            continue
        parts = {}
        for name, converter in rule._converters.items():
            parts[name] = {"IntegerConverter": "int", "FloatConverter": "float", "PathConverter": "path", "UUIDConverter": "uuid", "AnyConverter": "any"}.get(type(converter).__name__, "str")
            if parts[name] == "any":
                parts[name] = "any:" + str(next(iter(getattr(converter, "items", ["x"])), "x"))
        path = re.sub(r"<(?:[^<>:]*(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule)
        listed.append({"methods": sorted(rule.methods - {"HEAD", "OPTIONS"}), "path": path, "parts": parts, "place": place})
    return listed + lost((getattr(found.app, "error_handler_spec", {}).get(None) or {}).values(), {"Exception", "HTTPException", "NotFound"}, root)


def lost(handlers, names, root):
    """What answers where nothing is found, as an entry point of its own; `names` are the errors that such an address raises."""
    for handler in sorted((f for kinds in handlers if hasattr(kinds, "items") for f in kinds.items()), key=lambda pair: getattr(pair[0], "__name__", "") != "NotFound"):
        place = place_of(handler[1], root) if handler[0] == 404 or getattr(handler[0], "__name__", "") in names else None
        if place is not None:
            return [{"methods": ["GET"], "path": "/dq-nothing-is-here/{lost}", "parts": {"lost": "path"}, "place": place}]
    return []


def _starlette(found, root, survey):
    listed = []

    def walk(routes, prefix):
        for route in routes:
            included = getattr(route, "original_router", None)
            if included is not None:  # newer FastAPI keeps an included router as one entry
                walk(included.routes, prefix + getattr(getattr(route, "include_context", None), "prefix", ""))
                continue
            path = prefix + getattr(route, "path", "")
            if getattr(route, "routes", None) and not getattr(route, "endpoint", None):
                walk(route.routes, path.rstrip("/"))
                continue
            view = getattr(route, "endpoint", None)
            place = place_of(view, root) if view is not None else None
            if place is None or not hasattr(route, "methods"):
                continue
            parts, kinds = {}, getattr(route, "param_convertors", {})
            for name, convertor in kinds.items():
                parts[name] = {"IntegerConvertor": "int", "FloatConvertor": "float", "PathConvertor": "path", "UUIDConvertor": "uuid"}.get(type(convertor).__name__, "str")
            methods = route.methods or ({m.upper() for m in ("get", "post", "put", "delete", "patch") if hasattr(view, m)} if inspect.isclass(view) else {"GET"})
            entry = {"methods": sorted(set(methods) - {"HEAD", "OPTIONS"}), "path": re.sub(r"\{(\w+):\w+\}", r"{\1}", path), "parts": parts, "place": place}
            entry["schema"] = _fastapi_schema(route)
            listed.append(entry)

    walk(found.app.routes, "")
    return listed + lost([getattr(found.app, "exception_handlers", {})], {"HTTPException"}, root)


def _fastapi_schema(route):
    """Names and kinds that FastAPI itself will demand: {"query": {name: kind}, "body": {...}, ...}."""
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return None
    schema = {"query": {}, "header": {}, "cookie": {}, "form": {}, "json": {}, "files": {}, "embed": False}

    def kind_of(field):
        note = getattr(getattr(field, "field_info", None), "annotation", None) or getattr(field, "type_", None)
        name = getattr(note, "__name__", str(note))
        return "int" if "int" in name else "float" if "float" in name else "bool" if "bool" in name else "str"

    def collect(dep):
        for place, fields in (("query", dep.query_params), ("header", dep.header_params), ("cookie", dep.cookie_params)):
            for field in fields:
                schema[place][getattr(field, "alias", field.name)] = kind_of(field)
        bodies = list(dep.body_params)
        for field in bodies:
            info = type(getattr(field, "field_info", None)).__name__
            alias = getattr(field, "alias", field.name)
            note = getattr(getattr(field, "field_info", None), "annotation", None) or getattr(field, "type_", None)
            if info == "Form":
                schema["form"][alias] = kind_of(field)
            elif info == "File":
                schema["files"][alias] = "file"
            else:
                model = getattr(note, "model_fields", None) or getattr(note, "__fields__", None)
                if model and len(bodies) == 1 and not getattr(getattr(field, "field_info", None), "embed", False):
                    for name, inner in model.items():
                        inside = str(getattr(inner, "annotation", None) or getattr(inner, "type_", ""))
                        schema["json"][getattr(inner, "alias", None) or name] = "int" if "int" in inside else "float" if "float" in inside else "bool" if "bool" in inside else "str"
                elif model:
                    schema["json"][alias] = {name: "str" for name in model}
                else:
                    schema["json"][alias] = kind_of(field)
                    schema["embed"] = True
        for sub in dep.dependencies:
            collect(sub)

    try:
        collect(dependant)
    except Exception:
        return None
    return schema


def _django(found, root, survey):
    from django.urls import get_resolver

    listed = []

    def walk(patterns, prefix, parts):
        for pattern in patterns:
            text, more = _django_path(pattern.pattern)
            here = dict(parts, **more)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, prefix + text, here)
                continue
            place = place_of(pattern.callback, root)
            if place is None:
                continue
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            methods = ["GET", "POST"]
            if view is not None:
                methods = [m.upper() for m in ("get", "post", "put", "patch", "delete") if hasattr(view, m)] or methods
            allowed = re.search(r"\[([^\]]*)\]", "")
            listed.append({"methods": methods, "path": "/" + (prefix + text).lstrip("/"), "parts": here, "place": place})

    walk(get_resolver().url_patterns, "", {})
    return listed


def _django_path(pattern):
    parts = {}
    text = str(pattern)
    if type(pattern).__name__ == "RoutePattern":
        for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", text):
            parts[name] = {"int": "int", "path": "path", "uuid": "uuid"}.get(kind, "str")
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text), parts
    text = text.lstrip("^").replace("\\Z", "").rstrip("$")

    def group(match):
        parts[match.group(1)] = "int" if re.fullmatch(r"\\d\+?|\[0-9\]\+?", match.group(2)) else "path" if match.group(2) in (".*", ".+") else "str"
        return "{%s}" % match.group(1)

    text = re.sub(r"\(\?P<(\w+)>((?:\[[^\]]*\]|[^()])*)\)", group, text)
    counter = [0]

    def bare(match):
        counter[0] += 1
        parts["arg%d" % counter[0]] = "int" if "d" in match.group(1) else "str"
        return "{arg%d}" % counter[0]

    text = re.sub(r"\(((?:\[[^\]]*\]|[^()?])*)\)", bare, text)
    return text.replace("\\", "").replace("?", ""), parts


def _aiohttp(found, root, survey):
    listed, app = [], found.app
    for route in app.router.routes():
        place = place_of(route.handler, root)
        if place is None or route.resource is None:
            continue
        canonical = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.resource.canonical)
        info = route.resource.get_info()
        pattern = info.get("pattern").pattern if info.get("pattern") is not None else ""
        parts = {name: "path" if "(?P<%s>.+)" % name in pattern or "(?P<%s>.*)" % name in pattern else "str" for name in re.findall(r"\{(\w+)\}", canonical)}
        methods = [route.method] if route.method != "*" else ["GET", "POST"]
        if methods == ["HEAD"]:
            continue
        listed.append({"methods": methods, "path": canonical, "parts": parts, "place": place})
    return listed


def _bottle(found, root, survey):
    listed = []
    for route in found.app.routes:
        place = place_of(route.callback, root)
        if place is None:
            continue
        parts = {}
        for name, kind in re.findall(r"<(\w+)(?::(\w+))?[^>]*>", route.rule):
            parts[name] = {"int": "int", "path": "path", "float": "float"}.get(kind, "str")
        path = re.sub(r"<(\w+)(?::[^>]*)?>", r"{\1}", route.rule)
        listed.append({"methods": [route.method] if route.method not in ("ANY", "PROXY") else ["GET", "POST"], "path": path, "parts": parts, "place": place})
    return listed


def _tornado(found, root, survey):
    listed = []

    def walk(rules):
        for rule in rules:
            target, matcher = rule.target, rule.matcher
            if hasattr(target, "rules"):
                walk(target.rules)
                continue
            regex = getattr(matcher, "regex", None)
            if regex is None or not inspect.isclass(target):
                continue
            place = place_of(target, root)
            if place is None:
                continue
            from tornado.web import RequestHandler

            methods = [m.upper() for m in ("get", "post", "put", "delete", "patch") if getattr(target, m, None) is not getattr(RequestHandler, m, None)]
            text, parts = regex.pattern.rstrip("$").lstrip("^"), {}
            counter = [0]

            def group(match):
                counter[0] += 1
                name = match.group(1) or "arg%d" % counter[0]
                body = match.group(2)
                parts[name] = "int" if re.fullmatch(r"\\d\+|\[0-9\]\+", body) else "path" if body in (".*", ".+") else "str"
                return "{%s}" % name

            text = re.sub(r"\((?:\?P<(\w+)>)?((?:\[[^\]]*\]|[^()])*)\)", group, text).replace("\\", "").replace("?", "")
            listed.append({"methods": methods, "path": text, "parts": parts, "place": place})

    walk(found.app.default_router.rules)
    return list({(tuple(e["methods"]), e["path"], tuple(e["place"])): e for e in listed}.values())


def _plain(found, root, survey):
    """No route table to read: every string of the file that looks like a path is one."""
    place = place_of(found.app, root) or [found.loader["file"], 1, found.loader.get("attribute", "?")]
    paths = ["/"]
    for facts in survey["files"]:
        for text in facts["paths"]:
            if text not in paths and len(paths) < 80 and not text.startswith(("//", "/usr", "/etc", "/tmp", "/var", "/bin", "/home", "/proc", "/dev")) and re.fullmatch(r"[\w/.-]+", text):
                if facts["file"] == place[0] or len(survey["files"]) < 12:
                    paths.append(text)
    methods = ["GET", "POST"]
    if inspect.isclass(found.app):
        methods = [m for m in ("GET", "POST", "PUT", "DELETE") if hasattr(found.app, "do_" + m)]
        place = next((place_of(getattr(found.app, "do_" + m), root) for m in methods if place_of(getattr(found.app, "do_" + m), root)), place)
    listed = []
    for path in paths:
        listed.append({"methods": methods, "path": path, "parts": {}, "place": place})
        if path.endswith("/") and path != "/":
            listed.append({"methods": methods, "path": path + "{tail}", "parts": {"tail": "path"}, "place": place})
    return listed
