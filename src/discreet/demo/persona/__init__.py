"""The demo's person, Nora Lindqvist: her facts, mail, calendar, contacts and files. All of it is made up."""
