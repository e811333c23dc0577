"""The ``fairlead`` command: composes service and gateway, operates the database, talks to a running service."""
