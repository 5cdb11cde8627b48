# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read is there in every language that is offered, whole and with the same
placeholders.
"""

import ast
import gettext
import re
from pathlib import Path

import pytest
from babel.messages.pofile import PoFileError, read_po

SERVER = Path(__file__).parents[2] / "flukso_server"

from flukso_server.project.languages import compiled  # noqa: E402

LOCALES = SERVER / "locale"
CALLS = {"_", "gettext", "gettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|<[^>]+>")
TRANSLATE = re.compile(r"""\{% translate (?:"([^"]*)"|'([^']*)')""")
BLOCK = re.compile(r"\{% blocktranslate[^%]*%\}(.*?)\{% endblocktranslate %\}", re.S)


def in_templates():
    for path in [*SERVER.glob("*/templates/**/*.html"), *SERVER.glob("*/templates/**/*.txt")]:
        text = path.read_text()
        yield from (one or other for one, other in TRANSLATE.findall(text))
        for block in BLOCK.findall(text):
            forms = re.split(r"\{% plural %\}", re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", block))
            yield "\0".join(forms)


def in_code():
    for path in SERVER.glob("*/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in CALLS
            ):
                text = node.args[0]
                assert isinstance(text, ast.Constant), f"{path}: not a plain text"
                yield text.value


BARE = re.compile(
    r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|\{% blocktranslate.*?\{% endblocktranslate "
    r"%\}|\{[{%].*?[}%]\}",
    re.S,
)
SAID = re.compile(r"""\b(?:title|alt|placeholder|aria-label)=(?:"([^"]*)"|'([^']*)')""")
NAMES = {"Flukso", "Fluksometer", "API", "kB"}  # the same in every language
WORD = re.compile(r"[^\W\d_]{2,}")


def test_templates_say_nothing_that_is_not_marked():
    """What stands between tags, and in the attributes that people read or hear."""
    for path in [*SERVER.glob("*/templates/**/*.html"), *SERVER.glob("*/templates/**/*.txt")]:
        bare = BARE.sub("", path.read_text())
        told = [re.sub(r"<[^>]*>", " ", bare), *(one or other for one, other in SAID.findall(bare))]
        assert set(WORD.findall(" ".join(told))) - NAMES == set(), path


def plain_texts(tree):
    """Plain texts where people read: labels of choices and fields, messages, and errors that are
    told to them.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            ast.unparse(base).endswith("TextChoices") for base in node.bases
        ):
            values = [each.value for each in node.body if isinstance(each, ast.Assign)]
            yield from (each.elts[1] if isinstance(each, ast.Tuple) else each for each in values)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            yield from (
                each.value
                for each in node.keywords
                if each.arg in ("label", "help_text") and name.startswith("forms.")
            )
            if name.startswith("messages."):
                yield node.args[1]
            if name in (
                "ClaimError",
                "InvitationError",
                "PriceError",
                "SharingError",
                "TokenError",
                "ValidationError",
                "forms.ValidationError",
            ):
                yield from node.args


def test_code_says_nothing_to_people_that_is_not_marked():
    for path in [
        *SERVER.glob("accounts/*.py"),
        *SERVER.glob("devices/*.py"),
        *SERVER.glob("dashboard/*.py"),
    ]:
        found = [
            ast.unparse(each)
            for each in plain_texts(ast.parse(path.read_text()))
            if isinstance(each, ast.Constant | ast.JoinedStr)
        ]
        assert found == [], path


@pytest.fixture(scope="module", params=[path.name for path in LOCALES.iterdir()])
def language(request):
    with open(LOCALES / request.param / "LC_MESSAGES/django.po", "rb") as file:
        catalog = read_po(file, abort_invalid=True)
    return {
        joined(message.id): joined(message.string)
        for message in catalog
        if not message.fuzzy and all_forms(message.string)
    }


def joined(text):
    return text if isinstance(text, str) else "\0".join(text)


def all_forms(text):
    return bool(text) if isinstance(text, str) else all(text)


def test_every_text_is_translated_and_none_is_left_over(language):
    wanted = {*in_templates(), *in_code()}
    assert len(wanted) > 200
    assert wanted - set(language) == set() and set(language) - wanted - {""} == set()


def test_placeholders_and_markup_are_the_same(language):
    for text, told in language.items():
        if text:
            assert sorted(set(PLACEHOLDER.findall(text))) == sorted(
                set(PLACEHOLDER.findall(told))
            ), text


def test_gettext_reads_what_is_compiled(tmp_path):
    for _ in range(2):  # the second time there is nothing to do
        target = compiled(LOCALES, tmp_path)
    with open(target / "nl/LC_MESSAGES/django.mo", "rb") as file:
        found = gettext.GNUTranslations(file)
    assert found.gettext("hour") == "uur" and found.gettext("nothing of ours") == "nothing of ours"
    left = ("You have %(left)s invitation left.", "You have %(left)s invitations left.")
    assert [found.ngettext(*left, n) for n in (1, 2)] == [
        "Je hebt nog %(left)s uitnodiging.",
        "Je hebt nog %(left)s uitnodigingen.",
    ]


def test_a_damaged_catalog_is_said_and_nothing_is_left(tmp_path):
    source = tmp_path / "sources/nl/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid ""\nmsgstr ""\n\nmsgid "one"\nmsgstr[2 "x"\n')
    with pytest.raises((PoFileError, ValueError)):
        compiled(tmp_path / "sources", tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_a_changed_catalog_is_compiled_anew(tmp_path):
    source = tmp_path / "sources/nl/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "one"\n'
    said = []
    for told in ("een", "één"):
        source.write_text(head + f'msgstr "{told}"\n')
        with open(
            compiled(tmp_path / "sources", tmp_path / "target") / "nl/LC_MESSAGES/django.mo", "rb"
        ) as file:
            said.append(gettext.GNUTranslations(file).gettext("one"))
    assert said == ["een", "één"]


@pytest.mark.parametrize(
    "asked, lang, said",
    [
        ("nl-BE,nl;q=0.9,en;q=0.5", "nl", "Wachtwoord"),
        ("fr-BE,fr", "en", "Password"),
        ("", "en", "Password"),
    ],
)
def test_a_browser_gets_its_language(client, asked, lang, said):
    answer = client.get("/login/", Accept_Language=asked)
    page = answer.body.decode()
    assert (
        f'<html lang="{lang}">' in page
        and said in page
        and "Accept-Language" in answer.headers["Vary"]
    )
