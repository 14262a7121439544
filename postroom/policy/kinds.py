"""What kind of attachment a file is, by its name and by its content (R-041).

The name decides whether the bytes are worth fetching; then the first of them decide, for names lie. What
is not captured gets the reason in words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import puremagic

from postroom.mail.message import Attachment
from postroom.policy.settings import AttachmentKind

HEAD = 4096
"""Bytes from the beginning of an attachment that its kind is told from."""

_K = AttachmentKind

NAMES: Mapping[AttachmentKind, str] = {
    _K.INLINE: "Picture in the text",
    _K.WORD: "Word",
    _K.JPG: "JPG",
    _K.PNG: "PNG",
    _K.HTML: "HTML",
    _K.EXCEL: "Excel",
    _K.ZIP: "Zip",
    _K.JSON: "JSON",
    _K.MKV: "MKV",
    _K.MPG: "MPG",
    _K.MP3: "MP3",
    _K.MP4: "MP4",
    _K.RTF: "RTF",
    _K.AVI: "AVI",
    _K.PDF: "PDF",
    _K.CSV: "CSV",
    _K.POWERPOINT: "PowerPoint",
    _K.TEXT: "Plain text",
    _K.CALENDAR: "Calendar",
}

_EXTENSIONS: Mapping[str, AttachmentKind] = {
    extension: kind
    for kind, extensions in {
        _K.WORD: "doc dot docx docm dotx dotm",
        _K.JPG: "jpg jpeg jpe jfif",
        _K.PNG: "png",
        _K.HTML: "html htm xhtml",
        _K.EXCEL: "xls xlt xlsx xlsm xltx xltm xlsb",
        _K.ZIP: "zip",
        _K.JSON: "json",
        _K.MKV: "mkv",
        _K.MPG: "mpg mpeg mpe",
        _K.MP3: "mp3",
        _K.MP4: "mp4 m4v",
        _K.RTF: "rtf",
        _K.AVI: "avi",
        _K.PDF: "pdf",
        _K.CSV: "csv",
        _K.POWERPOINT: "ppt pps pot pptx pptm ppsx potx",
        _K.TEXT: "txt text log",
        _K.CALENDAR: "ics ical",
    }.items()
    for extension in extensions.split()
}
_TYPES: Mapping[str, AttachmentKind] = {
    content_type: kind
    for kind, types in {
        _K.WORD: "application/msword",
        _K.JPG: "image/jpeg image/jpg image/pjpeg",
        _K.PNG: "image/png",
        _K.HTML: "text/html application/xhtml+xml",
        _K.EXCEL: "application/vnd.ms-excel",
        _K.ZIP: "application/zip application/x-zip-compressed",
        _K.JSON: "application/json text/json",
        _K.MKV: "video/x-matroska",
        _K.MPG: "video/mpeg",
        _K.MP3: "audio/mpeg audio/mp3",
        _K.MP4: "video/mp4",
        _K.RTF: "application/rtf text/rtf",
        _K.AVI: "video/x-msvideo video/avi video/msvideo",
        _K.PDF: "application/pdf",
        _K.CSV: "text/csv",
        _K.POWERPOINT: "application/vnd.ms-powerpoint",
        _K.TEXT: "text/plain",
        _K.CALENDAR: "text/calendar application/ics",
    }.items()
    for content_type in types.split()
}
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OFFICE: Mapping[AttachmentKind, tuple[str, bytes]] = {
    _K.WORD: ("wordprocessingml", b"word/"),
    _K.EXCEL: ("spreadsheetml", b"xl/"),
    _K.POWERPOINT: ("presentationml", b"ppt/"),
}
"""How the types of Office Open XML go on, and the folder inside of the container (ECMA-376 part 2)."""
_UNTOLD = frozenset({"", "application/octet-stream", "application/x-download", "application/force-download"})

_PICTURES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "tif", "tiff", "heif", "heic"}
)
_PICTURE_TYPE = re.compile(r"image/(?!svg)")
"""SVG is a program as much as a picture, and never counts as one in the text."""

_EXTENSION = re.compile(r"\.([a-z0-9]{1,8})\s*$", re.IGNORECASE)
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?+\s*+(?:<!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_CALENDAR = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+BEGIN:VCALENDAR", re.IGNORECASE)
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+(?:[\[{\"0-9-]|true|false|null)")
_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The container of Office files up to 2003 (MS-CFB section 2.2)."""
_EBML = b"\x1a\x45\xdf\xa3"
"""The container of Matroska and of WebM, which name themselves in its head (RFC 8794 section 8.1)."""


class _Found(Protocol):
    """As much of what puremagic, whose types are loose, tells of a match."""

    @property
    def extension(self) -> str: ...
    @property
    def confidence(self) -> float: ...


_signatures = cast("Callable[[bytes], Sequence[_Found]]", puremagic.magic_string)  # pyright: ignore[reportUnknownMemberType]


def kind_by_name(attachment: Attachment) -> AttachmentKind | None:
    """The kind that file name and content type claim, None for one that is not listed."""
    extension, content_type = _extension(attachment), _content_type(attachment)
    if attachment.inline and (extension in _PICTURES or _PICTURE_TYPE.match(content_type)):
        return _K.INLINE
    return _EXTENSIONS.get(extension) or _TYPES.get(content_type) or _office_type(content_type)


def kind_by_content(head: bytes, attachment: Attachment) -> AttachmentKind | None:
    """The kind that the first ``HEAD`` bytes show; None for one that is not listed.

    Where several kinds share a format, as Word and Excel share their container, the name tells which.
    """
    head = head[:HEAD]
    claimed = kind_by_name(attachment)
    if attachment.inline and _formats(head) & _PICTURES:
        return _K.INLINE
    if _is_text(head):
        return _kind_of_text(head, claimed)
    if head.startswith(_ZIP):
        return _kind_of_zip(head, attachment, claimed)
    if head.startswith(_OLE):
        return claimed if claimed in _OFFICE else None
    return _kind_of_media(head, claimed, _formats(head))


def capture_verdict(
    attachment: Attachment, head: bytes | None, kinds: frozenset[AttachmentKind]
) -> tuple[bool, str]:
    """Whether to capture an attachment, and if not the reason as a sentence, else "".

    With ``head`` None the question is whether to fetch the bytes: a name that tells nothing passes then.
    """
    claimed = kind_by_name(attachment)
    if claimed not in kinds and (claimed or not _tells_nothing(attachment)):
        return False, _reason(claimed)
    if head is None:
        return True, ""
    kind = kind_by_content(head, attachment)
    if kind in kinds:
        return True, ""
    if kind is claimed or claimed is None:
        return False, _reason(kind)
    if kind is None:
        return False, f"This is not the {NAMES[claimed]} file that its name says."
    return False, f"By its content this is of the kind {NAMES[kind]}, which is not captured."


def _reason(kind: AttachmentKind | None) -> str:
    if kind is None:
        return "Attachments of this kind are not captured."
    return f"Attachments of the kind {NAMES[kind]} are not captured."


def _extension(attachment: Attachment) -> str:
    found = _EXTENSION.search(attachment.filename)
    return found[1].lower() if found else ""


def _content_type(attachment: Attachment) -> str:
    return attachment.content_type.partition(";")[0].strip().lower()


def _office_type(content_type: str) -> AttachmentKind | None:
    for kind, (rest, _) in _OFFICE.items():
        if content_type.startswith(_OPEN_XML + rest):
            return kind
    return None


def _tells_nothing(attachment: Attachment) -> bool:
    return not _extension(attachment) and _content_type(attachment) in _UNTOLD


def _formats(head: bytes) -> frozenset[str]:
    """Extensions of the formats whose signature the bytes bear; the longest signatures count."""
    try:
        matches = _signatures(head)
    except (puremagic.PureError, ValueError):
        return frozenset()
    # The best come first.
    best = [match for match in matches if match.confidence == matches[0].confidence]
    return frozenset(match.extension.removeprefix(".") for match in best)


def _is_text(head: bytes) -> bool:
    return head.startswith(_UTF16) or not _NOT_IN_TEXT.search(head)


def _kind_of_text(head: bytes, claimed: AttachmentKind | None) -> AttachmentKind | None:
    """What can be told from text; plain text where the claim is of another kind of text that this is not."""
    if head.startswith(b"{\\rtf"):
        return _K.RTF
    if head.startswith(b"%PDF-"):
        return _K.PDF
    if _HTML.match(head):
        return _K.HTML
    if _CALENDAR.match(head):
        return _K.CALENDAR
    if claimed in {_K.CSV, _K.HTML, _K.TEXT} or (claimed is _K.JSON and _JSON.match(head)):
        return claimed
    return _K.TEXT if claimed in {_K.JSON, _K.CALENDAR, None} else None


def _kind_of_zip(
    head: bytes, attachment: Attachment, claimed: AttachmentKind | None
) -> AttachmentKind | None:
    """An Office file where name and content say so; what else has a zip inside, as .jar, is not listed."""
    if claimed and claimed in _OFFICE:
        is_office = b"[Content_Types].xml" in head or _OFFICE[claimed][1] in head
        return claimed if is_office else _K.ZIP
    if claimed is None and not _tells_nothing(attachment):
        return None
    return _K.ZIP


def _kind_of_media(
    head: bytes, claimed: AttachmentKind | None, found: frozenset[str]
) -> AttachmentKind | None:
    if head.startswith(_EBML):
        return _K.MKV if b"matroska" in head else None
    if head.startswith(b"ID3") or _is_mpeg_audio(head):
        return _K.MP3
    kinds = {_EXTENSIONS[extension] for extension in found if extension in _EXTENSIONS}
    if claimed in kinds:
        return claimed
    if claimed is _K.MP4 and head[4:8] == b"ftyp" and not found:
        # Any program may make up a brand of its own (ISO/IEC 14496-12 section 4.3).
        return claimed
    return min(kinds, default=None)


def _is_mpeg_audio(head: bytes) -> bool:
    """A frame of layer III: eleven bits of sync, then version and layer (ISO/IEC 11172-3 section 2.4.1.3)."""
    return int.from_bytes(head[:2]) & 0xFFE6 == 0xFFE2
