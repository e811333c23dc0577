"""Hashes and keyed hashes (handlebars.md 6.7)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from fairlead.engine.ports import TemplateError
from fairlead.templates.helpers.arguments import Arguments, Helper, Known, known_text, one_of
from fairlead.templates.helpers.aws4 import authorization
from fairlead.templates.helpers.encoding import bytes_of
from fairlead.templates.values import Value

_ALGORITHMS: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_SHOWN: Final = ("hex", "base64")
_KEYS: Final = ("utf8", "base64", "hex")
_HASH_WITH_KEY: Final = 4
"""``hash`` with that many arguments is ``hmac`` (published samples use that form)."""


def _algorithm(word: str) -> str:
    name = word.lower().replace("-", "")
    if name not in _ALGORITHMS:
        raise one_of("digest", word, _ALGORITHMS)
    return name


def _shown(digest: bytes, encoding: str) -> str:
    if encoding.lower() == "hex":
        return digest.hex()
    if encoding.lower() == "base64":
        return base64.b64encode(digest).decode("ascii")
    raise one_of("form of a digest", encoding, _SHOWN)


def _key_encoding(word: str) -> str:
    name = word.lower().replace("utf-8", "utf8") or "utf8"
    if name not in _KEYS:
        raise one_of("encoding of a key", word, _KEYS)
    return name


def _hash(arguments: Arguments) -> Value:
    if len(arguments) >= _HASH_WITH_KEY:
        return _hmac(arguments)
    algorithm = _algorithm(arguments.text(0))
    digest = hashlib.new(algorithm, bytes_of(arguments.text(2), "utf8"), usedforsecurity=False)
    return _shown(digest.digest(), arguments.text(1))


def _hmac(arguments: Arguments) -> Value:
    key = bytes_of(arguments.text(1), _key_encoding(arguments.text(4)))
    digest = hmac.digest(key, bytes_of(arguments.text(3), "utf8"), _algorithm(arguments.text(0)))
    return _shown(digest, arguments.text(2))


def _aws4(arguments: Arguments) -> Value:
    request = arguments.rendering.root.signed()
    if not isinstance(request, dict) or not request.get("URI"):
        raise TemplateError("aws4: there is no request to sign here; use it in the value of a header")
    try:
        return authorization(
            request,
            access_key=arguments.text(0),
            secret_key=arguments.text(1),
            session_token=arguments.text(2),
            region=arguments.text(3),
            service=arguments.text(4),
            now=arguments.rendering.scope.now,
        )
    except ValueError:
        raise TemplateError("aws4: the URI of the request cannot be read") from None


def _check_hash(known: Known) -> None:
    if (word := known_text(known, 0)) is not None:
        _algorithm(word)
    shown = known_text(known, 1 if len(known) < _HASH_WITH_KEY else 2)
    if shown is not None:
        _shown(b"", shown)


def _check_hmac(known: Known) -> None:
    if (word := known_text(known, 0)) is not None:
        _algorithm(word)
    if (word := known_text(known, 2)) is not None:
        _shown(b"", word)
    if (word := known_text(known, 4)) is not None:
        _key_encoding(word)


HELPERS: Final = {
    "hash": Helper(_hash, _check_hash),
    "hmac": Helper(_hmac, _check_hmac),
    "aws4": Helper(_aws4),
}
