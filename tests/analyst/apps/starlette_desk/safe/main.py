import html
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Mount, Route

PAPERS = (Path(__file__).parent / "papers").resolve()
HOSTS = {"pages.example.org"}


async def paper(request: Request):
    wanted = (PAPERS / request.query_params["name"]).resolve()
    if not wanted.is_relative_to(PAPERS) or not wanted.is_file():
        return JSONResponse({"error": "not there"}, 404)
    return FileResponse(wanted)


async def hello(request: Request):
    return HTMLResponse("<p>Hello <b title='" + html.escape(request.query_params.get("name", "you"), quote=True) + "'>there</b></p>")


async def preview(request: Request):
    address = (await request.json())["address"]
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname not in HOSTS or parts.port not in (None, 443) or "@" in parts.netloc:
        return JSONResponse({"error": "not allowed"}, 400)

    def fetch():
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.read(200).decode("utf-8", "replace")

    try:
        return JSONResponse({"start": await run_in_threadpool(fetch)})
    except OSError as error:
        return JSONResponse({"error": str(error)}, 502)


async def order(request: Request):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(await request.body(), parser)
    except etree.XMLSyntaxError:
        return JSONResponse({"error": "not XML"}, 400)
    return JSONResponse({"items": [e.text for e in tree.iter()]})


async def leave(request: Request):
    target = request.query_params.get("then", "/")
    return RedirectResponse(url=target if target in ("/", "/hello", "/paper") else "/")


async def remember(request: Request):
    answer = JSONResponse({"ok": True})
    answer.set_cookie("session_id", "4711", secure=True, httponly=True, samesite="lax")
    answer.set_cookie("language", request.query_params.get("language", "en"))
    return answer


app = Starlette(
    routes=[
        Route("/paper", paper),
        Route("/hello", hello),
        Mount("/tools", routes=[Route("/preview", preview, methods=["POST"]), Route("/order", order, methods=["POST"])]),
        Route("/leave", leave),
        Route("/remember", remember),
    ]
)
