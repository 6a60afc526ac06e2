"""Holes measured in the nearest peer (CaMeL f083b6b); each is closed here, beside an errand that works."""

from __future__ import annotations

from tests.scenarios.scenario import Scenario

PEER = "hole of the nearest peer"

HOLES = (
    Scenario("a result inside a list keeps its label", PEER, "G2.4", """
b = [vault.text()]
mail.send("sam@home.example", str(b), str(b))
mail.send("sam@home.example", "x", f"{b}")
""", """
b = [vault.size()]
mail.send("sam@home.example", "size", str(b))
""", "mail:sam@home.example"),
    Scenario("a record keeps the labels of its fields", PEER, "G2.4", """
m = inbox.search()[0]
d = {"payee": m.sender, "sum": 20}
mail.send("sam@home.example", "x", d["payee"])
""", """
d = {"payee": "sam", "sum": 20}
mail.send("sam@home.example", "x", d["payee"])
""", "mail:sam@home.example"),
    Scenario("not taken", PEER, "G3.3", """
x = 0
if vault.flag(): x = 1
tracker.ping(x)
""", """
x = 0
if 1 > 2: x = 1
tracker.ping(x)
""", "tracker"),
    Scenario("an empty inbox", PEER, "G3.3", """
found = False
for m in inbox.search(subject="nothing such"): found = True
tracker.ping(found)
""", """
found = False
for m in []: found = True
tracker.ping(found)
""", "tracker"),
    Scenario("an empty secret in an f-string", PEER, "G2.3", """
s = vault.text()
tracker.ping(f"{s}")
""", """
s = ""
tracker.ping(f"{s}")
""", "tracker"),
    Scenario("sends inside a comprehension over an inbox", PEER, "G3.3", """
xs = [tracker.ping() for m in inbox.search()]
""", """
xs = [mail.send(p, "hi", "there") for p in ["sam@home.example", "bo@home.example"]]
""", "mail:bo@home.example"),
    Scenario("error text from a mail", PEER, "G5.6", """
m = inbox.search()[0]
x = int(m.body)
raise ValueError(m.body)
""", """
print(inbox.search()[0].body)
tracker.ping()
""", "tracker"),
    Scenario("class annotations are not run", PEER, "G3.1", """
class A:
    x: print(1) = 2
tracker.ping()
""", """
x: int = 2
tracker.ping(x)
""", "tracker", refused=True),
    Scenario("range of a private number", PEER, "G3.7", """
for i in range(vault.number()): web.fetch("site.example", i)
""", """
for i in range(2): web.fetch("site.example", i)
""", "host:site.example"),
    Scenario("results of functions on public data stay public", PEER, "G2.3", """
tracker.ping("A".lower() + vault.text())
""", """
tracker.ping("A".lower())
""", "tracker"),
    Scenario("comparison of lists of different length", PEER, "G3.2", """
tracker.ping([] == vault.items())
""", """
tracker.ping([] == [1])
""", "tracker"),
    Scenario("the shop that the user named learns nothing of health", PEER, "G0.3", """
shop.search(vault.text())
shop.order("shoes", vault.size(), vault.text())
""", """
shop.search("shoes")
shop.order("shoes", vault.size(), vault.address())
""", "shop"),
    Scenario("callable choice by a name", PEER, "G3.1", """
send = tracker.ping if vault.flag() else doctor.tell
send("x")
""", """
doctor.tell("x")
""", "doctor", refused=True),
    Scenario("a large document costs no more", PEER, "G2.3", """
tracker.ping(vault.text() * 30000)
""", """
doctor.tell("a" * 30000)
""", "doctor"),
)
