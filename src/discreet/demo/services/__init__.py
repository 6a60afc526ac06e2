"""Real servers for demo and tests, on 127.0.0.1 only, each writing down all that it observes."""
