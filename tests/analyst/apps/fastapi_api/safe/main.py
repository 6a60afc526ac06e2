import html
import io
import os
import sqlite3
import subprocess
import tarfile
import uuid

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


@router.post("/people")
def people(query: Query, db=Depends(connection)):
    return db.execute(f"SELECT * FROM people WHERE name = ? LIMIT {query.limit}", (query.name,)).fetchall()


@router.get("/lookup")
def lookup(host: str):
    return PlainTextResponse(subprocess.run(["echo", "looking for", host], capture_output=True, text=True).stdout)


@router.post("/unpack")
async def unpack(bundle: UploadFile = File(...)):
    try:
        with tarfile.open(fileobj=io.BytesIO(await bundle.read())) as archive:
            archive.extractall("incoming", filter="data")
    except tarfile.TarError:
        raise HTTPException(400, "not a bundle")
    return os.listdir("incoming")


@router.post("/store")
async def store(document: UploadFile = File(...)):
    os.makedirs("incoming", exist_ok=True)
    with open(os.path.join("incoming", uuid.uuid4().hex), "wb") as stream:
        stream.write(await document.read())
    return {"kept": document.filename}


@app.post("/comment", response_class=HTMLResponse)
def comment(text: str = Form(...)):
    return f"<article>{html.escape(text)}</article>"


@app.get("/trace")
def trace(x_request_tag: str = Header("none")):
    return {"tag": x_request_tag}


app.include_router(router)

if __name__ == "__main__":
    uvicorn.run(app)
