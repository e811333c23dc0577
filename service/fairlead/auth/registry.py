"""The authentication types of this build, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.auth.basic import Basic
from fairlead.auth.cookie import CookieLogin
from fairlead.auth.custom import Custom
from fairlead.auth.digest import Digest
from fairlead.auth.jwtbearer import JwtBearer
from fairlead.auth.oauth import Oauth
from fairlead.auth.oauth1 import Oauth1
from fairlead.auth.token import Token
from fairlead.auth.wsse import Wsse
from fairlead.domain.errors import feature_not_supported
from fairlead.domain.registry import Registry
from fairlead.engine.ports import AuthStrategy, Json

STRATEGIES: Final[Registry[AuthStrategy]] = Registry("authentication type")
STRATEGIES.add("basic", Basic())
STRATEGIES.add("token", Token())
STRATEGIES.add("custom", Custom())
STRATEGIES.add("oauth", Oauth())
STRATEGIES.add("digest", Digest())
STRATEGIES.add("wsse", Wsse())
STRATEGIES.add("cookie", CookieLogin())
STRATEGIES.add("oauth1", Oauth1())
STRATEGIES.add("jwtbearer", JwtBearer())
STRATEGIES.add("jwt", JwtBearer())


def strategy_for(http: Mapping[str, Json]) -> AuthStrategy:
    """The strategy of a connection's block in the ``http`` dialect; without ``auth`` it is ``custom``. Raises ``NotSupported`` with
    field ``http.auth.type`` for a type that this build stores only."""
    name = (http.get("auth") or {}).get("type") or "custom"
    strategy = STRATEGIES.get(name)
    if strategy is None:
        raise feature_not_supported("http.auth.type", f"authentication type {name!r}")
    return strategy
