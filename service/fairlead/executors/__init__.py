"""One adaptor type each: how a connection of that type is tested, read from and written to."""
