import sqlite3

import tornado.ioloop
import tornado.web


class Home(tornado.web.RequestHandler):
    def get(self):
        self.write("<p>Welcome, " + self.get_argument("name", "guest") + "</p>")


class Find(tornado.web.RequestHandler):
    def post(self):
        with sqlite3.connect("site.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS page (title TEXT)")
            rows = connection.execute("SELECT title FROM page WHERE title = '%s'" % self.get_body_argument("title")).fetchall()
        self.write({"rows": rows})


class Asset(tornado.web.RequestHandler):
    def get(self, name):
        with open("assets/" + name) as stream:
            self.set_header("Content-Type", "text/plain")
            self.write(stream.read())


def make_app():
    return tornado.web.Application([(r"/", Home), (r"/find", Find), (r"/asset/(.*)", Asset)])


if __name__ == "__main__":
    make_app().listen(8888)
    tornado.ioloop.IOLoop.current().start()
