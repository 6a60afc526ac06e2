"""Contracts of the travel suite: a travel service, the user's profile there, a calendar and a mailbox.

The service vouches for names, prices, ratings, addresses and hours; guests write the reviews. Its texts ("Rating: 4.2 Reviews:
…") are taken apart here, by position and never by what a guest wrote.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from discreet.evidence.agentdojo.house import House, Services, acting, arg, key, reading, service
from discreet.evidence.agentdojo.office import PROVIDERS, correspondents, create_event, day_events, search_events, send_email
from discreet.kernel.contract import Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, dict_of, list_of, record_of, scalar, text
from discreet.tools.directory import Directory
from discreet.tools.registry import Tool

SERVICE = "travel-service"
OFFERS = Place("travel", label((), (SERVICE,)), (SERVICE,), SERVICE)
BOOKINGS = Place("travel/bookings", label((("schedule/travel", "user"),), (SERVICE,)), (SERVICE,), SERVICE)

_name = text(max=200, attested=True)
_names = list_of(_name, 50)
_price = scalar("float", max=1_000_000, attested=True)
_rated = record_of("Rated", rating=scalar("float", max=10, attested=True), reviews=list_of(text(max=20_000, sources=("guests",)), 50))
_range = record_of("PriceRange", min=_price, max=_price)
_flight = record_of(
    "Flight", airline=_name, flight_number=_name, departure_time=scalar("datetime", attested=True), arrival_time=scalar("datetime", attested=True),
    price=_price, contact=_name,
)  # fmt: skip
_booked = record_of("Booked", message=text(max=1_000))
_profile = record_of(
    "UserInformation",
    **{field: text((type_, "user"), max=200) for field, type_ in {
        "first_name": "contact/name", "last_name": "contact/name", "id_number": "identity/national-number", "email": "contact/email",
        "phone_number": "contact/phone", "address": "contact/postal-address", "passport_number": "identity/passport",
        "bank_account_number": "finance/account", "credit_card_number": "finance/card"}.items()},
)  # fmt: skip


def travel(house: House) -> Services:
    """The tools of the travel service, the calendar and the mailbox."""
    city = key("city", text(max=100))
    hotels, restaurants, companies = (key(n, _names) for n in ("hotel_names", "restaurant_names", "company_name"))

    def look(name: str, summary: str, keys: tuple, result: Shape, run: Any) -> Tool:
        return reading(name, summary, keys, result, OFFERS, run, "purchase/search")

    def table(service_: str, function: str, summary: str, by: Any, element: Shape, cut: Any = lambda x: x) -> Tool:
        def run(**given: Any) -> dict[str, Any]:
            found = house.call(function, **{n: list(v) for n, v in given.items()})
            return {name: cut(value) for name, value in found.items()}

        return look(f"{service_}.{function}", summary, (by,), dict_of(element), run)

    def listed(service_: str, function: str, summary: str) -> Tool:
        return look(f"{service_}.{function}", summary, (city,), _names, lambda city: _lines(house.call(function, city=city)))

    tools = (
        reading("travel.get_user_information", "the user's own data as used for bookings", (), _profile, OFFERS, lambda: _own(house.call("get_user_information"))),
        listed("hotels", "get_all_hotels_in_city", "names of hotels in a city"),
        table("hotels", "get_hotels_prices", "price range a night, by hotel name", hotels, _range, _between),
        table("hotels", "get_rating_reviews_for_hotels", "rating and guests' reviews, by hotel name", hotels, _rated, _reviewed),
        look("hotels.get_hotels_address", "address of a hotel, by its name", (key("hotel_name", text(max=200)),), dict_of(_name),
             lambda hotel_name: house.call("get_hotels_address", hotel_name=hotel_name)),
        listed("restaurants", "get_all_restaurants_in_city", "names of restaurants in a city"),
        table("restaurants", "get_cuisine_type_for_restaurants", "cuisine, by restaurant name", restaurants, _name),
        table("restaurants", "get_restaurants_address", "address, by restaurant name", restaurants, _name),
        table("restaurants", "get_rating_reviews_for_restaurants", "rating and guests' reviews, by restaurant name", restaurants, _rated, _reviewed),
        table("restaurants", "get_dietary_restrictions_for_all_restaurants", "such as Vegan available, by restaurant name", restaurants, _name),
        table("restaurants", "get_contact_information_for_restaurants", "telephone, by restaurant name", restaurants, _name),
        table("restaurants", "get_price_for_restaurants", "price per person, by restaurant name", restaurants, _price),
        table("restaurants", "check_restaurant_opening_hours", "hours and days such as open on Mondays, by restaurant name", restaurants, _name),
        listed("cars", "get_all_car_rental_companies_in_city", "names of car rental companies in a city"),
        table("cars", "get_car_types_available", "car types such as SUV, by company", companies, list_of(_name, 20)),
        table("cars", "get_rating_reviews_for_car_rental", "rating and guests' reviews, by company", companies, _rated, _reviewed),
        table("cars", "get_car_rental_address", "address, by company", companies, _name),
        table("cars", "get_car_fuel_options", "fuels such as Electric, by company", companies, list_of(_name, 20)),
        table("cars", "get_car_price_per_day", "price per day, by company", companies, _price),
        look("flights.get_flight_information", "flights from a city to another", (key("departure_city", text(max=100)), key("arrival_city", text(max=100))),
             list_of(_flight), lambda **cities: _flights(house.call("get_flight_information", **cities))),
        *_reservations(house),
        create_event(house), search_events(house), day_events(house), _cancel(house), send_email(house),
    )  # fmt: skip
    fixed = {**PROVIDERS, SERVICE: service(SERVICE, "merchant/travel", "resolved", name="the travel service")}
    return Services(tools, Directory(correspondents(house.environment), fixed))


def _cancel(house: House) -> Tool:
    from discreet.evidence.agentdojo.office import cancel_event

    return cancel_event(house)


def _reservations(house: House) -> tuple[Tool, ...]:
    day = scalar("date")
    moment = scalar("datetime")

    def who(name: str) -> Any:
        return arg(name, text(max=200), Role.WHO, address="lodging")

    def made(function: str, **given: Any) -> dict[str, str]:
        return {"message": house.call(function, **given)}

    return (
        acting("hotels.reserve_hotel", "book a room", (who("hotel"), arg("start_day", day, Role.WHAT), arg("end_day", day, Role.WHAT)), _booked, BOOKINGS,
               lambda hotel, start_day, end_day: made("reserve_hotel", hotel=hotel, start_day=start_day.isoformat(), end_day=end_day.isoformat()),
               "purchase/order"),
        acting("restaurants.reserve_restaurant", "book a table for two hours", (who("restaurant"), arg("start_time", moment, Role.WHAT)), _booked, BOOKINGS,
               lambda restaurant, start_time: made("reserve_restaurant", restaurant=restaurant, start_time=_minute(start_time)), "purchase/order"),
        acting("cars.reserve_car_rental", "book a car", (who("company"), arg("start_time", moment, Role.WHAT), arg("end_time", moment, Role.WHAT)), _booked, BOOKINGS,
               lambda company, start_time, end_time: made("reserve_car_rental", company=company, start_time=_minute(start_time), end_time=_minute(end_time)),
               "purchase/order"),
    )  # fmt: skip


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _lines(found: str) -> list[str]:
    """Names behind the first colon, one a line."""
    return [line.strip() for line in found.partition(": ")[2].splitlines() if line.strip()]


def _between(found: str) -> dict[str, float]:
    low, high = re.fullmatch(r"Price range: ([\d.]+) - ([\d.]+)", found).groups()
    return {"min": float(low), "max": float(high)}


def _reviewed(found: str) -> dict[str, Any]:
    """The rating stands alone on the first line, which no guest writes."""
    head, _, rest = found.partition("\n")
    return {"rating": float(head.removeprefix("Rating: ")), "reviews": rest.removeprefix("Reviews: ").splitlines()[:50]}


def _flights(found: str) -> list[dict[str, Any]]:
    flights = []
    for line in found.splitlines():
        part = dict(p.split(": ", 1) for p in line.split(", ") if ": " in p)
        flights.append({
            "airline": part["Airline"], "flight_number": part["Flight Number"], "departure_time": dt.datetime.fromisoformat(part["Departure Time"]),
            "arrival_time": dt.datetime.fromisoformat(part["Arrival Time"]), "price": float(part["Price"]), "contact": part.get("Contact Information", ""),
        })  # fmt: skip
    return flights


def _own(found: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace(" ", "_"): value for name, value in found.items()}
