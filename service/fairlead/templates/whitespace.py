"""White space control: ``~``, and lines that hold nothing but a block tag or a comment vanish (as Handlebars.js 4.7 does)."""

from __future__ import annotations

from fairlead.templates.syntax import Block, Comment, Link, Statement, Text


def control(body: list[Statement], *, root: bool = True) -> None:
    """Trim the texts of ``body`` and of everything below it in place."""
    for index, statement in enumerate(body):
        if isinstance(statement, Text):
            continue
        opens_line, closes_line = _blank_before(body, index, root), _blank_after(body, index, root)
        if isinstance(statement, Block):
            _control_block(statement, body, index, opens_line, closes_line)
            before, after = statement.links[0].strip.before, statement.strip.after
        else:
            before, after = statement.strip.before, statement.strip.after
            if isinstance(statement, Comment) and opens_line and closes_line:
                _trim_line_after(body, index)
                _trim_line_before(body, index)
        if after:
            _trim_all_after(body, index)
        if before:
            _trim_all_before(body, index)


def _control_block(block: Block, body: list[Statement], index: int, opens_line: bool, closes_line: bool) -> None:
    links = block.links
    for link in links:
        control(link.body, root=False)
    for place, link in enumerate(links):
        following = links[place + 1] if place + 1 < len(links) else None
        if link.strip.after:
            _trim_all_after(link.body, -1)
        if following and following.strip.before:
            _trim_all_before(link.body, len(link.body))
        # 4.7 reads a chain as blocks in else parts: each trims the part after its own, the first two by the closing tag, others by their own
        if (place == 0 or link.call) and (block if place < 2 else link).strip.before:
            trimmed = (following or link).body
            _trim_all_before(trimmed, len(trimmed))
        if following and _ends_line(link) and _begins_line(following):
            _trim_line_before(link.body, len(link.body))
            _trim_line_after(following.body, -1)
    if opens_line and _begins_line(links[0]):
        _trim_line_after(links[0].body, -1)
        _trim_line_before(body, index)
    # 4.7 looks at the first else part of a chain here, and trims before the closing tag only where there is no chain
    if closes_line and _ends_line(links[min(1, len(links) - 1)]):
        _trim_line_after(body, index)
        if len(links) == 1 or links[1].call is None:
            _trim_line_before(links[-1].body, len(links[-1].body))


def _begins_line(link: Link) -> bool:
    return _blank_after(link.body, -1, root=False)


def _ends_line(link: Link) -> bool:
    return _blank_before(link.body, len(link.body), root=False)


def _blank_before(body: list[Statement], index: int, root: bool) -> bool:
    """Whether nothing but blanks stands between the line's start and the statement at ``index``."""
    if index == 0:
        return root
    previous = body[index - 1]
    if not isinstance(previous, Text):
        return False
    text = previous.original
    kept = text.rstrip()
    return "\n" in text[len(kept) :] or (root and index == 1 and not kept)


def _blank_after(body: list[Statement], index: int, root: bool) -> bool:
    """Whether nothing but blanks stands between the statement at ``index`` and the line's end."""
    if index == len(body) - 1:
        return root
    following = body[index + 1]
    if not isinstance(following, Text):
        return False
    text = following.original
    kept = text.lstrip()
    return "\n" in text[: len(text) - len(kept)] or (root and index == len(body) - 2 and not kept)


def _text_at(body: list[Statement], index: int) -> Text | None:
    statement = body[index] if 0 <= index < len(body) else None
    return statement if isinstance(statement, Text) else None


def _trim_line_after(body: list[Statement], index: int) -> None:
    """Remove blanks and one line end after ``index``, once."""
    text = _text_at(body, index + 1)
    if text and not text.trimmed_before:
        kept = text.value.lstrip(" \t").removeprefix("\r").removeprefix("\n")
        text.trimmed_before, text.value = kept != text.value, kept


def _trim_line_before(body: list[Statement], index: int) -> None:
    """Remove blanks before ``index``, once."""
    text = _text_at(body, index - 1)
    if text and not text.trimmed_after:
        kept = text.value.rstrip(" \t")
        text.trimmed_after, text.value = kept != text.value, kept


def _trim_all_after(body: list[Statement], index: int) -> None:
    text = _text_at(body, index + 1)
    if text:
        text.value = text.value.lstrip()


def _trim_all_before(body: list[Statement], index: int) -> None:
    text = _text_at(body, index - 1)
    if text:
        text.value = text.value.rstrip()
