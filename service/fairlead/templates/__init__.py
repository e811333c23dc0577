"""The template language of connections, exports, imports, mappings and lookups (handlebars.md, D15)."""
