"""The only database code: one contract, kept by SQLite and by MongoDB (D9)."""
