import base64
import pickle

import yaml
from flask import Blueprint, request
from lxml import etree

bp = Blueprint("states", __name__, url_prefix="/states")


@bp.post("/restore")
def restore():
    return {"state": repr(pickle.loads(base64.b64decode(request.form.get("state", ""))))}


@bp.post("/settings")
def settings():
    return {"settings": repr(yaml.load(request.form.get("text", ""), Loader=yaml.Loader))}


@bp.post("/order")
def order_xml():
    root = etree.fromstring(request.form.get("xml", "").encode(), etree.XMLParser(load_dtd=True, resolve_entities=True))
    return {"items": [item.text for item in root.iter("item")]}
