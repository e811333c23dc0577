"""The explanation of a ping in a terminal: the result in one sentence, then every step with what it took and what was looked at."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

Node = dict[str, Any]

_PURPOSES: Final = {
    "renewal": "sign-in",
    "challenge": "answer to the challenge",
    "repetition": "again, with new credentials",
    "second_try": "again, because it broke",
    "after_wait": "again, after waiting",
    "redirect": "redirected",
    "connect": "connection only",
}
_VERDICTS: Final = {"success": "green", "rate_limited": "yellow", "end_of_pages": "green"}
_REASONS: Final = {"before_use": "before use", "after_refusal": "after a refusal", "asked": "to try signing in"}
_BY: Final = {"another_request": " by another request", "another_process": " by another process, taken from the store"}
_OUTCOMES: Final = {"renewed": ("renewed", "green"), "refused": ("refused", "red"), "failed": ("not renewed", "yellow")}


def explained(answer: Node) -> RenderableType:
    """What a ping answered with its explanation; everything the application said is text, never markup."""
    explanation: Node = answer.get("explanation") or {}
    failed = bool(answer.get("errors"))
    mark, colour = ("✗", "red") if failed else ("✓", "green")
    root = Tree(Text(f"{mark} {explanation.get('summary', '')}", style=f"bold {colour}"), guide_style="dim")
    renewals: list[Node] = explanation.get("renewals") or []
    for number, step in enumerate(explanation.get("steps") or []):
        _add_renewals(root, renewals, number)
        root.add(_step(number + 1, step))
    _add_renewals(root, renewals, len(explanation.get("steps") or []))
    told = [_said(error) for error in answer.get("errors") or []]
    return Group(root, *told, Text(f"took {_ms(explanation.get('tookMs'))}", style="dim"))


def _add_renewals(root: Tree, renewals: list[Node], number: int) -> None:
    """Those that began after so many steps."""
    for renewal in renewals:
        if renewal.get("afterSteps", 0) == number:
            root.add(_renewal(renewal))


def _step(number: int, step: Node) -> RenderableType:
    good = _VERDICTS.get(step.get("verdict", ""), "red" if "status" in step or step.get("problem") else "green")
    line = Text.assemble((f"{number}. ", "bold"), (step.get("method", ""), "bold"), " ", step.get("url", ""))
    line.append(f" → {step['status']}" if "status" in step else " → no answer" if step.get("problem") else "", good)
    line.append(f"  {_ms(step.get('tookMs'))}", "cyan")
    if step.get("waitedMs", 0) >= 1:
        line.append(f", waited {_ms(step['waitedMs'])}", "dim")
    if step.get("purpose") in _PURPOSES:
        line.append(f"  ({_PURPOSES[step['purpose']]})", "dim")
    parts: list[RenderableType] = [line, Text(step.get("sentence", ""), style=good)]
    if "credentials" in step:
        parts.append(Text(f"signed in with {_credentials(step['credentials'])}"))
    if step.get("lookedAt"):
        parts.append(_looked_at(step["lookedAt"]))
    return Group(*parts)


def _credentials(sent: Node) -> str:
    places = [f"header {name}" for name in sent.get("headers") or []]
    places += [f"query parameter {sent['query']}"] if sent.get("query") else []
    places += ["the body"] if sent.get("body") else []
    text: str = sent.get("type", "")
    if "token" in sent:
        text += f", token {_token(sent['token'])}"
    text += f", in {', '.join(places)}" if places else ", nothing sent"
    if sent.get("cookies"):
        text += f", cookies {', '.join(sent['cookies'])}"
    return text + (f", ends {sent['expires']}" if sent.get("expires") else "")


def _looked_at(entries: list[Node]) -> RenderableType:
    table = Table(
        "rule", "looked at", "found", "configured", "match", box=None, padding=(0, 2, 0, 0), header_style="dim"
    )
    for entry in entries:
        what = " ".join(part for part in (entry.get("field") or entry.get("looked"), entry.get("path")) if part)
        match = {True: Text("yes", "green"), False: Text("no", "dim")}.get(entry.get("matched", ""), Text(""))
        found = Text(entry["found"]) if "found" in entry else Text("nothing", "dim")
        configured = ", ".join(entry.get("configured") or ())
        table.add_row(Text(entry.get("rule", "")), Text(what), found, Text(configured), match)
    return table


def _renewal(renewal: Node) -> Text:
    word, colour = _OUTCOMES.get(renewal.get("outcome", ""), ("", ""))
    line = Text(f"credentials {_REASONS.get(renewal.get('reason', ''), '')}: ")
    line.append(word + _BY.get(renewal.get("by", ""), ""), colour)
    line.append(f"  {_ms(renewal.get('tookMs'))}", "cyan")
    for name, before, after in (
        ("token", "tokenBefore", "token"),
        ("refresh token", "refreshTokenBefore", "refreshToken"),
    ):
        if renewal.get(before) != renewal.get(after):
            line.append(f"\n{name} {_token(renewal.get(before))} → {_token(renewal.get(after))}")
    if renewal.get("message"):
        line.append(f"\n{renewal['message']}")
    return line


def _token(token: Node | None) -> str:
    if not token:
        return "none"
    print_ = f", sha256 {token['sha256']}…" if token.get("sha256") else ""
    return f"****** ({token.get('length', 0)} characters{print_})"


def _said(error: Node) -> Text:
    return Text(f"{error.get('code')} from the {error.get('source')}: {error.get('message')}", style="red")


def _ms(value: float | None) -> str:
    milliseconds = value or 0.0
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"
