"""What rendering a template costs: of plain paths, and with one helper, against the same in Python by hand.

``python bench/templates.py`` prints microseconds per rendering, the least of several rounds, interleaved. A plain template is to cost less
than 2 microseconds, one with a helper less than 30.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from fairlead.engine.ports import Place, Scope
from fairlead.templates.compiler import TemplateCompiler

ROUNDS: Final = 9
NUMBER: Final = 5000
RECORD: Final = {"id": "A-17", "name": 'Bolt "M8" & nut', "qty": 40, "at": "2024-03-01T10:00:00Z", "price": "140.5"}

TEMPLATES: Final = {
    "plain, one path in a URI": (Place.URI, "/orders/{{record.id}}"),
    "plain, two paths in a URI": (Place.URI, "/orders/{{record.id}}/lines/{{record.qty}}"),
    "plain, two paths in a body": (Place.JSON, '{"id":"{{record.id}}","name":"{{record.name}}"}'),
    "helper uppercase": (Place.URI, "/orders/{{uppercase record.id}}"),
    "helper add": (Place.URI, "/orders/{{add record.qty 1}}"),
    "helper if": (Place.URI, "/orders{{#if record.qty}}?q={{record.qty}}{{/if}}"),
    "helper each": (Place.JSON, "[{{#each record.tags}}{{this}},{{/each}}]"),
    "helper replace": (Place.JSON, '{"n":"{{replace record.name "M8" "M9"}}"}'),
    "helper jsonSerialize": (Place.JSON, "{{{jsonSerialize record}}}"),
    "helper dateFormat": (Place.URI, '/since/{{dateFormat "YYYY-MM-DD" record.at}}'),
    "helper base64Encode": (Place.PLAIN, "Basic {{base64Encode record.name}}"),
    "helper hmac": (Place.PLAIN, '{{hmac "sha256" "key" "hex" record.name}}'),
    "helper regexReplace": (Place.JSON, '{"n":"{{regexReplace record.name "x" "[^a-z]" "g"}}"}'),
}  # fmt: skip


def by_hand(record: dict[str, object]) -> str:
    """The plain URI in Python."""
    return f"/orders/{quote(str(record['id']), safe='')}/lines/{quote(str(record['qty']), safe='')}"


def main() -> None:
    """Measure and print."""
    compiler = TemplateCompiler()
    scope = Scope({"record": {**RECORD, "tags": ["a", "b"]}, "data": [RECORD]}, datetime.now(UTC))
    work: dict[str, Callable[[], object]] = {"by hand, two paths": lambda: by_hand({**RECORD})}
    for name, (place, text) in TEMPLATES.items():
        template = compiler.compile(text, place)
        work[name] = lambda template=template: template.render(scope)  # type: ignore[misc]  # the loop's value is bound
    least = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, call in work.items():
            least[name] = min(least[name], timeit.timeit(call, number=NUMBER) / NUMBER * 1e6)
    for name, micros in least.items():
        print(f"{name:30} {micros:8.2f} us")


if __name__ == "__main__":
    main()
