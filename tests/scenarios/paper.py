"""Holes that were found on paper in an earlier draft of the rules; each is a test from the first day."""

from __future__ import annotations

from tests.scenarios.scenario import Scenario

PAPER = "hole found on paper"

HOLES = (
    Scenario("label chosen by data", PAPER, "G2.5", """
m = inbox.search()
tracker.ping(m[0].subject)
x = vault.card()
tracker.ping(x.illness)
""", """
x = vault.card()
shop.search(x.size)
""", "shop"),
    Scenario("absence in the calendar", PAPER, "G2.6", """
if vault.flag():
    calendar.add("x", date(2026, 3, 9))
tracker.ping(len(calendar.find("x")))
""", """
calendar.add("x", date(2026, 3, 9))
doctor.tell(len(calendar.find("x")))
""", "doctor"),
    Scenario("absence in a shared place, seen by its owner", PAPER, "G2.6", """
if vault.flag():
    shop.search("x")
shop.search("y")
for i in [1, 2]:
    if vault.flag():
        continue
    shop.search("z")
""", """
shop.search("x")
""", "shop"),
    Scenario("public search under a secret test", PAPER, "G5.4", """
if vault.flag(): shop.search("socks")
""", """
if vault.size() > 40: shop.search("socks")
""", "shop"),
    Scenario("least of secret and public", PAPER, "G2.4", """
tracker.ping(min([vault.text(), "m"]))
tracker.ping(min(vault.text(), "m"))
""", """
tracker.ping(min(["a", "m"]))
""", "tracker"),
    Scenario("element of a dict with a secret beside it", PAPER, "G2.4", """
pub = 1
tracker.ping({pub: 1, vault.text(): 2}[pub])
tracker.ping({vault.number(): 2, pub: 1}[pub])
""", """
pub = 1
tracker.ping({pub: 1, 2: 2}[pub])
""", "tracker"),
    Scenario("alias appended under a secret test", PAPER, "G3.1", """
xs = [1]
ys = xs
if vault.flag():
    xs.append(2)
tracker.ping(len(ys))
""", """
xs = [1]
xs.append(2)
tracker.ping(len(xs))
""", "tracker", refused=True),
    Scenario("stored, then appended", PAPER, "G3.1", """
xs = []
d = [xs]
xs.append(1)
tracker.ping(d)
""", """
xs = []
xs.append(1)
d = [xs]
tracker.ping(d)
""", "tracker", refused=True),
    Scenario("appended under a secret test", PAPER, "G3.3", """
xs = [1]
if vault.flag():
    xs.append(2)
tracker.ping(len(xs))
tracker.ping(xs[0])
""", """
xs = [1]
if 2 > 1:
    xs.append(2)
tracker.ping(len(xs))
""", "tracker"),
    Scenario("break under a secret test", PAPER, "G3.3", """
for i in [1, 2, 3]:
    if i == vault.number():
        break
    tracker.ping(i)
tracker.ping(i)
""", """
for i in [1, 2, 3]:
    if i == 2:
        break
    tracker.ping(i)
""", "tracker"),
    Scenario("budget spent on a secret", PAPER, "G3.7", """
x = sorted(vault.items() * 900)
y = "a" * vault.number()
z = [read(t, "?") for t in vault.items()]
tracker.ping()
n = datetime.now()
w = read(vault.text(), "?")
tracker.ping(str(datetime.now() - n))
""", """
n = datetime.now()
tracker.ping(str(datetime.now() - n))
""", "tracker"),
    Scenario("one reader call more or less", PAPER, "G4.3", """
for t in vault.items():
    x = read(t, "what?")
tracker.ping(x.ok)
""", """
x = read("text", "what?")
tracker.ping(x.ok)
""", "tracker"),
    Scenario("raise, then a public send", PAPER, "G3.3", """
if vault.flag(): raise ValueError("x")
web.fetch("site.example", "/")
""", """
if 1 > 2: raise ValueError("x")
web.fetch("site.example", "/")
""", "host:site.example"),
    Scenario("delete in the mailbox, seen in a search", PAPER, "G2.6", """
if vault.flag():
    inbox.delete("m0")
tracker.ping(len(inbox.search(sender="sam@home.example")))
""", """
inbox.delete("m0")
tracker.ping()
""", "tracker"),
    Scenario("search of titles by a word", PAPER, "G2.6", """
tracker.ping(len(calendar.find("clinic")))
""", """
doctor.tell(len(calendar.find("clinic")))
""", "doctor"),
    Scenario("refusal as a free bit in a loop", PAPER, "G6.3", """
n = 0
for t in vault.items():
    r = tracker.ping(t)
    if not r.ok:
        n += 1
tracker.ping(n)
""", """
n = 0
for t in ["a", "b"]:
    r = tracker.ping(t)
    if r.ok:
        n += 1
tracker.ping(n)
""", "tracker"),
    Scenario("a tool call in a sort key", PAPER, "G3.1", """
xs = sorted(vault.items(), key=lambda x: tracker.ping())
""", """
xs = sorted([2, 1], key=lambda x: -x)
tracker.ping(xs)
""", "tracker", refused=True),
    Scenario("a tool call in next", PAPER, "G3.1", """
x = next((tracker.ping() for m in vault.items()), 0)
""", """
x = next((m for m in [1, 2] if m > 1), 0)
tracker.ping(x)
""", "tracker", refused=True),
    Scenario("recipients written by a stranger", PAPER, "G5.3", """
m = inbox.search()[0]
mail.many([m.sender, "sam@home.example"], vault.size())
""", """
mail.many(["bo@home.example", "sam@home.example"], vault.size())
""", "mail:bo@home.example"),
    Scenario("a secret told to the one of two who may not", PAPER, "G5.4", """
mail.many(["sam@home.example", "eve@evil.example"], vault.text())
""", """
mail.many(["sam@home.example", "bo@home.example"], "hi")
""", "mail:sam@home.example"),
    Scenario("private facts displace public ones", PAPER, "G7.2", """
tracker.ping(vault.fact("health") + vault.fact("size"))
""", """
shop.search(vault.fact("size"))
""", "shop"),
    Scenario("a described collection of the planner's choosing", PAPER, "G3.6", """
for m in inbox.search("invoice"):
    tracker.ping()
    pay.send("eve", 120)
""", """
pay.send("sam", 20)
""", "payee:sam"),
    Scenario("a look-up whose key is outside text", PAPER, "G3.6", """
c = contacts.find(inbox.search()[0].sender)
tracker.ping(c.ok)
""", """
c = contacts.find("Sam Lee")
mail.send(c.email, "a", "b")
""", "mail:sam@home.example"),
    Scenario("a number of calls that depends on a look-up", PAPER, "G3.8", """
c = contacts.find("Sam Lee")
for ch in c.email:
    tracker.ping()
""", """
for ch in "abc":
    tracker.ping(ch)
""", "tracker"),
    # not built yet: refused or denied by absence, and counted here
    Scenario("last four of a part of a card, repeated", PAPER, "G6.2", """
tracker.ping(vault.text()[-4:])
""", """
tracker.ping(views.last_four("card"))
""", "tracker", not_yet="views of stored facts are no tools of the plan language yet"),
    Scenario("a threshold bisected", PAPER, "G6.2", """
tracker.ping(vault.number() > 2)
""", """
tracker.ping(views.over("age", 18))
""", "tracker", not_yet="views of stored facts are no tools of the plan language yet"),
    Scenario("data-dependent work as literals of the next plan", PAPER, "G4.5", """
do(vault.text())
""", """
delegate(inbox.search()[0].body)
""", "tracker", not_yet="delegated plans are not built yet", refused=True),
    Scenario("a code mailed by the real issuer", PAPER, "G5.1", """
shop.order(find_codes(inbox.search()[0].body)[0])
""", """
shop.confirm(find_codes(inbox.search()[0].body)[0])
""", "shop", not_yet="completions of a challenge are not built yet"),
)
