"""The page that a person in a browser sees of a method with the option ``page``: one sentence, nothing loaded, nothing run."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Final

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fairlead</title>
<style>
:root { color-scheme: light dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.125rem/1.5 system-ui, sans-serif }
main { max-width: 32rem; margin: 1.5rem; padding: 1.5rem 2rem; border: 1px solid; border-left-width: .5rem; border-radius: .5rem }
h1 { margin: 0 0 .5rem; font-size: 1.5rem }
p { margin: 0; overflow-wrap: anywhere }
.good { border-color: #1a7f37 }
.bad { border-color: #c62828 }
</style>
</head>
<body>
<main class="$kind" role="$role">
<h1>$heading</h1>
<p>$sentence</p>
</main>
</body>
</html>
""")


def page(sentence: str, *, good: bool) -> str:
    """HTML that says ``sentence``, whatever is in it, and whether all went well: in a word and a colour."""
    kind, role, heading = ("good", "status", "\u2713 Done") if good else ("bad", "alert", "\u2717 Not done")
    return _PAGE.substitute(kind=kind, role=role, heading=heading, sentence=escape(sentence))
