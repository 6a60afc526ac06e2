"""Worked examples for the planner: a fixed few that every request is planned after, and those of the kind that it is of.

An example is shown only if every tool it uses is there. A local model digests the fixed ones once, and each kind once on top of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from discreet.kernel.contract import Contract

Example = tuple[str, str]  # the user's turn, the plan

_CALL = re.compile(r"\b([a-z]\w*\.[a-z]\w*)\((?=\w+=)")

# One of each kind; these open every conversation and are digested once.
_FIXED = (
    (
        "today is Monday 2026-05-04\nrequest: Let [[1]] know the ladder is back in the shed.",
        """\
person = contacts.find(name="[[1]]")
mail.send(to=person.email, subject="The ladder", body="The ladder is back in the shed.")
print("I told [[1]].")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: What is my loyalty number for the ferry?",
        """\
number = memory.recall(type="purchase/membership", query="ferry loyalty number")
print(f"Your loyalty number is {number}.")""",
    ),
    (
        "today is Monday 2026-05-04\nThursday 6pm = datetime(2026, 5, 7, 18, 0)\nrequest: Block two hours on Thursday at 6pm for choir practice in the parish hall.",
        """\
calendar.add(title="Choir practice", start=datetime(2026, 5, 7, 18, 0), minutes=120, place="parish hall")
print("Choir practice is in your calendar.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Get two jars of my usual honey from Harbour Grocers, no more than 40 euros in all.",
        """\
wanted = memory.recall(type="preference/product", query="honey")
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Harbour Grocers", query=wanted)
item = next((i for i in items if i.in_stock), items[0])
order = shop.checkout(shop="Harbour Grocers", item=item.id, address=address, card=card, max_total=40, quantity=2)
print(f"Ordered: {item.title}, {order.total:.2f} euros, delivery on {order.delivery:%d %B}.")""",
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
        "today is Monday 2026-05-04\nrequest: Answer my neighbour's last mail: the plumber may come any morning.",
        """\
neighbour = contacts.find(name="my neighbour")
mails = mail.search(sender=neighbour.email)
mail.reply(id=mails[0].id, to=neighbour.email, body="The plumber may come any morning.")
print("I answered your neighbour.")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Tell them I'll come.",
        """\
print("Whom shall I tell, and what will you come to?")""",
    ),
    (
        "today is Monday 2026-05-04\nrequest: Water the lawn this evening.",
        """\
print("I cannot water the lawn: I have no tool for that.")""",
    ),
)

# More of one kind each, after the fixed ones.
_KINDS: Mapping[str, tuple[Example, ...]] = {
    "rest": (
        (
            "today is Monday 2026-05-04\nrequest: Ask my plumber whether he has a spare tap.",
            """\
plumber = contacts.find(name="my plumber")
mail.send(to=plumber.email, subject="A spare tap", body="Do you have a spare tap?")
print("I asked your plumber.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Tell my aunt and [[1]] that the concert is sold out.",
            """\
aunt = contacts.find(name="my aunt")
other = contacts.find(name="[[1]]")
mail.send(to=aunt.email, subject="The concert", body="The concert is sold out.")
mail.send(to=other.email, subject="The concert", body="The concert is sold out.")
print("I told your aunt and [[1]].")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: My cousin wants my bank account number, mail it to him.",
            """\
cousin = contacts.find(name="my cousin")
account = memory.recall(type="finance/account", query="bank account number")
mail.send(to=cousin.email, subject="My bank account", body=f"My account number is {account}.")
print("I sent your cousin the account number.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Tell my host that I don't drink wine and that I take tea without milk.",
            """\
host = contacts.find(name="my host")
mail.send(to=host.email, subject="What I drink", body="I don't drink wine, and I take tea without milk.")
print("I told your host.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Send what is in the newest file of my garden folder to [[1]].",
            """\
person = contacts.find(name="[[1]]")
found = files.list(folder="garden")
newest = max(found, key=lambda x: x.modified)
text = files.read(path=newest.path)
mail.send(to=person.email, subject=newest.name, body=text)
print(f"I sent {newest.name}.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: My sister asks for the text of packing.txt from the folder travel, mail it to her.",
            """\
sister = contacts.find(name="my sister")
text = files.read(path="travel/packing.txt")
mail.send(to=sister.email, subject="packing.txt", body=text)
print("I sent packing.txt to your sister.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Keep in mind that I take the lower bunk on night trains.",
            """\
memory.remember(type="preference/room", fact="lower bunk on night trains")
print("I'll remember it.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Read https://zoo.example/prices and say what a child pays.",
            """\
text = web.read(url="https://zoo.example/prices")
r = read(text, "What does a child pay?", {"price": str})
print(f"A child pays {r.price}.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Find out on the web when the night market begins and put that in my diary.",
            """\
pages = web.search(query="night market")
text = web.read(url=pages[0].url)
r = read(text, "When does the night market begin?", {"start": datetime})
calendar.add(title="Night market", start=r.start)
print(f"The night market begins on {r.start:%d %B at %H:%M}.")""",
        ),
    ),
    "mails": (
        (
            "today is Monday 2026-05-04\nrequest: [[1]] asked in a mail whether she can borrow the drill. Say yes.",
            """\
person = contacts.find(name="[[1]]")
mails = mail.search(sender=person.email)
mail.reply(id=mails[0].id, to=person.email, body="Yes, you can borrow the drill.")
print("I answered [[1]].")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: My physiotherapist wants a yes to the new slot, please answer.",
            """\
physiotherapist = contacts.find(name="my physiotherapist")
mails = mail.search(sender=physiotherapist.email)
mail.reply(id=mails[0].id, to=physiotherapist.email, body="Yes, the new slot suits me.")
print("I answered your physiotherapist.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Until when does the offer hold that Harbour Motors mailed, and what is its number?",
            """\
mails = mail.search(sender="Harbour Motors")
found = next((m for m in mails if "offer" in m.subject.lower()), mails[0])
text = mail.read(id=found.id)
r = read(text, "Until when does the offer hold, and what is its number?", {"until": date, "number": str})
print(f"The offer {r.number} holds until {r.until:%d %B}.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: What does my coach say in his mail about the fee?",
            """\
coach = contacts.find(name="my coach")
mails = mail.search(sender=coach.email)
text = mail.read(id=mails[0].id)
r = read(text, "What is said about the fee?", {"fee": str})
print(f"About the fee: {r.fee}")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: My coach mailed me when the tournament is. Put it down in my calendar, with the place.",
            """\
coach = contacts.find(name="my coach")
mails = mail.search(sender=coach.email)
text = mail.read(id=mails[0].id)
r = read(text, "When and where is the tournament?", {"start": datetime, "place": str})
calendar.add(title="Tournament", start=r.start, place=r.place)
print(f"The tournament is on {r.start:%d %B at %H:%M}.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Mail my uncle the time and the hall of the fair that Castle Events wrote about.",
            """\
uncle = contacts.find(name="my uncle")
mails = mail.search(sender="Castle Events")
found = next((m for m in mails if "fair" in m.subject.lower()), mails[0])
text = mail.read(id=found.id)
r = read(text, "When does the fair start, and in which hall?", {"start": datetime, "hall": str})
mail.send(to=uncle.email, subject="The fair", body=f"The fair starts on {r.start:%d %B at %H:%M}, hall {r.hall}.")
print("I sent your uncle the time and the hall.")""",
        ),
        (
            "today is Monday 2026-05-04\nApril = date(2026, 4, 1)\nrequest: How much did the garage charge me since April in total?",
            """\
total = 0
mails = mail.search(sender="garage", since=date(2026, 4, 1))
for m in mails[:10]:
    r = read(mail.read(id=m.id), "What is the amount due?", {"amount": float})
    total = total + r.amount
print(f"In total {total:.2f} euros.")""",
        ),
    ),
    "calendar": (
        (
            "today is Monday 2026-05-04\nSunday = date(2026, 5, 10)\nrequest: What have I got on Sunday?",
            """\
events = calendar.list(start=date(2026, 5, 10), end=date(2026, 5, 10))
if len(events) == 0:
    print("Nothing is in your calendar on Sunday.")
for e in events:
    print(f"{e.title} at {e.start:%H:%M}")""",
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
            "today is Monday 2026-05-04\nTuesday 2pm = datetime(2026, 5, 5, 14, 0)\nrequest: Set up a call with my lawyer on Tuesday at 2pm, half an hour, and invite him.",
            """\
lawyer = contacts.find(name="my lawyer")
calendar.add(title="Call with my lawyer", start=datetime(2026, 5, 5, 14, 0), minutes=30, attendees=[lawyer.email])
print("Your lawyer is invited to the call.")""",
        ),
        (
            "today is Monday 2026-05-04\n6 pm = hour 18, minute 0\nrequest: Put a barbecue on [[1]]'s birthday at 6 pm into my calendar.",
            """\
person = contacts.find(name="[[1]]")
birthday = person.birthday
calendar.add(title="Barbecue", start=datetime(2026, birthday.month, birthday.day, 18, 0))
print(f"The barbecue is on {birthday:%d %B}.")""",
        ),
        (
            "today is Monday 2026-05-04\nTuesday = date(2026, 5, 5)\nrequest: Swimming on Tuesday falls out, strike it from my calendar.",
            """\
events = calendar.list(start=date(2026, 5, 5), end=date(2026, 5, 5))
event = next((e for e in events if "swim" in e.title.lower()), None)
if event is None:
    print("There is no swimming on Tuesday.")
else:
    calendar.remove(id=event.id)
    print("Swimming is off.")""",
        ),
        (
            "today is Monday 2026-05-04\nSunday = date(2026, 5, 10)\nrequest: Call off Sunday's meeting with [[1]] and tell him why: I have [[2]].",
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
    ),
    "shop": (
        (
            "today is Monday 2026-05-04\nrequest: [[1]] wants the small globe from Atlas House, have it shipped to her.",
            """\
person = contacts.find(name="[[1]]")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Atlas House", query="small globe")
item = next((i for i in items if i.in_stock), items[0])
order = shop.checkout(shop="Atlas House", item=item.id, address=person.address, card=card, max_total=item.price)
print(f"Ordered for [[1]]: {item.title}, {order.total:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Get me [[1]] from Elm Chemist, at most 15 euros, it's for my [[2]]",
            """\
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Elm Chemist", query="[[1]]")
item = next((i for i in items if i.in_stock), items[0])
order = shop.checkout(shop="Elm Chemist", item=item.id, address=address, card=card, max_total=15)
print(f"Ordered: {item.title}, {order.total:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Order a bike bell at Wheelworks in case it is under 12 euros; if not, only say what it costs.",
            """\
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Wheelworks", query="bike bell")
item = min(items, key=lambda x: x.price)
if item.price < 12:
    order = shop.checkout(shop="Wheelworks", item=item.id, address=address, card=card, max_total=12)
    print(f"Ordered: {item.title}, {order.total:.2f} euros.")
else:
    print(f"{item.title} costs {item.price:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Buy a rain jacket of my size at Peak & Trail for up to 90 euros, note the delivery day in my calendar and write to my uncle when it comes",
            """\
size = memory.recall(type="body/clothing-size")
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
uncle = contacts.find(name="my uncle")
items = shop.search(shop="Peak & Trail", query="rain jacket")
fitting = [i for i in items if i.in_stock and i.price <= 90]
item = fitting[0]
order = shop.checkout(shop="Peak & Trail", item=item.id, address=address, card=card, max_total=90, size=size)
calendar.add(title="Delivery: rain jacket", start=order.delivery)
mail.send(to=uncle.email, subject="My rain jacket", body=f"My rain jacket comes on {order.delivery:%d %B}.")
print(f"Ordered: {item.title}, {order.total:.2f} euros; it comes on {order.delivery:%d %B}.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Of the tents at Peak & Trail, which has the most stars below 160 euros?",
            """\
items = shop.search(shop="Peak & Trail", query="tents")
fitting = [i for i in items if i.price < 160]
best = max(fitting, key=lambda x: x.rating)
print(f"{best.title}: {best.rating} stars, {best.price:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: Copper Pot: order the kettle with the most stars that is on stock and costs 45 euros at most",
            """\
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
items = shop.search(shop="Copper Pot", query="kettle")
fitting = [i for i in items if i.in_stock and i.price <= 45]
item = max(fitting, key=lambda x: x.rating)
order = shop.checkout(shop="Copper Pot", item=item.id, address=address, card=card, max_total=45)
print(f"Ordered: {item.title}, {order.total:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: the price of the cheapest kettle that Copper Pot has?",
            """\
items = shop.search(shop="Copper Pot", query="kettle")
item = min(items, key=lambda x: x.price)
print(f"{item.title} costs {item.price:.2f} euros.")""",
        ),
        (
            "today is Monday 2026-05-04\nrequest: How many one-star reviews does the Trek tent at Peak & Trail have?",
            """\
items = shop.search(shop="Peak & Trail", query="Trek tent")
reviews = shop.reviews(shop="Peak & Trail", item=items[0].id)
bad = [r for r in reviews if r.stars == 1]
print(f"{len(bad)} reviews give {items[0].title} one star.")""",
        ),
    ),
}

# By what a request is told to be of a kind; the first that fits, else it is of the last kind.
_CUES = {
    "mails": r"\b(?:wrote|written|did .{1,40} write|mailed|sent me|in (?:a|his|her|its|their|the) e?-?mail|invoices?|tickets?|bill(?:s|ed)?|charged?|parcel|repl(?:y|ies)|answer"
    r"|respond|confirm|get back to)\b|['’]s (?:\w+ )?e?-?mail\b|\bwants? (?:me|a yes|an answer)\b",
    "shop": r"\b(?:buy|order|purchase|reorder|shops?|stores?|prices?|costs?|cheap\w*|rated|ratings?|stars?|reviews?|stock|(?:we're|we are|i'm|i am|ran|run|running|nearly) out of|usual|euros?|ship(?:ped)?)\b",
    "calendar": r"\b(?:calendar|diary|invit\w*|cancel\w*|call off|free|busy|appointment|block|book|reserve|schedule|any(?:thing)? on|put (?:it |that |this )?in|set up"
    r"|remind\w*|pencil|slot)\b",
}  # fmt: skip
OTHER = "rest"


def examples_for(contracts: Mapping[str, Contract]) -> list[Example]:
    """(the user's turn, the plan) of every fixed example that these tools suffice for."""
    return [example for example in _FIXED if _fits(example[1], contracts)]


def examples_like(contracts: Mapping[str, Contract], request: str) -> list[Example]:
    """The examples of the request's kind that these tools suffice for."""
    return [example for example in _KINDS[kind_of(request)] if _fits(example[1], contracts)]


def kind_of(request: str) -> str:
    """What a request is mostly about, by its words."""
    return next((kind for kind, cue in _CUES.items() if re.search(cue, request, re.IGNORECASE)), OTHER)


def all_examples(contracts: Mapping[str, Contract]) -> list[Example]:
    """Every example that these tools suffice for."""
    return [one for examples in (_FIXED, *_KINDS.values()) for one in examples if _fits(one[1], contracts)]


def _fits(plan: str, contracts: Mapping[str, Contract]) -> bool:
    return set(_CALL.findall(plan)) <= set(contracts)
