"""The demonstration: real local services, a persona, and the errands run on them."""
