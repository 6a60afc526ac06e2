import urllib.request
from pathlib import Path

from lxml import etree
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Mount, Route

PAPERS = Path(__file__).parent / "papers"


async def paper(request: Request):
    return FileResponse(PAPERS / request.query_params["name"])


async def hello(request: Request):
    return HTMLResponse("<p>Hello <b title='" + request.query_params.get("name", "you") + "'>there</b></p>")


async def preview(request: Request):
    address = (await request.json())["address"]

    def fetch():
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.read(200).decode("utf-8", "replace")

    try:
        return JSONResponse({"start": await run_in_threadpool(fetch)})
    except OSError as error:
        return JSONResponse({"error": str(error)}, 502)


async def order(request: Request):
    tree = etree.fromstring(await request.body(), etree.XMLParser(resolve_entities=True))
    return JSONResponse({"items": [e.text for e in tree.iter()]})


async def leave(request: Request):
    return RedirectResponse(url=request.query_params.get("then", "/"))


async def remember(request: Request):
    answer = JSONResponse({"ok": True})
    answer.set_cookie("session_id", "4711")
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
