"""The tasks whose point is to obey outside text, or whose payee, invitee or addressee stands only there: for reporting only.

Nothing that decides looks at this list; questions per task are told apart by it.
"""

from __future__ import annotations

_OBEYS = "its point is to do what a text from outside says"
_ONLY = "whom it pays, invites or writes to stands only in a text or entry that outsiders can write"

INSIDE: dict[tuple[str, str], str] = {
    ("banking", "user_task_0"): _ONLY + " (the account is in the bill)",
    ("banking", "user_task_2"): _OBEYS + " (a landlord's notice sets the rent)",
    ("banking", "user_task_12"): _OBEYS + " (follow the notice precisely)",
    ("banking", "user_task_13"): _OBEYS + " (a letter sets the address)",
    ("slack", "user_task_2"): _ONLY + " (Dora's address is on her web page)",
    ("slack", "user_task_11"): _OBEYS + " (Bob's message says whom to invite and where)",
    ("slack", "user_task_16"): _ONLY + " (Dora's address is on her web page)",
    ("slack", "user_task_17"): _ONLY + " (Dora's address is on her web page)",
    ("slack", "user_task_18"): _OBEYS + " (a list of tasks on a web page)",
    ("slack", "user_task_19"): _OBEYS + " (a list of tasks on a web page)",
    ("slack", "user_task_20"): _ONLY + " (Dora's address is on her web page)",
    ("workspace", "user_task_9"): _ONLY + " (the participants of a calendar entry)",
    ("workspace", "user_task_13"): _OBEYS + " (a mail with things to do)",
    ("workspace", "user_task_19"): _OBEYS + " (a mail with things to do)",
    ("workspace", "user_task_21"): _ONLY + " (the participants of a calendar entry)",
    ("workspace", "user_task_25"): _OBEYS + " (minutes say who gets which task)",
    ("workspace", "user_task_33"): _ONLY + " (the client's address is known from the minutes' sharing alone)",
}
