"""Body templates that are JSON and leave as something else: a form or parts (exports-imports.md 2.1, handlebars.md 3)."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.domain.errors import InvalidContent
from fairlead.engine.ports import RecordWriter, Scope, Template, TemplateError


@dataclass(frozen=True, slots=True)
class WrittenTemplate:
    """A template whose rendered JSON object is written as ``writer`` writes records."""

    template: Template
    writer: RecordWriter

    @property
    def text(self) -> str:
        """The source."""
        return self.template.text

    @property
    def paths(self) -> frozenset[str]:
        """Dotted paths that it reads."""
        return self.template.paths

    @property
    def helpers(self) -> frozenset[str]:
        """Inline helpers that it calls."""
        return self.template.helpers

    def render(self, scope: Scope) -> str:
        """The body. Raises ``TemplateError``, also when what is rendered is no JSON object."""
        rendered = self.template.render(scope).encode("utf-8", "surrogatepass")
        try:
            return self.writer.write(rendered).decode("utf-8", "surrogatepass")
        except InvalidContent as error:
            raise TemplateError(f"the rendered body: {error.problems[0].message}") from None
