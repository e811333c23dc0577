"""Settings from the environment, or a sentence and exit code 2."""

from __future__ import annotations

import os

from fairlead.cli.exits import USAGE, Stop
from fairlead.settings import Settings, SettingsError


def settings_or_stop() -> Settings:
    """The settings; raises ``Stop`` that says which variable is wrong and why."""
    try:
        return Settings.of(os.environ)
    except SettingsError as error:
        raise Stop(str(error), USAGE) from None
