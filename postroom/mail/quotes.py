"""Where a plain text stops being its writer's own and repeats earlier mail.

No standard says so; these are the habits of mail programs. It is used to fold, never to delete: the two
halves are the whole text. So it is careful rather than clever, and takes for own what it does not know.
"""

import re
from bisect import bisect_left

_ATTRIBUTION_LINES = 3
"""Lines over which a mail program folds "On ..., ... wrote:"."""
_ATTRIBUTION_LENGTH = 400
_FIELDS_WITHIN = 6
"""Lines in which a quoted header names its sender and a date, subject or recipient."""

_ATTRIBUTION = re.compile(
    # English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish and Norwegian, Polish.
    r"(?:On\b.*\bwrote|Am\b.*\bschrieb\b.*|Le\b.*\ba écrit|El\b.*\bescribió|Il\b.*\bha scritto"
    r"|Em\b.*\bescreveu|Op\b.*\bschreef\b.*|Den\b.*\bskrev\b.*|W dniu\b.*\bnapisał(?:\(a\)|a)?)\s*:",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTION_START = re.compile(r"(?:On|Am|Le|El|Il|Em|Op|Den|W dniu)\b", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_DIVIDER = re.compile(
    r"(?:-{2,}|_{2,})\s*(?:Original (?:Message|Appointment)|Forwarded [Mm]essage|Ursprüngliche Nachricht"
    r"|Weitergeleitete Nachricht|Message (?:d'origine|original|transféré)|Mensaje (?:original|reenviado)"
    r"|Messaggio (?:originale|inoltrato)|Mensagem (?:original|encaminhada)|Oorspronkelijk bericht"
    r"|Doorgestuurd bericht|Ursprungligt meddelande|Oprindelig meddelelse|Opprinnelig melding"
    r"|Wiadomość oryginalna)\s*(?:-{2,}|_{2,})|Begin forwarded message:",
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:_{10,}|-{10,}|\u2500{10,})")
_FROM = re.compile(r"\*?(?:From|Von|De|Da|Van|Från|Fra|Od)\s*:\*?\s*\S", re.IGNORECASE)
_OTHER_FIELD = re.compile(
    r"\*?(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado(?: el)?|Fecha|Para|Asunto"
    r"|Inviato|Data|A|Oggetto|Assunto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Wysłano|Do"
    r"|Temat)\s*:\*?(?:\s|$)",
    re.IGNORECASE,
)


def split_quotes(text: str) -> tuple[str, str]:
    """Own text and quoted history of a plain text body; together they are ``text``, character by character.

    History begins with the first line of: "On ... wrote:" in ten languages followed by ">", or by
    nothing but the rest of the mail where it holds a date; "-----Original Message-----" and its kin; a
    From line with Sent, Date, To or Subject below; or ">" lines up to the end. Quotes with answers
    between or below them are own text, for without them the answers make no sense.
    """
    lines = text.splitlines(keepends=True)
    start = _history(lines)
    own = "".join(lines[:start])
    return own, text[len(own) :]


def _history(lines: list[str]) -> int:
    """Number of the first line of quoted history, that of all lines where there is none."""
    bare = [line.strip() for line in lines]
    own = [number for number, line in enumerate(bare) if line and not line.startswith(">")]
    for number, line in enumerate(bare):
        if not line or line.startswith(">"):
            continue
        if _DIVIDER.match(line) or _is_quoted_header(bare, number):
            return _with_rule(bare, number)
        end = _attribution_end(bare, number)
        if end and _quotes_only(bare, own, end):
            return number
    return _trailing_quotes(bare, own)


def _attribution_end(bare: list[str], number: int) -> int:
    """The line after an attribution that begins at line ``number``; 0 where none does."""
    if not _ATTRIBUTION_START.match(bare[number]):
        return 0
    said = ""
    for end in range(number, min(number + _ATTRIBUTION_LINES, len(bare))):
        said = f"{said} {bare[end]}".strip()
        if not bare[end] or len(said) > _ATTRIBUTION_LENGTH:
            return 0
        if _ATTRIBUTION.fullmatch(said) and (_DIGIT.search(said) or "@" in said):
            return end + 1
    return 0


def _quotes_only(bare: list[str], own: list[int], start: int) -> bool:
    """Whether from line ``start`` on there is quoted text and no answer between or below.

    Programs that mark quotes with ">" mark every line; where the first is not marked, none is.
    """
    first = next((bare[number] for number in range(start, len(bare)) if bare[number]), "")
    return bool(first) and (not first.startswith(">") or bisect_left(own, start) == len(own))


def _is_quoted_header(bare: list[str], number: int) -> bool:
    """From with two of Sent, To, Subject below, as Outlook puts on top of what it quotes."""
    if not _FROM.match(bare[number]):
        return False
    below = bare[number + 1 : number + _FIELDS_WITHIN]
    return sum(bool(_OTHER_FIELD.match(line)) for line in below) >= 2


def _with_rule(bare: list[str], number: int) -> int:
    """A ruled line above the header, and blank lines between, belong to the history."""
    above = number - 1
    while above >= 0 and not bare[above]:
        above -= 1
    return above if above >= 0 and _RULE.fullmatch(bare[above]) else number


def _trailing_quotes(bare: list[str], own: list[int]) -> int:
    """The first of the ">" lines that end a text; all of a text that has only such is own."""
    start = own[-1] + 1 if own else len(bare)
    quoted = next((number for number in range(start, len(bare)) if bare[number]), len(bare))
    return quoted if own else len(bare)
