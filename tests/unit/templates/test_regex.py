"""Regular expressions in the syntax of ECMAScript (handlebars.md 6.6)."""

from __future__ import annotations

import threading
import time

import pytest

from fairlead.engine.ports import RegexTime, TemplateError
from fairlead.templates.helpers.regex import check_pattern, matches
from tests.unit.templates.conftest import Render


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ('{{regexMatch "a1b22" "[0-9]+"}}', "1"),
        ('{{regexMatch "a1b22" "[0-9]+" "1"}}|{{regexMatch "a1" "[0-9]+" 1}}|{{regexMatch "a1" "[0-9]+" -1}}', "22||"),
        ('{{regexMatch "AbC" "b.*" "i"}}|{{regexMatch "abAB" "b" 1 "i"}}|{{regexMatch "abAB" "b" "" "i"}}', "bC|B|b"),
        ('{{regexMatch "price 12 EUR" "(?<=price )[0-9]+"}}', "12"),
        (
            '{{regexMatch "x" ""}}|{{regexMatch "ab" "" 2}}|{{regexMatch "ab" "" 3}}|{{regexMatch "😀b" "" 1 "u"}}',
            "|||",
        ),
        ('{{regexMatch "a\nb" "^b$"}}|{{regexMatch "a\nb" "^b$" "m"}}|{{regexMatch "a\nb" "a.b" "s"}}', "|b|a\nb"),
        ('{{regexReplace "a-b-c" "+" "-"}} {{regexReplace "ab" "$2$1" "(a)(b)"}}', "a+b-c ba"),
        ('{{regexReplace "aXbx" "" "x" "gi"}}{{regexReplace "a" "b" "z"}}', "aba"),
        ('{{regexSearch "abc" "z"}} {{regexSearch "aBc" "b" "i"}} {{regexSearch none "a"}}', "-1 1 -1"),
        ('{{substring "😀ab" (regexSearch "😀ab" "b")}}', "b"),
        (
            '{{regexMatch "é😀x" "." 1}}|{{regexMatch "é😀x" "." 1 "u"}}|{{regexReplace "😀x" "_" "."}}',
            "\ufffd|😀|_\ufffdx",
        ),
        ('{{regexReplace "a😀b" "" "[^a-z]" "g"}}|{{regexReplace "ab" "😀" "b"}}', "ab|a😀"),
        ("{{regexMatch a '\\d+'}}", "1"),
    ],
)
def test_helpers(render: Render, template: str, output: str) -> None:
    """Indexes, flags, groups, look-behind, empty matches."""
    assert render(template) == output


@pytest.mark.parametrize(
    ("replacement", "output"),
    [
        ("<$1$2>", "x<ab>y"),
        ("$$1", "x$1y"),
        ("[$&]", "x[ab]y"),
        ("$`$'", "xxyy"),
        ("$0$3$01$10$99", "x$0$3aa0$99y"),
        ("$<first>$<none>$<", "xa$<y"),
        ("$", "x$y"),
    ],
)
def test_replacement(render: Render, replacement: str, output: str) -> None:
    """`$` in a replacement as ECMAScript has it."""
    record = {"r": replacement}
    assert render('{{regexReplace "xaby" r "(?<first>a)(b)"}}', record=record) == output


def test_replacement_without_named_groups(render: Render) -> None:
    """Without named groups `$<` is text; a group that took no part is empty."""
    assert render('{{regexReplace "ab" "$<a>$1$2" "(a)|(b)" "g"}}') == "$<a>a$<a>b"


@pytest.mark.parametrize("replacement", ["$`", "$'", "$&" * 1000, "long" * 1000])
def test_replacement_is_bounded(render: Render, replacement: str) -> None:
    """A replacement that multiplies the text is stopped while it does."""
    started = time.process_time()
    with pytest.raises(TemplateError):
        render('{{regexReplace t r "a" "g"}}', record={"t": "a" * 100_000, "r": replacement})
    assert time.process_time() - started < 2


@pytest.mark.parametrize("letter", ["\0", "\ud800"])
def test_awkward_letters(render: Render, letter: str) -> None:
    """NUL and lone surrogates go through unharmed."""
    record = {"t": f"a{letter}b", "p": f"{letter}b"}
    assert render('{{regexReplace t "x" "b"}}|{{regexSearch t p}}', record=record).endswith("x|1")
    assert render('{{regexMatch t "a"}}', record=record) == "a"


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a**", "(?<n>a)(?<n>b)", "(" * 50_000, "\\"])
def test_bad_patterns(pattern: str) -> None:
    """A pattern that cannot be compiled is refused, however bad it is."""
    with pytest.raises(TemplateError):
        check_pattern(pattern)


def test_data_is_never_code(render: Render) -> None:
    """Pattern, text and replacement are data: nothing of them is run."""
    record = {"t": "'); while(1){} //", "p": "\\'\\); while", "r": "${globalThis}`\\u0041"}
    assert render("{{regexReplace t r p}}", record=record) == "${globalThis}`\\u0041(1){} //"


def test_matches() -> None:
    """The test that filters use: found anywhere, own account of time."""
    spent = RegexTime()
    assert matches("b+", "abb", spent)
    assert not matches("^b", "abb", spent)
    assert spent.left < 2.0


def test_threads(render: Render) -> None:
    """Each thread has its own engine: rendering works in any of them at once."""
    outputs: list[str] = []

    def work() -> None:
        outputs.extend(render('{{regexReplace "a-b" "+" "-"}}') for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == ["a+b"] * 150
