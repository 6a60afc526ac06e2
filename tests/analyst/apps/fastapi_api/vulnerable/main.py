import sqlite3
import subprocess
import tarfile
import io
import os

import httpx
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, File, Form, Header, HTTPException, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel

app = FastAPI()
router = APIRouter(prefix="/api")


def connection():
    made = sqlite3.connect("people.db", check_same_thread=False)
    made.execute("CREATE TABLE IF NOT EXISTS people (id INTEGER, name TEXT)")
    try:
        yield made
    finally:
        made.close()


class Query(BaseModel):
    name: str
    limit: int = 10


class Hook(BaseModel):
    url: str
    label: str = "hook"


@router.post("/people")
def people(query: Query, db=Depends(connection)):
    return db.execute(f"SELECT * FROM people WHERE name = '{query.name}' LIMIT {query.limit}").fetchall()


@router.post("/hooks")
async def hooks(hook: Hook):
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(hook.url, timeout=2)
        except httpx.HTTPError as error:
            raise HTTPException(502, str(error))
    return {"label": hook.label, "status": answer.status_code}


@router.get("/lookup")
def lookup(host: str):
    return PlainTextResponse(subprocess.getoutput(f"echo looking for {host}"))


@router.post("/unpack")
async def unpack(bundle: UploadFile = File(...)):
    with tarfile.open(fileobj=io.BytesIO(await bundle.read())) as archive:
        archive.extractall("incoming", filter="fully_trusted")
    return os.listdir("incoming")


@router.post("/store")
async def store(document: UploadFile = File(...)):
    os.makedirs("incoming", exist_ok=True)
    with open(os.path.join("incoming", document.filename), "wb") as stream:
        stream.write(await document.read())
    return {"kept": True}


@app.post("/comment", response_class=HTMLResponse)
def comment(text: str = Form(...)):
    return f"<article>{text}</article>"


@app.get("/trace", response_class=HTMLResponse)
def trace(x_request_tag: str = Header("none")):
    return "<pre>" + x_request_tag + "</pre>"


app.include_router(router)

if __name__ == "__main__":
    uvicorn.run(app)
