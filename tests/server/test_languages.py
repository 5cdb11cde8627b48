# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read is there in every language that is offered, whole and with the same placeholders."""

import ast
import gettext
import io
import re
import sys
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"
sys.path.insert(0, str(SERVER))

from project.languages import CatalogError, binary, catalog, compiled  # noqa: E402

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
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                text = node.args[0]
                assert isinstance(text, ast.Constant), f"{path}: not a plain text"
                yield text.value


@pytest.fixture(scope="module", params=[path.name for path in LOCALES.iterdir()])
def language(request):
    return catalog((LOCALES / request.param / "LC_MESSAGES/django.po").read_text())


def test_every_text_is_translated_and_none_is_left_over(language):
    wanted = {*in_templates(), *in_code()}
    assert len(wanted) > 200
    assert wanted - set(language) == set() and set(language) - wanted - {""} == set()


def test_placeholders_and_markup_are_the_same(language):
    for text, told in language.items():
        if text:
            assert sorted(set(PLACEHOLDER.findall(text))) == sorted(set(PLACEHOLDER.findall(told))), text


def test_gettext_reads_what_is_compiled(tmp_path):
    for _ in range(2):  # the second time there is nothing to do
        target = compiled(LOCALES, tmp_path)
    with open(target / "nl/LC_MESSAGES/django.mo", "rb") as file:
        found = gettext.GNUTranslations(file)
    assert found.gettext("hour") == "uur" and found.gettext("nothing of ours") == "nothing of ours"
    left = ("You have %(left)s invitation left.", "You have %(left)s invitations left.")
    assert [found.ngettext(*left, n) for n in (1, 2)] == ["Je hebt nog %(left)s uitnodiging.", "Je hebt nog %(left)s uitnodigingen."]


def test_a_catalog_is_read_as_gettext_writes_it():
    text = '# a comment\n\nmsgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n#, fuzzy\nmsgid "unsure"\nmsgstr "x"\n\n'
    text += 'msgid "one"\nmsgstr ""\n\nmsgid ""\n"two "\n"lines"\nmsgstr "in \\"é\\n"\n"n"'
    found = catalog(text)
    assert found == {"": "Content-Type: text/plain; charset=UTF-8\n", "two lines": 'in "é\nn'}
    assert gettext.GNUTranslations(io.BytesIO(binary(found))).gettext("two lines") == 'in "é\nn'


@pytest.mark.parametrize("line", ["msgid one", 'msgstr[2] "x"', 'text "x"', 'msgid "x', "msgid 5", "msgid __import__('os')"])
def test_what_is_no_catalog_is_said(line):
    with pytest.raises(CatalogError):
        catalog(line)


@pytest.mark.parametrize(
    "asked, lang, said", [("nl-BE,nl;q=0.9,en;q=0.5", "nl", "Wachtwoord"), ("fr-BE,fr", "en", "Password"), ("", "en", "Password")]
)
def test_a_browser_gets_its_language(client, asked, lang, said):
    answer = client.get("/login/", Accept_Language=asked)
    page = answer.body.decode()
    assert f'<html lang="{lang}">' in page and said in page and "Accept-Language" in answer.headers["Vary"]
