"""``oauth1`` (connections.md 3.8, RFC 5849): every request is signed, in the header form."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from fairlead.auth.clocks import explain_clock
from fairlead.auth.fixed import Fixed
from fairlead.auth.keys import OAUTH1_KEY, private_key
from fairlead.auth.signatures import sign
from fairlead.domain import urls
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import AuthFlow, AuthSession, Json, Place, TemplateError

_FORM: Final = "application/x-www-form-urlencoded"
_REALM: Final = "http.auth.oauth.oauth1.realm"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Pairs = Sequence[tuple[str | bytes, str | bytes]]


class Oauth1(Fixed):
    """Signs with the secrets or the private key of consumer and token."""

    name = "oauth1"

    def secrets(self, http: Mapping[str, Json]) -> Sequence[str]:
        """The secrets as ``plaintext`` sends them: encoded, and then once more as a parameter of the header."""
        settings = _settings(http)
        given = [settings.get(name) or "" for name in ("consumerSecret", "tokenSecret")]
        return [encoded for text in given if (encoded := escape(text)) != text]

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """One request with ``Authorization: OAuth``, its own nonce and time. Raises ``InvalidContent`` for a key that cannot be used and a
        realm that cannot be rendered or sent, ``RenewalRefused`` when it is refused and the application's clock is far from ours."""
        settings = _settings(session.http)
        parameters = protocol_parameters(
            settings, nonce=session.random(16).hex(), timestamp=int(session.clock.now().timestamp())
        )
        signature = signature_of(request, parameters, settings)
        fields = [f'{name}="{escape(value)}"' for name, value in (*parameters, ("oauth_signature", signature))]
        if settings.get("realm"):
            fields.insert(0, f'realm="{_realm(settings["realm"], session)}"')
        signed = request.copy()
        signed.headers.set("Authorization", f"OAuth {', '.join(fields)}")
        signed.secret_headers |= {"authorization"}
        answer = yield signed
        explain_clock(answer, session, "the signature", "OAuth 1 signs the time")


def protocol_parameters(settings: Mapping[str, Json], *, nonce: str, timestamp: int) -> list[tuple[str, str]]:
    """The ``oauth_*`` parameters in the order of the header, without the signature (RFC 5849 3.1)."""
    return [
        ("oauth_consumer_key", settings.get("consumerKey") or ""),
        ("oauth_token", settings.get("accessToken") or ""),
        ("oauth_signature_method", str(settings.get("signatureMethod")).upper()),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
    ]


def signature_of(request: HttpRequest, parameters: Pairs, settings: Mapping[str, Json]) -> str:
    """``oauth_signature``, not yet encoded (RFC 5849 3.4). Raises ``InvalidContent`` for a private key that cannot be used."""
    method = str(settings.get("signatureMethod"))
    key = f"{escape(settings.get('consumerSecret') or '')}&{escape(settings.get('tokenSecret') or '')}"
    if method == "plaintext":
        return key
    base = base_string(request, parameters).encode("ascii")
    if method.startswith("rsa-"):
        return b64encode(
            sign(method, private_key(settings.get("consumerPrivateKey") or "", method, OAUTH1_KEY), base)
        ).decode()
    return b64encode(sign(method, key.encode("ascii"), base)).decode()


def base_string(request: HttpRequest, parameters: Pairs) -> str:
    """The text that is signed (RFC 5849 3.4.1): method, address without query, and all parameters sorted as they are encoded."""
    path, query = urls.path_and_query(request.url)
    pairs = [*parameters, *_form_pairs(query.encode("utf-8", "surrogatepass"))]
    content_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if request.body and content_type == _FORM:
        pairs += _form_pairs(request.body)
    normalized = "&".join(f"{name}={value}" for name, value in sorted((escape(n), escape(v)) for n, v in pairs))
    return f"{escape(request.method.upper())}&{escape(_address(request.url, path))}&{escape(normalized)}"


def escape(text: str | bytes) -> str:
    """Percent-encoding of all but letters, digits and ``-._~`` (RFC 5849 3.6)."""
    return quote(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, safe="")


def _settings(http: Mapping[str, Json]) -> Mapping[str, Json]:
    return ((http.get("auth") or {}).get("oauth") or {}).get("oauth1") or {}


def _address(url: str, path: str) -> str:
    """Scheme and host in lower case, the port unless it is the usual one, the path as it is sent (RFC 5849 3.4.1.2)."""
    scheme, host, port = urls.origin(url)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}{'' if _DEFAULT_PORTS[scheme] == port else f':{port}'}{path or '/'}"


def _form_pairs(text: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Decoded to bytes, not characters: what is no UTF-8 is signed as it is sent."""
    for field in text.replace(b"+", b" ").split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            yield unquote_to_bytes(name), unquote_to_bytes(value)


def _realm(template: str, session: AuthSession) -> str:
    """The text between the quotes of ``realm`` (RFC 9110 5.6.4)."""
    try:
        realm = session.render(template, Place.PLAIN)
    except TemplateError as error:
        raise InvalidContent(Problem("invalid_template", f"{_REALM}: {error.message}", _REALM)) from None
    if any(character in realm for character in "\r\n\0"):
        why = f"{_REALM}: the rendered value holds a line break or a zero byte"
        raise InvalidContent(Problem("invalid_template", why, _REALM))
    return realm.replace("\\", "\\\\").replace('"', '\\"')
