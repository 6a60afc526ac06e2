from django.urls import path, re_path

from . import views

urlpatterns = [
    path("search/", views.search),
    path("item/<int:number>/", views.Item.as_view()),
    path("banner/", views.banner),
    path("away/", views.away),
    path("restore/", views.restore),
    re_path(r"^manual/(?P<page>.+)$", views.manual),
]
