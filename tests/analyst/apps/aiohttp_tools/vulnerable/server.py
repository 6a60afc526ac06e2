import asyncio
import json

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from jinja2 import Environment

routes = web.RouteTableDef()
templates = Environment()


@routes.get("/card")
async def card(request):
    page = templates.from_string("<h1>Card of " + request.query.get("name", "me") + "</h1>")
    return web.Response(text=page.render(), content_type="text/html")


@routes.post("/count")
async def count(request):
    data = await request.post()
    process = await asyncio.create_subprocess_shell("echo " + data["text"] + " | wc -w", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return web.Response(text=out.decode())


@routes.post("/mirror")
async def mirror(request):
    wanted = json.loads(await request.text())
    async with ClientSession(timeout=ClientTimeout(total=2)) as session:
        try:
            async with session.get(wanted["source"]) as answer:
                return web.json_response({"status": answer.status})
        except (ClientError, OSError) as error:
            return web.json_response({"error": str(error)}, status=502)


@routes.get("/out")
async def out(request):
    raise web.HTTPFound(request.query.get("u", "/"))


def main():
    app = web.Application()
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(main())
