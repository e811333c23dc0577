"""Records in and out of well-known applications: GitHub (JSON), Stripe (urlencoded) and a SOAP service (XML).

The first two are mocks that refuse whatever the application's own description does not allow; so a request that is taken was right.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.client import RestClient
from tests.servers.mocks import needs_github, needs_soap, needs_stripe


async def made(rest: RestClient, base: str, auth: dict[str, Any] | None = None, **block: Any) -> str:
    """The id of a new connection."""
    http = {"baseURI": base, "mediaType": "json", **block}
    document = {"type": "http", "name": "real", "http": http if auth is None else {**http, "auth": auth}}
    return str((await rest.create(document))["_id"])


# -- GitHub

GITHUB_AUTH = {"type": "token", "token": {"token": "ghp_secret"}}


@needs_github
async def test_github_issues_are_pulled_filtered_and_reshaped(rest: RestClient, github_url: str) -> None:
    """exports-imports.md 6, 7: the records that the description has as examples, reduced to what the filter and the rules say."""
    id = await made(rest, github_url, GITHUB_AUTH)
    export = {
        "http": {"method": "GET", "relativeURI": "/repos/octocat/Hello-World/issues?state=open&per_page=100"},
        "transform": {"expression": {"version": "1", "rules": [[
            {"extract": "number", "generate": "key"}, {"extract": "user.login", "generate": "by"},
            {"extract": "labels[*].name", "generate": "labels"}, {"extract": "state", "generate": "state"}]]}},
        "filter": {"expression": {"version": "1", "rules": ["and", ["equals", ["string", ["extract", "state"]], "open"],
                                                            ["greaterthan", ["number", ["extract", "key"]], 1000]]}},
    }  # fmt: skip
    pulled = await rest.run_export(id, {"export": export})
    assert pulled["data"] == [{"key": 1347, "by": "octocat", "labels": ["bug"], "state": "open"}]


@needs_github
async def test_github_milestones_are_made(rest: RestClient, github_url: str) -> None:
    """exports-imports.md 11: a body by mapping 2.0 that the description allows is taken; one without the title, or with something that is no
    date, is refused for its own record alone."""
    id = await made(rest, github_url, GITHUB_AUTH)
    due = {"extractDateFormat": "DD.MM.YYYY", "extractDateTimezone": "Europe/Berlin", "generateDateFormat": "YYYY-MM-DDTHH:mm:ss[Z]",
           "generateDateTimezone": "Etc/UTC"}  # fmt: skip
    model = {
        "http": {
            "method": ["POST"],
            "relativeURI": ["/repos/octocat/Hello-World/milestones"],
            "response": {"resourceIdPath": ["number"]},
        },
        "mappings": [
            {"generate": "title", "dataType": "string", "status": "Active", "extract": "$.name"},
            {"generate": "description", "dataType": "string", "status": "Active", "extract": "{{record.name}} by {{record.who}}"},
            {"generate": "due_on", "dataType": "string", "status": "Active", "extract": "$.due", **due},
            {"generate": "due_on", "dataType": "string", "status": "Active", "extract": "$.raw"},
            {"generate": "state", "dataType": "string", "status": "Active", "extract": "$.over",
             "lookupName": "states"},
        ],
        "lookups": [{"name": "states", "map": {"true": "closed", "false": "open"}, "allowFailures": True}],
    }  # fmt: skip
    data = [
        {"name": 'v1 "quoted" ü', "who": "Ada", "due": "09.10.2012", "over": False},
        {"who": "nobody"},
        {"name": "v2", "raw": "soon"},
        {"name": "v3", "over": True},
        {"name": "v4", "over": "true"},
    ]
    mapped = await rest.map(id, {"import": model, "data": data[:1]})
    assert mapped == [
        {
            "title": 'v1 "quoted" ü',
            "description": 'v1 "quoted" ü by Ada',
            "due_on": "2012-10-08T22:00:00Z",
            "state": "open",
        }
    ]
    results = await rest.run_import(id, {"import": model, "data": data})
    assert [result["statusCode"] for result in results] == [200, 422, 422, 200, 200], results
    assert [result.get("id") for result in results] == ["1", None, None, "1", "1"]
    assert results[1]["errors"][0]["code"] == "422"


@needs_github
async def test_github_has_no_such_path(rest: RestClient, github_url: str) -> None:
    """exports-imports.md 9: a refusal is the record's own: 422 with the application's status as code."""
    id = await made(rest, github_url, GITHUB_AUTH)
    model = {"http": {"method": ["POST"], "relativeURI": ["/no/such/path/at/all"]}}
    (result,) = await rest.run_import(id, {"import": model, "data": [{"a": 1}]})
    assert (result["statusCode"], result["errors"][0]["code"], result["errors"][0]["source"]) == (
        422,
        "404",
        "application",
    )


# -- Stripe

STRIPE_AUTH = {"type": "basic", "basic": {"username": "sk_test_123", "password": ""}}


@needs_stripe
async def test_stripe_customers_are_created_from_nested_names(rest: RestClient, stripe_url: str) -> None:
    """exports-imports.md 9: a nested body travels as ``address[city]=``; the mock refuses a name that Stripe does not know."""
    id = await made(rest, stripe_url, {"type": "token", "token": {"token": "sk_test_123"}}, mediaType="urlencoded",
                    successMediaType="json", errorMediaType="json")  # fmt: skip
    model = {
        "http": {
            "method": ["POST"],
            "relativeURI": ["/customers"],
            "response": {"resourceIdPath": ["id"], "errorPath": "error.message"},
        },
        "mapping": {
            "fields": [
                {"extract": "name", "generate": "name"},
                {"extract": "town", "generate": "address.city"},
                {"extract": "crm", "generate": "metadata.crm_id"},
                {"extract": "odd", "generate": "no_such_field"},
            ],
            "lists": [
                {"generate": "tax_id_data", "fields": [
                    {"extract": "taxes[*].kind", "generate": "type"}, {"extract": "taxes[*].number", "generate": "value"}]}
            ],
        },
    }  # fmt: skip
    data = [
        {
            "name": "Ada & Söhne = 100%",
            "town": "Ulm+Süd",
            "crm": 9007199254740993,
            "taxes": [{"kind": "eu_vat", "number": "DE123"}],
        },
        {"name": "Bob", "odd": "x"},
        {"name": "Eve", "town": "Berlin"},
    ]
    results = await rest.run_import(id, {"import": model, "data": data})
    assert [result["statusCode"] for result in results] == [200, 422, 200], results
    assert results[0]["id"].startswith("cus_")
    assert "additional properties are not allowed" in str(results[1]["errors"])


@needs_stripe
async def test_stripe_lists_are_pulled(rest: RestClient, stripe_url: str) -> None:
    """exports-imports.md 2.2, 4: records at ``data``; ``has_more`` false ends the pages."""
    id = await made(rest, stripe_url, {"type": "token", "token": {"token": "sk_test_123"}})
    export = {
        "http": {
            "relativeURI": "/charges?limit=100",
            "response": {"resourcePath": "data"},
            "paging": {
                "method": "token", "path": "data[-1].id", "lastPagePath": "has_more", "lastPageValues": ["false"],
                "relativeURI": "/charges?limit=100&starting_after={{export.http.paging.token}}",
            },
        }
    }  # fmt: skip
    first = await rest.page(id, {"export": {**export, "pageSize": 20}})
    assert [record["object"] for record in first["data"]] == ["charge"]
    assert first["pagedExportState"]["done"] is True


# -- SOAP

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="urn:warehouse">'
    "<soap:Body>%s</soap:Body></soap:Envelope>"
)
LIST = ENVELOPE % "<w:ListItems><w:page>{{export.http.paging.page}}</w:page><w:size>10</w:size></w:ListItems>"
PUT = ENVELOPE % (
    "<w:PutItem><w:sku>{{record.sku}}</w:sku>{{#if record.name}}<w:name>{{record.name}}</w:name>{{/if}}<w:stock>{{record.stock}}</w:stock>"
    "{{#each record.tags}}<w:tag>{{this}}</w:tag>{{/each}}</w:PutItem>"
)


def soap_headers(action: str) -> list[dict[str, str]]:
    """SOAP 1.1 section 6."""
    return [
        {"name": "SOAPAction", "value": f'"urn:warehouse#{action}"'},
        {"name": "Content-Type", "value": "text/xml; charset=utf-8"},
    ]


@needs_soap
async def test_items_are_pulled_page_by_page_through_soap(rest: RestClient, soap_url: str) -> None:
    """exports-imports.md 2.3, 4: XML requests, records by XPath across namespaces, pages until the total is reached."""
    id = await made(rest, soap_url, mediaType="xml")
    export = {
        "http": {
            "method": "POST",
            "relativeURI": "/warehouse",
            "headers": soap_headers("ListItems"),
            "body": LIST,
            "response": {"resourcePath": "/Envelope/Body/ListItemsResponse/item"},
            "paging": {"method": "page", "page": 1, "maxCountPath": "/Envelope/Body/ListItemsResponse/total/text()"},
        },
    }
    pulled = (await rest.run_export(id, {"export": export}))["data"]
    assert [item["sku"] for item in pulled[:25]] == [f"S-{n:03}" for n in range(1, 26)]
    assert pulled[0] == {"sku": "S-001", "stock": "0", "tag": ["steel", "größe"]}
    assert pulled[1] == {"sku": "S-002", "name": 'Bolt 2 <M1> & "nut"', "stock": "10", "tag": "brass"}

    paged = {**export, "pageSize": 7}
    first = await rest.page(id, {"export": paged})
    second = await rest.page(id, {"export": paged, "pagedExportState": first["pagedExportState"]})
    assert first["data"] + second["data"] == pulled[:14]


@needs_soap
async def test_items_are_pushed_through_soap(rest: RestClient, soap_url: str) -> None:
    """connections.md 13.3: a template writes the envelope, what it inserts is escaped; a fault is the record's own error."""
    id = await made(rest, soap_url, mediaType="xml")
    model = {
        "http": {
            "method": ["POST"],
            "relativeURI": ["/warehouse"],
            "headers": soap_headers("PutItem"),
            "body": [PUT],
            "response": {
                "resourcePath": ["/Envelope/Body/PutItemResponse"],
                "resourceIdPath": ["/Envelope/Body/PutItemResponse/id"],
                "errorPath": "/Envelope/Body/Fault/faultstring",
            },
        },
    }
    data = [
        {"sku": "N<1>&'\"", "name": "]]> & more", "stock": 7, "tags": ["a", "ä<"]},
        {"sku": "N-2", "stock": -1},
        {"sku": "N-3", "stock": 3},
    ]
    results = await rest.run_import(id, {"import": model, "data": data})
    assert [result["statusCode"] for result in results] == [200, 422, 200], results
    assert results[0]["id"] == "I-N<1>&'\""
    assert "stock of N-2 is negative" in str(results[1]["errors"])
    export = {
        "http": {
            "method": "POST",
            "relativeURI": "/warehouse",
            "headers": soap_headers("ListItems"),
            "body": LIST.replace("{{export.http.paging.page}}", "1").replace("10", "100"),
            "response": {"resourcePath": "/Envelope/Body/ListItemsResponse/item"},
        },
        "filter": {"expression": {"version": "1", "rules": ["startswith", ["extract", "sku"], "N<1>"]}},
    }
    pulled = (await rest.run_export(id, {"export": export}))["data"]
    assert pulled == [{"sku": "N<1>&'\"", "name": "]]> & more", "stock": "7", "tag": ["a", "ä<"]}]
