import json
from pathlib import Path

from django.core import signing
from django.db import connection
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from .models import Product

MANUAL = (Path(__file__).parent / "manual").resolve()


def search(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, price FROM catalog_product WHERE name LIKE %s", ["%" + request.GET.get("q", "") + "%"])
        return JsonResponse({"found": cursor.fetchall()})


class Item(View):
    def get(self, request, number):
        order = request.GET.get("sort", "id")
        if order not in ("id", "name", "price"):
            order = "id"
        return JsonResponse({"rows": [r.name for r in Product.objects.filter(id__gte=number).order_by(order)]})


def banner(request):
    return HttpResponse(format_html("<h1>{}</h1>", request.GET.get("text", "")))


@csrf_exempt
def away(request):
    to = request.POST.get("to") or request.GET.get("to", "/")
    return HttpResponseRedirect(to if url_has_allowed_host_and_scheme(to, allowed_hosts=None) else "/")


def restore(request):
    basket = request.COOKIES.get("basket")
    try:
        return JsonResponse({"basket": json.loads(signing.loads(basket)) if basket else None})
    except (signing.BadSignature, ValueError):
        return JsonResponse({"basket": None}, status=400)


def manual(request, page):
    wanted = (MANUAL / page).resolve()
    if MANUAL not in wanted.parents or not wanted.is_file():
        raise Http404
    return HttpResponse(wanted.read_text(), content_type="text/plain")
