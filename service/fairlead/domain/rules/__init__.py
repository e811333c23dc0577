"""Rules between fields of one document (connections.md 2, exports-imports.md 4.1, 9): one file a kind.

What a single field can say (type, words, range, required) is in the contract's options; here stands what needs two fields. Every
function returns all problems, fields relative to the document, in the ``http`` dialect.
"""
