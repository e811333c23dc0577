"""Media types, one a file: bodies to values and records, records to bodies."""
