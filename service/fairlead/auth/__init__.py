"""Authentication types, one strategy a file, written as generators without I/O (connections.md 3)."""
