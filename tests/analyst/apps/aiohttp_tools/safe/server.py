import asyncio
import json

from aiohttp import web
from jinja2 import Environment

routes = web.RouteTableDef()
templates = Environment(autoescape=True)
SOURCES = {"news": "https://news.example.org/"}


@routes.get("/card")
async def card(request):
    page = templates.from_string("<h1>Card of {{ name }}</h1>")
    return web.Response(text=page.render(name=request.query.get("name", "me")), content_type="text/html")


@routes.post("/count")
async def count(request):
    data = await request.post()
    process = await asyncio.create_subprocess_exec("wc", "-w", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate(data["text"].encode())
    return web.Response(text=out.decode())


@routes.post("/mirror")
async def mirror(request):
    wanted = json.loads(await request.text())
    if wanted.get("source") not in SOURCES:
        return web.json_response({"error": "unknown source"}, status=400)
    return web.json_response({"source": SOURCES[wanted["source"]]})


@routes.get("/out")
async def out(request):
    target = request.query.get("u", "/")
    raise web.HTTPFound(target if target in ("/", "/card/me") else "/")


def main():
    app = web.Application()
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(main())
