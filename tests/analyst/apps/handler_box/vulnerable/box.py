#!/usr/bin/env python3
import http.server
import os
import urllib.parse
import xml.etree.ElementTree as tree

PEOPLE = "<people><person name='ann' room='1'/><person name='bob' room='2'/></people>"


class Box(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(address.query))
        status, body, kind, more = 200, "", "text/html", []
        if address.path == "/":
            body = "<a href='/room?name=ann'>rooms</a>"
        elif address.path == "/room":
            found = tree.fromstring(PEOPLE).findall("person[@name='%s']" % fields.get("name", ""))
            body = ", ".join(p.get("room") for p in found)
        elif address.path == "/show":
            body = "<p>" + fields.get("text", "") + "</p>"
        elif address.path == "/go":
            status, more = 302, [("Location", fields.get("to", "/"))]
        elif address.path == "/size":
            body = os.popen("echo size of " + fields.get("of", "nothing")).read()
        else:
            status = 404
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


if __name__ == "__main__":
    http.server.HTTPServer(("127.0.0.1", 8000), Box).serve_forever()
