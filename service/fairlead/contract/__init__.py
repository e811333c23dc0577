"""The contract's options at work: reading, checking, printing and storing messages by their descriptors (D20)."""
