"""Worked examples in the planner's prompt: each is shown only if every tool it uses is there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discreet.kernel.contract import Contract

_CALL = re.compile(r"\b([a-z]\w*\.[a-z]\w*)\((?=\w+=)")

_EXAMPLES = (
    (
        "today is Monday 2026-05-04\nrequest: Let [[1]] know I'm running ten minutes late.",
        """\
person = contacts.find(name="[[1]]")
mail.send(to=person.email, subject="Running late", body="I'm running ten minutes late.")
print("I told [[1]].")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: What is my loyalty number for the railway?",
        """\
number = memory.recall(type="purchase/membership", query="railway loyalty number")
print(f"Your loyalty number is {number}.")""",
    ),
    (
        "today is Monday 2026-05-04\nThursday 6pm = datetime(2026, 5, 7, 18, 0)\nrequest: Block two hours on Thursday at 6pm for choir practice in the parish hall.",
        """\
calendar.add(title="Choir practice", start=datetime(2026, 5, 7, 18, 0), minutes=120, place="parish hall")
print("Choir practice is in your calendar.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Get two bags of my usual beans from Harbour Roasters, no more than 40 euros in all.",
        """\
wanted = memory.recall(type="preference/product", query="coffee beans")
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Harbour Roasters", query=wanted)
fitting = [i for i in items if i.in_stock and i.price * 2 <= 40]
item = min(fitting, key=lambda x: x.price)
order = shop.checkout(shop="Harbour Roasters", item=item.id, address=address, card=card, max_total=40, quantity=2)
print(f"Ordered: {order.total:.2f} euros, delivery on {order.delivery:%d %B}.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: [[1]] wants the small globe from Atlas House, have it shipped to her.",
        """\
person = contacts.find(name="[[1]]")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Atlas House", query="small globe")
item = next((i for i in items if i.in_stock), None)
if item is None:
    print("Atlas House has no small globe in stock.")
else:
    order = shop.checkout(shop="Atlas House", item=item.id, address=person.address, card=card, max_total=item.price)
    print(f"Ordered for [[1]]: {item.title}, {order.total:.2f} euros.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: When is the boiler service that Castle Heating wrote about? Put it in my calendar.",
        """\
mails = mail.search(sender="Castle Heating")
found = next((m for m in mails if "boiler" in m.subject.lower()), mails[0])
text = mail.read(id=found.id)
r = read(text, "When does the boiler service start?", {"start": datetime})
calendar.add(title="Boiler service, Castle Heating", start=r.start)
print(f"The boiler service is on {r.start:%d %B at %H:%M}.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Answer my landlord's last mail: the plumber may come any morning.",
        """\
landlord = contacts.find(name="my landlord")
mails = mail.search(sender=landlord.email)
mail.reply(id=mails[0].id, to=landlord.email, body="The plumber may come any morning.")
print("I answered your landlord.")""",
    ),
    (
        "today is Monday 2026-05-04\nWednesday = date(2026, 5, 6)\nrequest: Am I free on Wednesday? If so, invite [[1]] and my sister to a picnic at noon.",
        """\
events = calendar.list(start=date(2026, 5, 6), end=date(2026, 5, 6))
first = contacts.find(name="[[1]]")
sister = contacts.find(name="my sister")
if len(events) == 0:
    calendar.add(title="Picnic", start=datetime(2026, 5, 6, 12, 0), attendees=[first.email, sister.email])
    print("You are free; both are invited to the picnic.")
else:
    print(f"You are not free: {events[0].title} at {events[0].start:%H:%M}.")""",
    ),
    (
        "today is Monday 2026-05-04\nApril = date(2026, 4, 1)\nrequest: How much did the garage bill me since April in total?",
        """\
total = 0
mails = mail.search(sender="garage", since=date(2026, 4, 1))
for m in [m for m in mails if "invoice" in m.subject.lower()][:10]:
    r = read(mail.read(id=m.id), "What is the amount due?", {"amount": float})
    total = total + r.amount
print(f"In total {total:.2f} euros.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Of the lamps at Lumen House, which has the best rating below 60 euros?",
        """\
items = shop.search(shop="Lumen House", query="lamp")
fitting = [i for i in items if i.price < 60]
best = max(fitting, key=lambda x: x.rating)
print(f"{best.title}: {best.rating} stars, {best.price:.2f} euros.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Send what is in the newest file of my garden folder to [[1]].",
        """\
found = files.list(folder="garden")
newest = max(found, key=lambda x: x.modified)
text = files.read(path=newest.path)
mail.send(to="[[1]]", subject=newest.name, body=text)
print(f"I sent {newest.name}.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Tell them I'll come.",
        """\
print("Whom shall I tell, and what will you come to?")""",
    ),
    (
        "today is Monday 2026-05-04\nSunday = date(2026, 5, 10)\nrequest: Take the meeting with [[1]] on Sunday out of my calendar and tell him why: I have [[2]].",
        """\
person = contacts.find(name="[[1]]")
events = calendar.list(start=date(2026, 5, 10), end=date(2026, 5, 10))
event = next((e for e in events if "meeting" in e.title.lower()), None)
if event is None:
    print("There is no meeting with [[1]] on Sunday.")
else:
    calendar.remove(id=event.id)
    mail.send(to=person.email, subject="Our meeting on Sunday", body="I can't come to our meeting on Sunday: I have [[2]].")
    print("The meeting is off and [[1]] knows why.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: From now on my shirts are size L, keep that.",
        """\
memory.remember(type="body/clothing-size", fact="shirts: size L")
print("I'll remember it.")""",
    ),
)


def examples_for(contracts: Mapping[str, Contract]) -> list[tuple[str, str]]:
    """(the user's turn, the plan) of every example that these tools suffice for."""
    return [(asked, plan) for asked, plan in _EXAMPLES if set(_CALL.findall(plan)) <= set(contracts)]
