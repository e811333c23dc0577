"""The closed list of helpers (handlebars.md 5 and 6)."""
