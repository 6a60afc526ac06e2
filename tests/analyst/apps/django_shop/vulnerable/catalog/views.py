import base64
import pickle
from pathlib import Path

from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.safestring import mark_safe
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from .models import Product

MANUAL = Path(__file__).parent / "manual"


def search(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, price FROM catalog_product WHERE name LIKE '%%" + request.GET.get("q", "") + "%%'")
        return JsonResponse({"found": cursor.fetchall()})


class Item(View):
    def get(self, request, number):
        order = request.GET.get("sort", "id")
        rows = Product.objects.raw(f"SELECT * FROM catalog_product WHERE id >= {number} ORDER BY {order}")
        return JsonResponse({"rows": [r.name for r in rows]})


def banner(request):
    return HttpResponse(mark_safe("<h1>%s</h1>" % request.GET.get("text", "")))


@csrf_exempt
def away(request):
    return HttpResponseRedirect(request.POST.get("to") or request.GET.get("to", "/"))


def restore(request):
    basket = request.COOKIES.get("basket")
    return JsonResponse({"basket": repr(pickle.loads(base64.b64decode(basket))) if basket else None})


def manual(request, page):
    return HttpResponse((MANUAL / page).read_text(), content_type="text/plain")
