"""Whether what was typed is a tag, asked for while the form is still open."""

from django.http import HttpRequest, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postroom.connector.tags import MOST, TagKind, read_tags
from postroom.web.sentences import told
from postroom.web.viewer import viewer


@require_POST
def check(request: HttpRequest) -> HttpResponseBase:
    """Each line of ``tags`` as it would be kept, or the reason why not; nothing is stored."""
    viewer(request)
    kind, lines = request.POST.get("kind", ""), request.POST.get("tags", "").splitlines()
    if kind not in set(TagKind) or len(lines) > MOST:
        return HttpResponseBadRequest(_("There is no such list."))
    tags = read_tags(TagKind(kind), lines)
    rows = [
        {"typed": tag.typed, "value": tag.value, "key": tag.key, "reason": told(tag.reason)} for tag in tags
    ]
    return JsonResponse({"tags": rows})
