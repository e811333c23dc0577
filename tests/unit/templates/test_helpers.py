"""Corners of the inline helpers and blocks that the examples of handlebars.md do not show."""

from __future__ import annotations

import pytest

from fairlead.engine.ports import Place, TemplateError
from tests.unit.templates.conftest import Render


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ('{{add "x" 1}} {{add a "1e2"}} {{add "0x10" 0}} {{add "" 1}} {{add yes 1}}', "NaN 101 16 NaN 2"),
        ("{{multiply 1e3 1}}", "NaN"),
        ('{{multiply "1e300" "1e300"}} {{subtract 0 "1e21"}} {{divide 1 "1e7"}}', "Infinity -1e+21 1e-7"),
        ("{{sum}} {{avg}} {{sum 1 tags2 0.5}} {{avg tags2}}", "0 NaN 15.5 4.666666666666667"),
        ("{{round 0.49999999999999994}} {{round -0.4}} {{ceil -0.5}} {{round none}}", "0 0 0 NaN"),
        ("{{toFixed 1.005 2}} {{toFixed 2.5}} {{toFixed -1.5 0}} {{toFixed 0 2}} {{toFixed -0.0001 2}}", "1.00 3 -2 0.00 -0.00"),
        ('{{toFixed "1e21" 2}} {{toFixed "x" 2}}', "1e+21 NaN"),
        ("{{toExponential 98765}} {{toExponential 0 2}} {{toExponential -0.00012 1}}", "9.8765e+4 0.00e+0 -1.2e-4"),
        ("{{toExponential 1234 'x'}} {{toExponential 'x' 200}}", "1e+3 NaN"),
        ("{{toPrecision 0.000123 2}} {{toPrecision 123.456 4}} {{toPrecision 0 3}} {{toPrecision 5}}", "0.00012 123.5 0.00 5"),
        ('{{toPrecision 0.0000001 2}} {{toPrecision 999.9 3}} {{toPrecision 100 3}}', "1.0e-7 1.00e+3 100"),
        ("{{uppercase a}}{{uppercase yes}}{{uppercase list}}{{uppercase o}}", "1TRUEA,B,C[OBJECT OBJECT]"),
        ('{{capitalize ""}}{{camelcase "--"}}{{capitalizeAll "(ab) éa  xY"}}', "(Ab) Éa  XY"),
        ('{{dotcase "HTTPServer"}} {{dashcase "aB2Cd éÉ"}} {{pascalcase "ABC def"}}', "http.server a-b2-cd-é-é AbcDef"),
        ('{{sentence "a! b? c. 5 d"}}', "A! B? C. 5 d"),
        ('{{chop "--"}}{{reverse list}}{{reverse 12}}', "[\"c\",\"b\",\"a\"]21"),
        ('{{replacefirst "ab" "" "x"}}{{replacefirst "ab"}}', "abab"),
        ('{{replace "aaa" "" "x"}}{{replacefirst "a.b" "." ""}}{{removefirst "ab" "x"}}', "aaaabab"),
        ('{{split "a-b" "-" 5}}|{{split "a-b" "-" -1}}|{{split "ab" "-" 3}}|{{split "ab" "" 1}}|{{split "a-b" "-" "1"}}|{{split "a-b" "-" "1e30"}}', "||ab|b|b|"),
        ('{{join ","}}|{{join "," "" none "a"}}|{{join "" list 1}}', "|,,a|abc1"),
        ('{{substring "abc" 2 1}}{{substring "abc" -5 1}}{{substring "abc" "x" 9}}', "baabc"),
        ('{{substring "a😀b" 3}}{{substring "a😀b" 1 3}}', "b😀"),
        ('{{padLeft "abc" 2}}{{padLeft "a" 3 ""}}{{padRight "a" 3}}|{{padLeft "a" "x"}}', "abcaa  |a"),
        ('{{truncateWords "a b" 2}}|{{truncateWords " a  b c" 2 "!"}}|{{truncateWords "a" 0}}|{{truncateWords "a" -1}}|{{truncateWords "a" "x"}}', "a b|a  b!|…||"),
        ('{{truncateWords "a b " 2}}|{{occurrences "aaa" "aa"}}{{occurrences "a" ""}}', "a b |10"),
        ('{{sanitize "a < b"}}|{{sanitize "<a<b>c"}}', "a < b|c"),
        ('{{join "" (after list 9)}}{{join "" (before list 9)}}{{join "" (after list "x")}}{{first n}}', "abc"),
        ("{{sort none}}{{sort list number=true}}|{{sort tags2}}|{{sort nums}}", "a,b,c|2,5,7|1,10,9"),
        ('{{jsonSerialize (unique tags2)}}{{jsonSerialize (pluck items "x")}}', '[2,"5",7][null,null]'),
        ('{{getValue "o.k" "d"}}{{getValue "record.items.[1].sku"}}{{getValue "items[0].sku"}}', "vBA"),
        ('{{#each (arrayify none)}}x{{else}}none{{/each}}{{#each (arrayify list)}}{{this}}{{/each}}', "noneabc"),
        ('{{base64Encode "é"}} {{base64Encode "é" "latin1"}} {{base64Encode "A" "utf16le"}} {{base64Encode "aGk=" "base64"}}', "w6k= 6Q== QQA= aGk="),
        ('{{base64Decode "4p-T"}}{{base64Decode "aGk" "hex"}}{{base64Decode "!!"}}{{base64Decode "/w=="}}', "⟓6869\ufffd"),
        ('{{decodeURI "a%2"}}{{decodeURI "%ff"}}{{decodeURI "+%2B"}}', "a%2%ff++"),
        ('{{{htmlDecode "&lt;&eacute;&#x41;&#66;&nope;"}}}', "<éAB&nope;"),
        ("{{{jsonEncode a}}}{{{jsonEncode yes}}}{{{jsonEncode o}}}{{{jsonEncode list}}}", "1true[object Object][object Object]"),
        ('{{{jsonSerialize (jsonSerialize o)}}} {{jsonSerialize (encodeURI "a b")}} {{arrayify (jsonEncode "c")}}', '"{\\"k\\":\\"v\\"}" "a%20b" ["c"]'),
        ('{{#with (jsonParse "[1.50]")}}{{this.[0]}}{{/with}}', "1.50"),
        ('{{stripProtocol "a.test://"}}{{stripProtocol "://x"}}{{stripProtocol "x"}}', "//://xx"),
        ('{{hash "md5" "k" "hex" "v"}}', "03b6c9582f223fddef02baad0cd5a270"),
        ('{{eq none nil}}{{eq z ""}}{{eq yes 1}}{{eq o o}}{{eq o "[object Object]"}}{{eq "a" "A"}}{{eq z nil}}', "truetruetruetruetruefalsefalse"),
        ("{{typeOf nil}} {{typeOf none}} {{typeOf price}} {{typeOf yes}} {{typeOf o}} {{typeOf n}}", "object undefined number boolean object string"),
        ('{{hasOwn none "x"}}{{hasOwn o "x"}}{{hasNoItems empty}}{{hasNoItems n}}', "falsefalsetruefalse"),
        ("{{addCommas price}} {{addCommas -1234}} {{addCommas 999}} {{addCommas 'x'}}{{addCommas none}}{{addCommas '1e3'}}", "140,891.90 -1,234 999 1,000"),
        ("{{bytes 0}} {{bytes 999}} {{bytes 'four'}} {{bytes 1000000000000000}} {{bytes 1234567 1}} {{bytes -0.001}}", "0 B 999 B 4 B 1000 TB 1.2 MB 0 B"),
        ("{{ordinalize 1}} {{ordinalize 2}} {{ordinalize 111}} {{ordinalize 'x'}} {{ordinalize 0}}", "1st 2nd 111th x 0th"),
        ('{{#compare none "==" nil}}1{{/compare}}{{#compare z "===" "0"}}2{{else}}0{{/compare}}{{#compare nil ">=" 0}}3{{/compare}}', "103"),
        ('{{#compare o "<=" o}}1{{/compare}}{{#compare list ">=" (before list 0)}}2{{/compare}}{{#compare list "<=" 1}}x{{/compare}}', "12"),
        ('{{#compare n "!==" 10}}1{{/compare}}{{#compare "b" ">" "a"}}2{{/compare}}{{#compare none "<=" 0}}x{{else}}3{{/compare}}', "123"),
        ('{{eq big "9007199254740993"}}{{eq big "9007199254740992"}}{{eq "12345678901234567891" 12345678901234567891}}', "truefalsetrue"),
        ('{{dateAdd "2026-01-15T09:30:00Z" "" "Asia/Hong_Kong"}}', "2026-01-15T17:30:00.000+08:00"),
        ('{{#compare big ">" 9007199254740992}}1{{/compare}}{{#compare price "==" 140891.9}}2{{/compare}}', "12"),
        ("{{#or z e}}x{{else}}1{{/or}}{{#or z a}}2{{/or}}{{#not empty}}x{{else}}3{{/not}}{{#neither a z}}x{{else}}4{{/neither}}", "1234"),
        ('{{#ifEven "x"}}x{{else}}1{{/ifEven}}{{#ifEven 3}}x{{else}}2{{/ifEven}}{{#ifEven -4}}3{{/ifEven}}', "123"),
        ("{{#contains list none}}x{{else}}1{{/contains}}{{#contains a 1}}x{{else}}2{{/contains}}{{#contains tags2 '2'}}3{{/contains}}", "123"),
        ("{{#inArray tags2 '2'}}x{{else}}1{{/inArray}}{{#inArray items 1}}x{{else}}2{{/inArray}}{{#inArray n '1'}}x{{else}}3{{/inArray}}", "123"),
        ("{{#isEmpty a}}1{{/isEmpty}}{{#isEmpty n}}2{{/isEmpty}}{{#isEmpty empty}}3{{/isEmpty}}{{#isEmpty tags}}x{{/isEmpty}}", "123"),
        ('{{#filter list "b"}}{{this}}{{/filter}}{{#filter items 9 "q"}}x{{else}}none{{/filter}}{{#filter n "1"}}x{{else}}x{{/filter}}', "bnone"),
        ("{{#some tags2 'isNumber'}}1{{/some}}{{#some items isObject}}2{{/some}}{{#some none isTruthy}}x{{else}}3{{/some}}", "123"),
        ("{{#some tags2 isFalsy}}x{{else}}1{{/some}}{{#some (pluck items 'x') isFalsy}}2{{/some}}", "12"),
        ('{{#startsWith none n}}x{{else}}x{{/startsWith}}{{#startsWith "2" n}}x{{else}}1{{/startsWith}}', "1"),
    ],
)  # fmt: skip
def test_corner(render: Render, template: str, output: str) -> None:
    """What JavaScript, and the sentences of handlebars.md beside the examples, make of odd arguments."""
    assert render(template) == output


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('{{jsonParse "{"}}', "jsonParse: the text is no JSON"),
        ('{{lookup "country" 1}}', "there is no static lookup 'country'; this resource has none"),
        ("{{toFixed 1 101}}", "toFixed: 101 digits"),
        ("{{toPrecision 1 0}}", "toPrecision: 0 digits"),
        ('{{timestamp "X" n}}', "unknown time zone '10'"),
        ("{{hash n n n}}", "unknown digest '10'"),
        ("{{#compare a n 1}}{{/compare}}", "unknown operator '10'"),
        ('{{aws4 "a" "b" null}}', "no request to sign"),
    ],
)
def test_refused_while_rendering(render: Render, template: str, message: str) -> None:
    """A helper that cannot do its work says why."""
    with pytest.raises(TemplateError, match=message):
        render(template)


def test_text_that_a_lookup_refuses(render: Render) -> None:
    """What a static lookup raises reaches the caller as it is."""

    def refuse(value: object) -> None:
        raise LookupError(value)

    with pytest.raises(LookupError):
        render('{{lookup "x" a}}', Place.URI, lookups={"x": refuse})
