"""Keys and everything done with them: encryption at rest, signed states, sealed cursors (D5, D6)."""
