"""The REST edge: serves every rpc of the contract by its options and knows no endpoint by name (D2, D10, D20)."""
