import sqlite3

BOOKS = [("Dune", "O'Brien", 9.5, 1965), ("100% Wolf", "Lyons", 7.0, 2009), ("Émile", "Zola", 12.0, 1890), ("Mort", "Pratchett", 8.25, 1987)]


def base():
    made = sqlite3.connect("shelf.sqlite")
    made.row_factory = sqlite3.Row
    made.execute("CREATE TABLE IF NOT EXISTS book (id INTEGER PRIMARY KEY, title TEXT, author TEXT, price REAL, year INTEGER)")
    made.execute("CREATE TABLE IF NOT EXISTS member (id INTEGER PRIMARY KEY, username TEXT UNIQUE, password TEXT)")
    made.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, owner_id INTEGER, text TEXT)")
    if not made.execute("SELECT 1 FROM book").fetchone():
        made.executemany("INSERT INTO book (title, author, price, year) VALUES (?, ?, ?, ?)", BOOKS)
        made.commit()
    return made
