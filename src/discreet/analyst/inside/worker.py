"""The program of the compartment: starts the target, attacks each entry point in a process of its own, writes JSON lines.

What it writes is the word of a process that ran the target's code: the outside confirms every claim anew.
"""

import json
import os
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import apps
import attack
import calling
import commands
import documents
import fuzz
import journeys
import library
import observe
import people
import rehearsal
import scenes
import services
import slow
import static
import traffic

# The target may have modules of these names; from here on they are its own.
for _name in ("apps", "attack", "calling", "commands", "documents", "fuzz", "journeys", "library", "observe", "people", "belongings", "forgeries", "rehearsal", "races", "proving", "scenes", "services", "slow", "static", "traffic", "web", "oracles", "payloads"):
    sys.modules["discreet-inside-" + _name] = sys.modules.pop(_name)

LINE_BYTES_MAX = 1_500_000
BATCH = 200
ENDPOINT_S_MAX = 90.0
TRAFFIC_GUEST_S = 30.0
OTHERS_MAX = 3  # entry points that a patched file does not reach and that are looked at all the same
OWN_WORD = "ownthing"
SO_FAR = "/scratch/claims-so-far.json"
ITEM_S = 120.0  # of one program or function, by the clock
PEOPLE_S_MIN, PEOPLE_S_MAX, PEOPLE_SHARE = 30.0, 240.0, 0.3


class Channel(object):
    """The one way out: whole JSON lines on what was standard output."""

    def __init__(self, key):
        self.fd, self.key = os.dup(1), key
        os.dup2(2, 1)

    def say(self, **message):
        message["key"] = self.key
        data = json.dumps(message, default=str).encode()[:LINE_BYTES_MAX] + b"\n"
        while data:
            data = data[os.write(self.fd, data):]


def main():
    job = json.loads(sys.stdin.readline())
    channel = Channel(job.pop("key"))
    sys.stdin = open(os.devnull)
    root = "/scratch/target"
    shutil.copytree("/source", root, symlinks=True)
    os.chdir(root)
    sys.argv = [os.path.join(root, "app.py")]
    sys.path[:] = [root] + job["paths"] + [p for p in sys.path if p not in ("", HERE)] + job["fallback"]
    os.environ.update({"HOME": "/scratch", "TMPDIR": "/tmp", "LANG": "C.UTF-8"})
    if job["mode"] == "survey":
        survey = static.survey(root)
        for key in ("unread", "files", "functions", "candidates"):
            for start in range(0, len(survey[key]), BATCH):
                channel.say(survey=key, items=survey[key][start:start + BATCH])
        channel.say(survey="end", python=survey["python"])
        return
    with open("/job/survey.json") as stream:
        survey = json.load(stream)
    index(survey)
    if job["mode"] == "attack":
        attack_all(job, channel, root, survey)
        channel.say(end=True)
    elif job["mode"] == "prove":
        prove_all(job, channel, root, survey)
    elif job["mode"] == "traffic":
        traffic_all(job, channel, root, survey)
    elif job["mode"] == "tests":
        own_tests(channel, root)


def index(survey):
    survey["by_file"], survey["by_name"] = {}, {}
    survey["imports"] = {f["file"]: {name.split(".")[0] for name in f["imports"]} for f in survey["files"]}
    for function in survey["functions"]:
        survey["by_file"].setdefault(function["file"], []).append(function)
        survey["by_name"].setdefault(function["name"], []).append(function)


def canaries(nonce):
    place = "/tmp/dq%s" % nonce
    os.makedirs(place, exist_ok=True)
    for ending in ("txt", "html", "json", "xml", "csv", "log", "md", "png", "yaml", "yml", "pdf", "jpg"):
        with open(os.path.join(place, "canary." + ending), "w") as stream:
            stream.write("canary-%s" % nonce)
    return place


def attack_all(job, channel, root, survey):
    nonce = job["nonce"]
    place = canaries(nonce)
    watch = observe.Watch(root, place)
    quiet = [p for p in sys.path if p and not p.startswith("/scratch")] + [sys.prefix, sys.base_prefix, "/usr", "/lib", "/inside", "/dev", "/proc"]
    sys.addaudithook(observe.audit(watch, quiet))
    observe.install(watch, "dq" + nonce)
    started = time.monotonic()
    found, problems = apps.discover(root, survey)
    channel.say(problems=problems, started_s=round(time.monotonic() - started, 2))
    work = []
    for item in found:
        try:
            work += [(endpoint, item.app) for endpoint in apps.endpoints(item, root, survey)]
        except Exception as error:
            channel.say(problems=[{"file": item.loader.get("file", "?"), "why": "routes could not be listed: " + apps.describe(error)}])
    channel.say(map=[{k: e[k] for k in ("id", "methods", "path", "place", "framework")} for e, _app in work])
    done = set(job["done"])
    all_kinds = len(work) <= job["thorough_max"]
    # Where there are few entry points each gets a larger share of the budget.
    job["endpoint_s"] = max(job["endpoint_s"], min(ENDPOINT_S_MAX, job["budget_s"] * 0.7 * job["shards"] / max(1, len(work))))
    guests = {}
    for item in found:
        own = [e for e, a in work if a is item.app]
        if any(job["only_files"] is None or touches(survey, e, set(job["only_files"])) for e in own):
            guests[id(item.app)] = users(channel, own, item.app, watch, survey, nonce, job, root, job["shard"] == 0 and "people" not in done and job["people"])
    for number, (endpoint, app) in enumerate(work):
        if endpoint["id"] in done or number % job["shards"] != job["shard"]:
            continue
        if job["only_files"] is not None and not touches(survey, endpoint, set(job["only_files"])):
            continue
        if time.monotonic() - started > job["budget_s"]:
            channel.say(unfinished=endpoint["id"])
            continue
        siblings = [e for e, a in work if a is app]
        alone(channel, job["endpoint_s"], endpoint["id"], lambda: attack_one(channel, endpoint, app, watch, survey, nonce, job, all_kinds, siblings, guests.get(id(app))))
    attack_functions(job, channel, root, survey, watch, nonce, {e["place"][0] for e, _app in work}, done, started)
    if job["shard"] == 0 and job["people"] and time.monotonic() - started < job["budget_s"] and "stored" not in done:
        for item in found:
            siblings = [e for e, a in work if a is item.app and (job["only_files"] is None or touches(survey, e, set(job["only_files"])))]
            alone(channel, job["endpoint_s"] * 3, "stored", lambda: stored_one(channel, siblings, item.app, watch, survey, nonce, job, guests.get(id(item.app))))


def users(channel, endpoints, app, watch, survey, nonce, job, root, thoroughly):
    """The way to be a user of the application; what two users can do to each other and a stranger to them is told."""
    seconds = min(PEOPLE_S_MAX, max(PEOPLE_S_MIN, job["budget_s"] * PEOPLE_SHARE))
    claims, way, told = rehearsal.claims_of(endpoints, app, watch, survey, nonce, root, seconds, lambda limit, work: alone(Silent(), limit, "people", work), thoroughly)
    if thoroughly:
        channel.say(done="people", claims=claims, people=told)
        if not told["two"] and any(people.SIGN_IN.search(e["path"]) for e in endpoints):
            channel.say(problems=[{"file": "", "why": "no way to be two users was found: what one user can do to another was not tried"}])
    return way


class Silent(object):
    """Where a child's own failure is no message of the run."""

    def say(self, **message):
        sys.stderr.write("people: %s\n" % (message.get("failed"),))


def touches(survey, endpoint, files):
    function = attack.nearest(survey, endpoint["place"])
    return endpoint["place"][0] in files or any(f["file"] in files for f in attack.closure(survey, function))


def attack_functions(job, channel, root, survey, watch, nonce, web_files, done, started):
    """Programs, and public functions that take data, each in a process of its own."""
    work = [(item, "cli", commands.attack_program) for item in commands.programs(survey, root, web_files)]
    work += [(item, "function", library.attack_function) for item in library.functions(survey, root, web_files)]
    channel.say(map=[{"id": i.id, "methods": [], "path": i.id, "place": [(i.function or {}).get("file", ""), (i.function or {}).get("line", 1), (i.function or {}).get("qualname", "")], "framework": kind} for i, kind, _attack in work])
    if any(kind == "function" for _item, kind, _attack in work):
        fuzz.ready()
    if any("slow" in getattr(item, "kinds", ()) and item.id not in done for item, _kind, _attack in work):
        # Once for all functions, and in a process of its own, as an expression may never end.
        seconds = min(slow.SCREEN_S, job["budget_s"] * slow.SCREEN_SHARE)
        alone(Silent(), seconds * 2 + 10, "expressions", lambda: kept("/tmp/expressions.json", slow.screen(slow.patterns(root, survey["functions"], slow.SCREENED_MAX), seconds)))
        if os.path.exists("/tmp/expressions.json"):
            with open("/tmp/expressions.json") as stream:
                slow.ALONE.update({pattern: [tuple(t) for t in triples] for pattern, triples in json.load(stream).items()})
    for number, (item, _kind, attack_item) in enumerate(work):
        if item.id in done or number % job["shards"] != job["shard"] or (job["only_files"] is not None and not within(survey, item.function, set(job["only_files"]))):
            continue
        if time.monotonic() - started > job["budget_s"]:
            channel.say(unfinished=item.id)
            continue
        alone(channel, ITEM_S, item.id, lambda: one_item(channel, item, attack_item, root, watch, nonce, survey))


def kept(path, value):
    with open(path, "w") as stream:
        json.dump(value, stream)


def one_item(channel, item, attack_item, root, watch, nonce, survey):
    claims, suspected = attack_item(item, root, watch, nonce, survey)
    for claim in claims if services.NEEDS else ():
        claim["loader"] = dict(claim["loader"], needs=services.NEEDS)
    channel.say(done=item.id, claims=claims, suspected=suspected)


def within(survey, function, files):
    """Whether a function or what it may call lies in one of the files."""
    return any(f["file"] in files for f in attack.closure(survey, function))


def stored_one(channel, siblings, app, watch, survey, nonce, job, guest):
    """Markup that one entry point keeps and another one shows."""
    channel.say(done="stored", claims=journeys.stored_markup(siblings, app, watch, survey, nonce, time.monotonic() + job["endpoint_s"] * 2, guest))


def attack_one(channel, endpoint, app, watch, survey, nonce, job, all_kinds, siblings, guest=None):
    started = time.monotonic()
    state = attack.Attack(endpoint, app, watch, survey, nonce, started + job["endpoint_s"] * 0.8, all_kinds, siblings)
    state.guest, state.keep = guest, keep_so_far
    claims = state.run()
    channel.say(done=endpoint["id"], claims=claims, requests=state.requests, seconds=round(time.monotonic() - started, 3), names=state.names, kinds=sorted(state.kinds_static), notes=state.notes[-5:])


def keep_so_far(claims):
    """What a child has claimed so far outlasts it, should it have to be ended."""
    with open(SO_FAR, "w") as stream:
        json.dump(claims, stream)


def kept_so_far():
    try:
        with open(SO_FAR) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return []


def alone(channel, seconds, label, work):
    """Run `work` in a child, so that a crash, an exit or a hang is the child's alone."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.path.exists(SO_FAR):
        os.remove(SO_FAR)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            signal.alarm(0)
            work()
            code = 0
        except BaseException as error:
            channel.say(done=label, claims=[], failed=apps.describe(error))
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        over, _status = os.waitpid(pid, os.WNOHANG)
        if over:
            return True
        time.sleep(0.002)
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    channel.say(done=label, claims=kept_so_far(), failed="took longer than %s s" % seconds)
    return False


def prove_all(job, channel, root, survey):
    """Run emitted tests, each in a child of a process in which the application is already imported."""
    os.environ["DISCREET_TARGET_READY"] = root
    if job["preload"]:
        os.environ["DISCREET_TARGET_SET_UP"] = "1"
        try:
            apps.discover(root, survey)
        except BaseException as error:
            channel.say(problems=[{"file": "", "why": apps.describe(error)}])
    for name in sorted(os.listdir("/proofs")):
        if name.endswith(".py") and name.startswith("test_"):
            alone(channel, job["endpoint_s"], name, lambda: prove_one(channel, name))


def prove_one(channel, name):
    namespace = {"__name__": "proof", "__file__": os.path.join("/proofs", name)}
    with open(os.path.join("/proofs", name)) as stream:
        source = stream.read()
    verdict, why = "passes", ""
    try:
        exec(compile(source, os.path.join("/proofs", name), "exec"), namespace)
        for key in [k for k in namespace if k.startswith("test_")]:
            namespace[key]()
    except AssertionError as error:
        verdict, why = ("fails", str(error)[:300]) if str(error).startswith("hole:") else ("broken", str(error)[:300])
    except BaseException as error:
        verdict, why = "broken", apps.describe(error)
    channel.say(done=name, verdict=verdict, why=why)


def traffic_all(job, channel, root, survey):
    """Harmless requests to every entry point, and how each was answered."""
    place = canaries("benign")
    watch = observe.Watch(root, place)
    observe.install(watch, "dqbenign")
    found, _problems = apps.discover(root, survey)
    started = time.monotonic()
    for item in found:
        listed = apps.endpoints(item, root, survey)
        guest = rehearsal.claims_of(listed, item.app, watch, survey, "benign", root, TRAFFIC_GUEST_S, lambda limit, work: alone(Silent(), limit, "people", work), False)[1] if listed else None
        if guest is not None:
            alone(Silent(), TRAFFIC_GUEST_S, "own", lambda: own_things(listed, item.app, watch, survey, guest))
        near = [e for e in listed if job["only_files"] is None or touches(survey, e, set(job["only_files"]))]
        for endpoint in near + [e for e in listed if e not in near][:OTHERS_MAX]:
            if time.monotonic() - started < job["budget_s"]:
                channel.say(looked=endpoint["id"] + " ")
                alone(channel, job["endpoint_s"], endpoint["id"], lambda: traffic_one(channel, endpoint, item.app, watch, survey))
                if guest is not None and not people.LEAVE.search(endpoint["path"]):
                    alone(channel, job["endpoint_s"], endpoint["id"] + " as a user", lambda: traffic_of_user(channel, endpoint, item.app, watch, survey, guest))
    for program in commands.programs(survey, root, set()):
        if time.monotonic() - started < job["budget_s"]:
            alone(channel, job["endpoint_s"], program.id, lambda: told(channel, commands.harmless(program, survey)))
    for target in library.functions(survey, root, set()):
        if time.monotonic() - started < job["budget_s"]:
            alone(channel, job["endpoint_s"], target.id, lambda: told(channel, library.harmless(target, root, survey)))


def signed_in(endpoint, app, watch, survey, guest):
    """The inputs of an entry point as a user meets them, or None if the user cannot be signed in."""
    state = attack.Attack(endpoint, app, watch, survey, "benign", time.monotonic() + 8, False)
    if not state.enter_as(guest, 0):
        return None
    state.look()
    return state


def own_things(listed, app, watch, survey, guest):
    """Let the user make one of each thing, so that there is something of the user's own to be read."""
    for endpoint in listed:
        if set(endpoint["methods"]) & {"POST", "PUT"} and not endpoint.get("parts") and not people.LEAVE.search(endpoint["path"]) and not people.SIGN_UP.search(endpoint["path"]):
            state = signed_in(endpoint, app, watch, survey, guest)
            for mode in [m for m in state.modes() if m != "query"][:1] if state else ():
                state.send(state.build(mode, state.filled(OWN_WORD), {}, ("form", "json")))


def traffic_of_user(channel, endpoint, app, watch, survey, guest):
    """What a user is shown of the user's own things, and what the user may do with them; the last of them is asked for."""
    state = signed_in(endpoint, app, watch, survey, guest)
    rows = [row for _file, _table, row in scenes.rows_with(OWN_WORD) if row.get("id") is not None]
    own = {n: str(rows[-1]["id"]) for n, k in endpoint.get("parts", {}).items() if k == "int"} if rows else {}
    if state is None or set(own) != set(endpoint.get("parts", {})):
        return
    for mode in state.modes():
        _effects, status, headers, body = state.send(state.build(mode, {}, own, attack.CHANNELS + ("path",)))
        location = next((v for k, v in headers if k.lower() == "location"), "")
        channel.say(request="%s as a user, %s" % (endpoint["id"], mode), answer=[status, location, body.decode("utf-8", "replace")[:4000]])


def told(channel, answers):
    for name, text in answers:
        channel.say(looked=name)
        channel.say(request=name, answer=[200, "", text])


def traffic_one(channel, endpoint, app, watch, survey):
    import hashlib
    import random

    state = attack.Attack(endpoint, app, watch, survey, "benign", time.monotonic() + 8, False)
    state.look()
    for name, values in sorted(traffic.harmless_values(endpoint["path"], survey, os.getcwd()).items()):
        for mode in state.modes():
            for variant in state.variants[:4]:
                random.seed(5)
                given = dict(state.filled(values), **variant)
                request = state.build(mode, given, {}, attack.CHANNELS + ("path",))
                _effects, status, headers, body = state.send(request)
                location = next((v for k, v in headers if k.lower() == "location"), "")
                text = body.decode("utf-8", "replace")
                channel.say(request="%s %s %s %s" % (endpoint["id"], name, mode, json.dumps(variant, sort_keys=True)), answer=[status, location, text if len(text) < 4000 else hashlib.sha256(body).hexdigest()])


def own_tests(channel, root):
    """The project's own tests, each with its result."""
    try:
        import pytest
    except ImportError:
        return

    class Listener(object):
        def pytest_runtest_logreport(self, report):
            if report.when == "call" or report.outcome != "passed":
                channel.say(test=report.nodeid, result=report.outcome)

    pytest.main(["-q", "-x", "--maxfail=1000", "-p", "no:cacheprovider", "-p", "no:xdist", root], plugins=[Listener()])


if __name__ == "__main__":
    main()
