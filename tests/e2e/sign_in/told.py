"""Applications that say otherwise than with 401 that credentials are wrong (connections.md 6.1)."""

from __future__ import annotations

from typing import ClassVar
from xml.sax.saxutils import escape

from aiohttp import web

from tests.e2e.sign_in.plain import Bearer
from tests.e2e.sign_in.way import Block, Refused


class InJsonAnswer(Bearer):
    """200, and a member of the body: the specification's example."""

    name = "failure-in-json"
    failure: ClassVar[Block] = {"failStatusCode": 200, "failPath": "reason", "failValues": ["Authentication"]}

    def block(self, base: str, *, right: bool) -> Block:
        block = super().block(base, right=right)
        block["auth"] |= self.failure
        return block

    def told(self, refused: Refused, why: str) -> web.Response:
        return web.json_response({"status": "failed", "reason": "Authentication", "text": why})


class InXmlAnswer(InJsonAnswer):
    """200, and an element in a body of XML, which ``Content-Type`` tells from the JSON of good answers."""

    name = "failure-in-xml"
    failure: ClassVar[Block] = {"failStatusCode": 200, "failPath": "fault.code", "failValues": ["AUTH", "EXPIRED"]}

    def told(self, refused: Refused, why: str) -> web.Response:
        fault = f'<a:fault at="here"><a:code>AUTH</a:code><a:text>{escape(why)}</a:text></a:fault>'
        text = f'<?xml version="1.0"?><a:answer xmlns:a="urn:a">{fault}</a:answer>'
        return web.Response(text=text, content_type="application/xml")


class As403(InJsonAnswer):
    """403 where others say 401."""

    name = "failure-403"
    wrong_code = 403
    failure: ClassVar[Block] = {"failures": [{"statusCode": 403}]}

    def told(self, refused: Refused, why: str) -> web.Response:
        return web.json_response({"error": {"text": why}}, status=403)
