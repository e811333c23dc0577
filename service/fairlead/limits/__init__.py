"""Slots, pacing, cool-downs and our own leaky buckets, all on the clock of the engine (connections.md 7 and 8)."""
