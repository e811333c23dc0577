"""AWS Signature Version 4 of a request in the making ("Signature Version 4 signing process" of the AWS documentation)."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from fairlead.domain.charset import encodable

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_HOST: Final = re.compile(r"([^.]{1,63})\.(?:([^.]{0,63})\.)?amazonaws\.com(?:\.cn)?\Z")
_UNRESERVED: Final = "-_.~"
_DEFAULT_REGION: Final = "us-east-1"


def authorization(
    request: dict[str, Any],
    *,
    access_key: str,
    secret_key: str,
    session_token: str,
    region: str,
    service: str,
    now: datetime,
) -> str:
    """The value of the ``Authorization`` header. ``request`` has ``method``, ``URI``, ``headers`` and ``body``; ``X-Amz-Date`` and, with a
    session token, ``X-Amz-Security-Token`` are added to its headers when they are missing. An empty region or service comes from the
    host. Raises ``ValueError`` when the URI is none."""
    url = urlsplit(request["URI"])
    host = url.netloc.rpartition("@")[2].lower()
    found_service, found_region = _from_host(host)
    region, service = region or found_region, service or found_service
    stamp = _header(request, "X-Amz-Date", now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
    headers = {"host": host, "x-amz-date": stamp}
    if session_token:
        headers["x-amz-security-token"] = _header(request, "X-Amz-Security-Token", session_token)
    signed = ";".join(headers)
    body = encodable(str(request.get("body") or "")).encode()
    canonical = "\n".join(
        [
            str(request.get("method") or "GET").upper(),
            _path(url.path, service),
            _query(url.query),
            *[f"{name}:{' '.join(value.split())}" for name, value in headers.items()],
            "",
            signed,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    day = stamp[:8]
    credential = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(encodable(canonical).encode()).hexdigest()
    key = f"AWS4{encodable(secret_key)}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, encodable(part).encode(), "sha256")
    signature = hmac.digest(
        key, f"{_ALGORITHM}\n{stamp}\n{credential}\n{digest}".encode(errors="replace"), "sha256"
    ).hex()
    return f"{_ALGORITHM} Credential={access_key}/{credential}, SignedHeaders={signed}, Signature={signature}"


def _header(request: dict[str, Any], name: str, default: str) -> str:
    """The value of the header, which is added to the request when it is missing."""
    headers = request.setdefault("headers", {})
    for key, value in headers.items():
        if key.lower() == name.lower() and value:
            return str(value)
    headers[name] = default
    return default


def _from_host(host: str) -> tuple[str, str]:
    """Service and region that an AWS host name tells: ``abc.execute-api.us-east-1.amazonaws.com``."""
    match = _HOST.search(host)
    if not match:
        return "", _DEFAULT_REGION
    service, region = match.group(1), match.group(2) or ""
    if region == "s3":
        return "s3", _DEFAULT_REGION
    if region in ("es", "aoss"):
        return region, service
    return (service, region or _DEFAULT_REGION) if match.group(2) is not None else (service, _DEFAULT_REGION)


def _path(path: str, service: str) -> str:
    """The canonical path: encoded once more than it stands in the request, except for S3."""
    if service == "s3":
        return path or "/"
    kept: list[str] = []
    for segment in re.sub("/{2,}", "/", path).split("/"):
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(quote(encodable(segment), safe=_UNRESERVED))
    return "/".join(kept) or "/"


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = [(quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
