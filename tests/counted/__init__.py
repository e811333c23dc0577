"""Limits as an application sees them that real ``fairlead serve`` processes send their requests to (connections.md 7 and 8)."""
