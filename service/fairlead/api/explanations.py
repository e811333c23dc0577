"""The explanation of a ping as its message."""

from __future__ import annotations

from typing import Any

from fairlead.api.mappers import message_of
from fairlead.domain.dates import iso
from fairlead.domain.document import Tree
from fairlead.engine.explanation import Explanation, Fingerprint, LookedAt, Renewal, SentCredentials, Step
from fairlead.v1 import explanation_pb2


def explanation_message(explanation: Explanation | None) -> explanation_pb2.Explanation | None:
    """Nothing when nobody asked for it."""
    if explanation is None:
        return None
    tree: Tree = {
        "summary": explanation.summary,
        "tookMs": _ms(explanation.seconds),
        "steps": [_step(step) for step in explanation.steps],
        "renewals": [_renewal(renewal) for renewal in explanation.renewals],
    }
    return message_of(tree, explanation_pb2.Explanation)


def _step(step: Step) -> Tree:
    return _given(
        purpose=step.purpose.value,
        method=step.method,
        url=step.url,
        waitedMs=_ms(step.waited),
        tookMs=_ms(step.seconds),
        status=step.status,
        verdict=step.verdict,
        rule=step.rule.value if step.rule is not None else None,
        sentence=step.sentence,
        problem=step.problem,
        credentials=_credentials(step.credentials) if step.credentials is not None else None,
        lookedAt=[_looked_at(looked) for looked in step.looked_at],
    )


def _credentials(sent: SentCredentials) -> Tree:
    return _given(
        type=sent.type,
        headers=list(sent.headers),
        query=sent.query,
        body=sent.body,
        cookies=list(sent.cookies),
        token=_fingerprint(sent.token),
        expires=iso(sent.expires) if sent.expires is not None else None,
    )


def _looked_at(looked: LookedAt) -> Tree:
    return _given(
        rule=looked.rule.value if looked.rule is not None else None,
        looked=looked.looked.value,
        field=looked.field,
        path=looked.path,
        found=looked.found,
        configured=list(looked.configured),
        matched=looked.matched,
    )


def _renewal(renewal: Renewal) -> Tree:
    return _given(
        reason=renewal.reason.value,
        by=renewal.by.value,
        outcome=renewal.outcome.value,
        tookMs=_ms(renewal.seconds),
        afterSteps=renewal.after_steps,
        message=renewal.message,
        tokenBefore=_fingerprint(renewal.token_before),
        token=_fingerprint(renewal.token),
        refreshTokenBefore=_fingerprint(renewal.refresh_token_before),
        refreshToken=_fingerprint(renewal.refresh_token),
        expires=iso(renewal.expires) if renewal.expires is not None else None,
    )


def _fingerprint(token: Fingerprint | None) -> Tree | None:
    return _given(length=token.length, sha256=token.sha256) if token is not None else None


def _ms(seconds: float) -> float:
    """Milliseconds with the resolution of microseconds."""
    return round(seconds * 1000, 3)


def _given(**members: Any) -> Tree:
    return {name: value for name, value in members.items() if value is not None and value != []}
