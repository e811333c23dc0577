"""Mapping 1.0 as generated code: fields (exports-imports.md 10.1 to 10.3). What is rare is called instead of written."""

from __future__ import annotations

from contextlib import ExitStack

from fairlead.domain.paths import ALL, NOTHING
from fairlead.mapping.code import Code
from fairlead.mapping.fields import Apply, Rule, When
from fairlead.mapping.reads import Reads
from fairlead.mapping.source import Source
from fairlead.mapping.steps import SKIP, Does, Step
from fairlead.mapping.target import Target


class Made:
    """The object that is being made, in a variable, and which of its members an earlier line may have set."""

    def __init__(self, code: Code, name: str) -> None:
        self._code = code
        self.name = name
        self._heads: set[str] = set()

    def called(self, target: Target, apply: Apply) -> None:
        """Let a function set the target."""
        self._heads.update(step for step in target.steps[:1] if isinstance(step, str))
        self._code.needs_work = True
        self._code.line(f"{self._code.bind(apply)}(work, {self.name})")

    def put(self, target: Target, value: str) -> None:
        """Set a variable's value at the target."""
        names = [step for step in target.steps if isinstance(step, str)]
        fresh = names[:1] != [] and names[0] not in self._heads
        self._heads.update(names[:1])
        code = self._code
        if target.copies or len(names) < len(target.steps) or (len(names) > 1 and not fresh and len(names) != 2):
            code.line(f"{code.bind(target.put)}({self.name}, {value})")
        elif len(names) == 1:
            code.line(f"{self.name}[{code.bind(names[0])}] = {value}")
        elif fresh:
            nested = value
            for name in reversed(names[1:]):
                nested = f"{{{code.bind(name)}: {nested}}}"
            code.line(f"{self.name}[{code.bind(names[0])}] = {nested}")
        else:
            head, tail, inner = code.bind(names[0]), code.bind(names[1]), code.name()
            code.line(f"{inner} = {self.name}.get({head})")
            with code.block(f"if type({inner}) is dict"):
                code.line(f"{inner}[{tail}] = {value}")
            with code.block("else"):
                code.line(f"{self.name}[{head}] = {{{tail}: {value}}}")


def write_field(code: Code, rule: Rule, reads: Reads, made: Made) -> None:
    """The lines of a field outside of lists."""
    with ExitStack() as blocks:
        if not write_guard(code, rule, reads, made, blocks):
            return
        value = code.name()
        if rule.constant is not NOTHING:
            code.line(f"{value} = {code.bind(rule.constant)}")
        else:
            write_source(code, rule.source, reads, value)
        write_steps(code, rule, value, made, blocks, sure=rule.constant is not NOTHING)


def write_guard(code: Code, rule: Rule, reads: Reads, made: Made, blocks: ExitStack) -> bool:
    """Step 1: the blocks that the rest stands in; false when the field is never mapped."""
    if rule.when is When.NEVER:
        return False
    if rule.when is not None:
        blocks.enter_context(code.block(f"if operation is {'' if rule.when is When.UPDATED else 'not '}U"))
        blocks.enter_context(reads.inside())
    if rule.unless_set:
        blocks.enter_context(code.block(f"if not {code.bind(rule.target.is_set)}({made.name})"))
        blocks.enter_context(reads.inside())
    return True


def write_source(code: Code, source: Source, reads: Reads, value: str) -> None:
    """Read the value of an extract into a variable, ``N`` when there is none."""
    if source.steps is None:
        code.needs_work = True
        code.line(f"{value} = {code.bind(source.read)}(work)")
        return
    if ALL in source.steps:
        before = source.steps[: source.steps.index(ALL)]
        missing = f"{value} is N" if before else ""
        reads.spread(source.steps, value)
        if missing:  # nothing at the path: the literal name, unless the array is there and null
            with code.block(f"if {missing} and {reads.value(before)} is N"), reads.inside():
                code.line(f"{value} = record.get({code.bind(source.text)}, N)")
        return
    code.line(f"{value} = {reads.value(source.steps)}")
    if source.steps != (source.text,):
        with code.block(f"if {value} is N"):
            code.line(f"{value} = record.get({code.bind(source.text)}, N)")


def write_steps(code: Code, rule: Rule, value: str, made: Made, blocks: ExitStack, *, sure: bool) -> None:
    """Steps 3 to 8 on a variable; ``sure``: it is not ``N``."""
    for step in rule.steps:
        sure = write_step(code, step, value, blocks, sure=sure)
    if not sure:
        blocks.enter_context(code.block(f"if {value} is not N"))
    made.put(rule.target, value)


def write_step(code: Code, step: Step, value: str, blocks: ExitStack, *, sure: bool) -> bool:
    """One step on a variable; whether it is sure not to be ``N`` afterwards."""
    if step.does is Does.SKIP_EMPTY:
        blocks.enter_context(code.block(f"if {value} is not N and ({value} or {value} == 0)"))
        return True
    if step.does is Does.DEFAULT:
        with code.block(f"if {value} is N or not {value} and {value} != 0"):
            code.line(f"{value} = {code.bind(step.value)}")
        return True
    call = f"{value} = {code.bind(step.run)}({value}, scope)"
    if step.unchanged is not None and not step.each:
        with code.block(f"if type({value}) is not {code.bind(step.unchanged)}"):
            code.line(call)
        return sure
    code.line(call)
    if step.does is Does.JUDGE:
        blocks.enter_context(code.block(f"if {value} is not {code.bind(SKIP)}"))
    return False
