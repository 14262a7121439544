"""Pages in the viewer's language, and the German catalogue: complete, sound, and compiled as it stands."""

import ast
import gettext
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from postroom.connector.models import JournalEntry
from postroom.connector.rule_names import RULES
from postroom.organisations.models import User
from postroom.policy.explain import NAMES
from tests.mails import mail

ROOT = Path(__file__).parent.parent.parent / "postroom"
CATALOGUE = ROOT / "web" / "locale" / "de" / "LC_MESSAGES" / "django.po"
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}

_NOT_SHOWN = r"{% blocktranslate.*?endblocktranslate %}|{#.*?#}|{% comment.*?endcomment %}|<style.*?</style>"
Key = tuple[str, str, str]
"""Context, text, and its plural; "" where there is none."""


def _templates() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*")) if "templates" in path.parts and _is_shown(path)]


def _is_shown(path: Path) -> bool:
    return path.suffix in {".html", ".txt"} and "sandbox" not in path.parts


def _catalogue() -> dict[Key, list[str]]:
    """Translations by text, as the po holds them; the header is left out."""
    found: dict[Key, list[str]] = {}
    for block in CATALOGUE.read_text().split("\n\n")[1:]:
        parts = {"msgctxt": "", "msgid_plural": ""}
        for name, text in re.findall(r'^(msg\S+) ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.MULTILINE):
            parts[name] = "".join(json.loads(line) for line in text.splitlines())
        names = sorted(name for name in parts if name.startswith("msgstr"))
        key = (parts["msgctxt"], parts["msgid"], parts["msgid_plural"])
        found[key] = [parts[name] for name in names]
    return found


def _call(name: str, arguments: list[str]) -> Key:
    context = arguments.pop(0) if name.startswith(("p", "np")) else ""
    return (context, arguments[0], arguments[1] if "ngettext" in name or name.startswith("np") else "")


def _texts_of_code(source: str) -> Iterator[Key]:
    """The texts that are given to Django's functions of translation, by whatever name a module has them."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            given = [part.value for part in node.args if isinstance(part, ast.Constant)]
            yield _call(names[node.func.id], [text for text in given if isinstance(text, str)])


def _texts_of_template(source: str) -> Iterator[Key]:
    quoted = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    pattern = rf"\b((?:n|p|np)?gettext|_)\({quoted}(?:, ?{quoted})?"
    for name, *given in re.findall(pattern, templatize(source)):
        yield _call(name, [ast.literal_eval(text) for text in given if text])


def test_every_text_of_the_pages_is_in_the_catalogue():
    texts = {key for path in _templates() for key in _texts_of_template(path.read_text())}
    texts |= {
        key
        for path in ROOT.rglob("*.py")
        if "sandbox" not in path.parts
        for key in _texts_of_code(path.read_text())
    }
    assert len(texts) > 800
    held = {(context, text): plural for context, text, plural in _catalogue()}
    missing = [key for key in texts if held.get(key[:2]) is None or (key[2] and held[key[:2]] != key[2])]
    assert missing == [], "Run `make messages`, and translate what is new."


def test_every_text_has_its_translation_with_the_same_placeholders_and_tags():
    assert "fuzzy" not in CATALOGUE.read_text()
    for (_context, text, plural), translations in _catalogue().items():
        assert len(translations) == (2 if plural else 1), text
        for origin, translated in zip((text, plural), translations, strict=False):
            assert translated.strip(), text
            assert _marks(translated) == _marks(origin), text


def _marks(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|\{\w+\}|</?\w+[^>]*>", text))


def test_the_compiled_catalogue_is_of_these_texts():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert vars(compiled)["_catalog"].keys() - {""} == {
        (f"{context}\x04{text}" if context else text, number)
        if plural
        else f"{context}\x04{text}"
        if context
        else text
        for (context, text, plural), translations in _catalogue().items()
        for number in range(len(translations))
    }
    for (context, text, plural), translations in _catalogue().items():
        for number, translated in ((1, translations[0]), (2, translations[-1])):
            if plural:
                assert compiled.ngettext(text, plural, number) == translated
            elif context:
                assert compiled.pgettext(context, text) == translated
            else:
                assert compiled.gettext(text) == translated


@pytest.mark.parametrize("path", _templates(), ids=lambda path: path.name)
def test_no_template_shows_text_that_cannot_be_translated(path: Path):
    text = re.sub(_NOT_SHOWN, "", path.read_text(), flags=re.DOTALL)
    said = re.findall(r'\b(?:aria-label|placeholder|title|alt)="([^"]*)"', text)
    said.append(
        re.sub(r"<svg\b.*?</svg>|<[^>]*>", "\n", re.sub(r"{%.*?%}|{{.*?}}", "", text), flags=re.DOTALL)
    )
    left = re.sub(r"{%.*?%}|{{.*?}}|&\w+;|Postroom", "", "\n".join(said))
    assert re.findall(r"[^\W\d_]{2,}", left) == []


def test_rules_are_called_as_the_policy_calls_them():
    with translation.override("en"):
        assert {rule: str(name) for rule, name in RULES.items()} == NAMES


@pytest.fixture
def german(as_, rita: User) -> Client:
    rita.language = "de"
    rita.save()
    return as_(rita)


def test_pages_are_in_the_language_that_the_user_chose(german, as_, carol, sam):
    page = german.get("/leads/").content.decode()
    assert '<html lang="de">' in page
    assert "Die Personen, mit denen Sie schreiben" in page
    assert "Gmail verbinden" in german.get("/my-inbox/").content.decode()
    assert german.get("/leads/")["Content-Language"] == "de"
    page = as_(sam).get("/leads/").content.decode()
    assert '<html lang="en">' in page
    assert "The people you write with" in page
    assert "Connect Gmail" in as_(sam).get("/my-inbox/").content.decode()


def test_the_settings_are_in_german_for_a_german_administrator(as_, ada, account):
    ada.language = "de"
    ada.save()
    page = as_(ada).get("/settings/security/").content.decode()
    assert "Aufbewahrung synchronisierter E-Mails" in page
    assert "Retention of synced mail" not in page


def test_without_a_choice_the_browser_decides(as_, rita):
    client = as_(rita)
    assert "Mein Postfach" in client.get("/my-inbox/", **GERMAN).content.decode()
    assert "My inbox" in client.get("/my-inbox/", HTTP_ACCEPT_LANGUAGE="fi").content.decode()
    assert "My inbox" in client.get("/my-inbox/").content.decode()
    assert "Passwort vergessen?" in Client().get("/sign-in/", **GERMAN).content.decode()


def test_a_choice_goes_before_the_browser(as_, sam):
    sam.language = "en"
    sam.save()
    assert '<html lang="en">' in as_(sam).get("/leads/", **GERMAN).content.decode()


def test_everyone_chooses_their_own_language(as_, rita):
    client = as_(rita)
    given = {"name": "Rita", "time_zone": "UTC"}
    assert (
        "Choose one of the languages"
        in client.post("/my-account/", given | {"language": "tlh"}).content.decode()
    )
    page = client.post("/my-account/", given | {"language": "de"}, follow=True).content.decode()
    assert "Ihr Konto ist gespeichert." in page
    rita.refresh_from_db()
    assert rita.language == "de"
    page = client.post("/my-account/", given | {"language": ""}, follow=True).content.decode()
    assert "Your account is saved." in page


def test_dates_and_states_are_in_the_language_of_the_page(german, as_, google, mailbox, carol, sync, rita):
    google.deliver(rita.email, mail(subject="Guten Tag"))
    sync(mailbox)
    JournalEntry.objects.update(recorded_at="2026-03-05T09:08:07Z")
    page = german.get("/my-inbox/").content.decode()
    assert "5.3., 09:08:07" in page
    assert "Synchronisiert" in page
    assert as_(rita).get(f"/leads/{carol.pk}/").content.decode().count("E-Mail empfangen")
    rita.language = "en"
    rita.save()
    assert "5 Mar, 09:08:07" in as_(rita).get("/my-inbox/").content.decode()
