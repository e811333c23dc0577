"""Mapping of records, compiled once per import, applied per record (exports-imports.md 10, 12)."""
