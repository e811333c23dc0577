"""Every worked example of handlebars.md, chapters 5 to 7."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.engine.ports import TemplateError
from tests.unit.templates.conftest import Render

BLOCKS = [
    ("{{#if a}}y{{else}}n{{/if}}", "y"),
    ("{{#unless tags.length}}none{{else}}some{{/unless}}", "some"),
    ("{{#each items}}{{sku}}={{q}}{{#unless @last}};{{/unless}}{{/each}}", "A=2;B=5"),
    ("{{#each items}}{{../a}}{{sku}} {{/each}}", "1A 1B "),
    ("{{#with o}}{{k}}{{/with}}", "v"),
    ('{{#compare n ">" "9"}}y{{else}}n{{/compare}}', "n"),
    ('{{#compare n ">" 9}}y{{else}}n{{/compare}}', "y"),
    ("{{#and a e}}y{{else}}n{{/and}}", "n"),
    ("{{#not z}}zero{{/not}}", "zero"),
    ("{{#neither z e}}y{{/neither}}", "y"),
    ("{{#ifEven n}}even{{else}}odd{{/ifEven}}", "even"),
    ('{{#contains tags "x"}}y{{/contains}}{{#contains n "1"}}y{{/contains}}', "yy"),
    ('{{#inArray tags "y"}}y{{/inArray}}', "y"),
    ("{{#isEmpty o}}y{{else}}n{{/isEmpty}}", "n"),
    ('{{#filter items "B" "sku"}}{{q}}{{/filter}}', "5"),
    ("{{#some tags isNumber}}y{{else}}n{{/some}}", "n"),
    ('{{#startsWith "1" n}}y{{/startsWith}}', "y"),
    ("[{{#each items}}{{q}}{{#if @last}}{{else}},{{/if}}{{/each}}]", "[2,5]"),
]
ARITHMETIC = [
    ('{{abs "-12.5"}}', "12.5"),
    ('{{add "2" 5 0.5}}', "7.5"),
    ('{{subtract 10 "4"}}', "6"),
    ('{{multiply "4" 2.5}}', "10"),
    ("{{divide 10 4}}", "2.5"),
    ("{{divide 1 0}}", "Infinity"),
    ("{{modulo 7 3}}", "1"),
    ("{{modulo -7 3}}", "-1"),
    ("{{sum tags2}}", "14"),
    ('{{avg "4" 8}}', "6"),
    ("{{ceil 2.1}} {{floor -2.1}}", "3 -3"),
    ("{{round 2.5}} {{round -2.5}}", "3 -2"),
    ("{{toFixed 3.14159 2}}", "3.14"),
    ("{{toExponential 98765 2}}", "9.88e+4"),
    ("{{toPrecision 98765 2}}", "9.9e+4"),
    ("{{add 0.1 0.2}}", "0.30000000000000004"),
]
TEXT = [
    ('{{uppercase "aé1"}}', "AÉ1"),
    ('{{capitalize "hello big world"}}', "Hello big world"),
    ('{{capitalizeAll "van gogh"}}', "Van Gogh"),
    ('{{camelcase "next-day parcel"}}', "nextDayParcel"),
    ('{{camelcase "NET&GROSS"}}', "netGross"),
    ('{{pascalcase "line_7_note"}}', "Line7Note"),
    ('{{snakecase "openOrderCount"}}', "open_order_count"),
    ('{{pathcase "x-y z"}}', "x/y/z"),
    ('{{sentence "HELLO there. next ONE"}}', "Hello there. Next one"),
    ('[{{trimLeft "  a "}}]', "[a ]"),
    ('{{chop " _A-b_ "}}', "A-b"),
    ('{{reverse "abc"}}', "cba"),
    ('{{replace "a&b&c" "&" "+"}}', "a+b+c"),
    ('{{replacefirst "aXaX" "X" "-"}}', "a-aX"),
    ('{{removefirst "abab" "ab"}}', "ab"),
    ('{{split "a-b-c" "-" 1}}', "b"),
    ('{{split "a-b-c" "-"}}', "a"),
    ('{{join "/" "r" tags}}', "r/x/y"),
    ('{{substring "harbour" 1 4}}', "arb"),
    ('{{substring "abc" 1}}', "bc"),
    ('{{padLeft 42 6 "0"}}', "000042"),
    ('{{padRight "ab" 5 "xy"}}', "abxyx"),
    ('{{truncateWords "one two three" 2}}', "one two…"),
    ('{{occurrences "banana" "an"}}', "2"),
    ('{{sanitize "<p>Hi <b>you</b></p>"}}', "Hi you"),
]
ARRAYS = [
    ('{{join "," (after list 2)}}', "c"),
    ('{{join "," (before list 1)}}', "a,b"),
    ("{{first list}}{{last list}}", "ac"),
    ('{{#each (arrayify "x")}}<{{this}}>{{/each}}', "<x>"),
    ('{{join "," (pluck items "sku")}}', "A,B"),
    ('{{sort nums number="true" reverse="true"}}', "10,9,1"),
    ('{{join "," (unique repeated)}}', "a,c"),
    ('{{getValue "record.x.y" "none"}}', "none"),
]
DATES = [
    ('{{timestamp "YYYYMMDD"}}', "20260115"),
    ("{{timestamp}}", "2026-01-15T09:30:00.000Z"),
    ('{{dateFormat "DD.MM.YYYY HH:mm Z" "2026-01-15T09:30:00Z" "" "Europe/Berlin"}}', "15.01.2026 10:30 +01:00"),
    ('{{dateFormat "X" "2026-01-15T09:30:00Z"}}', "1768469400"),
    ('{{dateAdd "2026-01-15T09:30:00Z" "86400000"}}', "2026-01-16T09:30:00.000Z"),
    ('{{dateAdd "2026-01-15T00:00:00Z" "-3600000" "Asia/Hong_Kong"}}', "2026-01-15T07:00:00.000+08:00"),
]
ENCODING = [
    ('{{{base64Encode "user:pass"}}}', "dXNlcjpwYXNz"),
    ('{{{base64Encode "Hi" "hex"}}}', "4869"),
    ('{{{base64Decode "bmHDr3Zl"}}}', "naïve"),
    ('{{{encodeURI "a b/c?d=1"}}}', "a%20b%2Fc%3Fd%3D1"),
    ('{{{decodeURI "a%20b"}}}', "a b"),
    ('{{{htmlEncode "<a>\'"}}}', "&lt;a&gt;&#39;"),
    ("{{{jsonEncode note}}}", 'a\\"b\\n'),
    ("{{{jsonSerialize items}}}", '[{"sku":"A","q":2},{"sku":"B","q":5}]'),
    ('{{#with (jsonParse "{\\"k\\":7}")}}{{k}}{{/with}}', "7"),
    ('{{stripProtocol "https://a.test/x"}}', "//a.test/x"),
    ('{{stripQuerystring "/a?b=1#c"}}', "/a"),
]
REGEX = [
    ('{{regexMatch "box 12, box 34" "[0-9]+" 1}}', "34"),
    ('{{regexReplace "A-1 B-2" "_" "-" "g"}}', "A_1 B_2"),
    ('{{regexSearch "abc" "c"}}', "2"),
]
DIGESTS = [
    ('{{{hash "md5" "base64" "Ada"}}}', "GjgoCbfAP2huEt0VZ3xUlw=="),
    ('{{{hash "sha256" "hex" "order-17"}}}', "72a90ea3da8b5dd01bde2f27314e02e217f935182ea573a7ff9b5f5060ef996b"),
    (
        '{{{hmac "sha256" "topsecret" "hex" "order-17"}}}',
        "aa314132ad6063ed02f046ac40d2a5ccffbe55decb0d2aad7c2b7ca80fc8b05c",
    ),
    ('{{{hmac "sha1" "dG9wc2VjcmV0" "base64" "order-17" "base64"}}}', "1NGQdWQYcCU8ePxmOlWi9/B2vzs="),
]
TESTS = [
    ('{{eq 5 "5"}}', "true"),
    ("{{isFalsey 0}}", "true"),
    ("{{typeOf tags}}", "array"),
    ('{{hasOwn o "k"}}', "true"),
    ("{{hasNoItems tags}}", "false"),
    ("{{addCommas 9876543.5}}", "9,876,543.5"),
    ("{{bytes 1500000}}", "1.5 MB"),
    ("{{bytes 2048 1}}", "2 kB"),
    ("{{ordinalize 33}} {{ordinalize 12}}", "33rd 12th"),
]


@pytest.mark.parametrize(
    ("template", "output"),
    BLOCKS + ARITHMETIC + TEXT + ARRAYS + DATES + ENCODING + REGEX + DIGESTS + TESTS,
)
def test_worked_example(render: Render, template: str, output: str) -> None:
    """The example rows of chapters 5 and 6 give the outputs printed beside them."""
    assert render(template) == output


def test_blocks_see_the_record_by_its_name_too(render: Render) -> None:
    """`record.x` and bare `x` mean the same where a record is."""
    assert render("{{#each record.items}}{{sku}}{{/each}} {{record.o.k}} {{o.k}}") == "AB v v"


def test_static_lookup(render: Render) -> None:
    """`lookup "name" value` asks the lookup of the resource; no match prints nothing."""
    country = {"Japan": "JP"}.get
    assert render('{{lookup "country" "Japan"}}|{{lookup "country" "Peru"}}', lookups={"country": country}) == "JP|"


def test_dynamic_lookup(render: Render) -> None:
    """`lookup.name` is the result of a dynamic lookup, found in the context."""
    assert render("{{lookup.custId}}", context={"lookup": {"custId": "c9"}}) == "c9"


def test_lookup_of_a_member(render: Render) -> None:
    """`lookup` with an object or array gives the member."""
    assert render('{{lookup o "k"}}{{lookup list 1}}{{lookup o "none"}}') == "vb"


@pytest.mark.parametrize(
    ("kind", "alphabet"), [("number", "0123456789"), ("crypto", "0123456789abcdef"), ("uuid", "0123456789abcdef")]
)
def test_random(render: Render, kind: str, alphabet: str) -> None:
    """`random` gives that many digits of its kind, 32 without a length; numbers do not begin with 0."""
    short, long = render(f'{{{{random "{kind}" 6}}}}'), render(f'{{{{random "{kind}"}}}}')
    assert (len(short), len(long)) == (6, 32)
    assert set(short + long) <= set(alphabet)
    assert kind != "number" or short[0] != "0"


@pytest.mark.parametrize(
    ("template", "context", "output"),
    [
        (
            "/orders?limit=50{{#if record.status}}&status={{record.status}}{{/if}}",
            {"record": {"status": "open"}},
            "/orders?limit=50&status=open",
        ),
        ("/orders{{#if export.http.paging.token}}?cursor={{export.http.paging.token}}{{/if}}", {}, "/orders"),
        (
            "{{#if record.nick}}{{record.nick}}{{else}}{{record.name}}{{/if}}",
            {"record": {"nick": "", "name": "Ada"}},
            "Ada",
        ),
        ('{"note":{{{jsonSerialize record.note}}}}', {"record": {"note": None}}, '{"note":null}'),
        (
            '{"items":[{{#each batch_of_records}}{"sku":"{{record.sku}}"}{{#unless @last}},{{/unless}}{{/each}}]}',
            {"batch_of_records": [{"record": {"sku": "A"}}, {"record": {"sku": "B"}}]},
            '{"items":[{"sku":"A"},{"sku":"B"}]}',
        ),
        (
            'Basic {{{base64Encode (join ":" connection.http.unencrypted.user connection.http.encrypted.password)}}}',
            {"connection": {"http": {"unencrypted": {"user": "user"}, "encrypted": {"password": "pass"}}}},
            "Basic dXNlcjpwYXNz",
        ),
        (
            "/orders?from={{lastExportDateTime}}&to={{currentExportDateTime}}",
            {"lastExportDateTime": "2026-01-01", "currentExportDateTime": "2026-01-15"},
            "/orders?from=2026-01-01&to=2026-01-15",
        ),
    ],
)
def test_recipe(render: Render, template: str, context: dict[str, Any], output: str) -> None:
    """The recipes of chapter 7."""
    assert render(template, context=context) == output


def test_signed_header(render: Render) -> None:
    """`hmacOptions` holds the request in the making; built once a rendering."""
    built = []

    def signing() -> dict[str, str]:
        built.append(1)
        return {"body": "order-17", "method": "POST"}

    template = '{{{hmac "sha256" connection.key "hex" hmacOptions.body}}} {{hashOptions.method}}'
    output = render(template, context={"connection": {"key": "topsecret"}}, signing=signing)
    assert output == "aa314132ad6063ed02f046ac40d2a5ccffbe55decb0d2aad7c2b7ca80fc8b05c POST"
    assert built == [1]


def aws_request() -> dict[str, Any]:
    return {
        "method": "GET",
        "URI": "https://abc.execute-api.us-east-1.amazonaws.com/prod/orders?limit=5",
        "headers": {},
        "body": "",
    }


AWS4 = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=ddbe7b9699315cd9db2f939676f2cf2e1c8dca42bae113dc32bb33015bc9a0d9"
)


@pytest.mark.parametrize("place", ['"us-east-1" "execute-api"', '"" ""', ""])
def test_aws4(render: Render, place: str) -> None:
    """`aws4` signs as AWS does; region and service may come from the host; a missing X-Amz-Date is added."""
    request = aws_request()
    template = f'{{{{{{aws4 "AKIDEXAMPLE" "wJalrXUtnFEMIexample" null {place}}}}}}}'
    assert render(template, signing=lambda: request) == AWS4
    assert request["headers"] == {"X-Amz-Date": "20260115T093000Z"}


def test_aws4_with_a_session(render: Render) -> None:
    """With a session token its header is signed too, and added."""
    request = aws_request() | {"headers": {"x-amz-date": "20200101T000000Z"}}
    header = render('{{{aws4 "AK" "SK" "token" "eu-west-1" "sqs"}}}', signing=lambda: request)
    assert "AK/20200101/eu-west-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, " in header
    assert request["headers"]["X-Amz-Security-Token"] == "token"


def test_aws4_of_a_bad_uri(render: Render) -> None:
    """A URI that cannot be read is an error of the template."""
    with pytest.raises(TemplateError, match="cannot be read"):
        render('{{{aws4 "AK" "SK" null}}}', signing=lambda: aws_request() | {"URI": "https://[x/"})
