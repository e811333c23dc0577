"""Paging methods (exports-imports.md 4): one strategy a file, pure; ``registry`` names them all."""
