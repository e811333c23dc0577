"""Dates by the tokens of moment.js (handlebars.md 6.4): for templates and for the date conversion of mappings."""

from fairlead.templates.moment_reading import parse_date, parse_moment
from fairlead.templates.moment_writing import ISO_FORMAT, format_moment, zone_named

__all__ = ["ISO_FORMAT", "format_moment", "parse_date", "parse_moment", "zone_named"]
