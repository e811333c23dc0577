"""Secrets of a document between the API, the store and a run (contract.md 1.7, D5).

``kept`` puts what is stored in the place of masks; ``seal`` takes the ``Secret`` values out of a tree and encrypts them; ``masked``
and ``revealed`` put the mask or the clear value back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fairlead.crypto.envelope import additional_data
from fairlead.crypto.keyring import Keyring
from fairlead.domain import jsonvalue
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.secret import MASK, Secret

CREDENTIALS: Final = "credentials"
"""Member of the runtime part that holds what renewals brought (``engine.credentials``)."""

_TEXT, _OPEN = b"t", b"j"
"""First byte of a plain text: a string, or raw JSON of an open value."""


class SecretBox:
    """Encrypts the secrets of documents under the key ring; each ciphertext is bound to account, kind, id and field."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, tree: Tree, kind: str, account: AccountId, id: str) -> tuple[Tree, dict[str, str]]:
        """The tree without secrets, and their envelopes by path. Masks are resolved before, by ``kept``."""
        fields: Tree = _copy(tree)
        secrets: dict[str, str] = {}
        for path, secret in _secrets(tree):
            _remove(fields, path.split("."))
            secrets[path] = self._keyring.encrypt(_plain(secret.reveal()), aad=additional_data(account, kind, id, path))
        return fields, secrets

    def revealed(self, document: Document) -> Tree:
        """The document's tree with every secret as a ``Secret`` that holds its clear value."""
        tree: Tree = _copy(document.fields)
        for path, envelope in effective_secrets(document).items():
            _put(tree, path.split("."), Secret(self.opened(document, path, envelope)))
        return tree

    def sealed(self, document: Document, path: str, value: str | bytes) -> str:
        """The envelope of one value that belongs to ``document``, bound to ``path``."""
        aad = additional_data(document.account, document.kind, document.id, path)
        return self._keyring.encrypt(_plain(value), aad=aad)

    def opened(self, document: Document, path: str, envelope: str) -> str | bytes:
        """The value that ``sealed`` or ``seal`` put into ``envelope``."""
        aad = additional_data(document.account, document.kind, document.id, path)
        plain = self._keyring.decrypt(envelope, aad=aad)
        return plain[1:] if plain[:1] == _OPEN else plain[1:].decode("utf-8", "surrogatepass")


def effective_secrets(document: Document) -> dict[str, str]:
    """The envelopes that count, by path: those of the document, and over them what renewals brought or took away."""
    renewed = (document.runtime.get(CREDENTIALS) or {}).get("secrets")
    if not renewed:
        return document.secrets
    return {path: envelope for path, envelope in {**document.secrets, **renewed}.items() if envelope is not None}


def _plain(value: str | bytes) -> bytes:
    return _OPEN + value if isinstance(value, bytes) else _TEXT + value.encode("utf-8", "surrogatepass")


def kept(tree: Tree, stored: Tree) -> Tree:
    """The tree as it will be stored (contract.md 1.7): a mask is the secret of ``stored`` at that place, one inside a bag that member
    of the stored bag. A mask with nothing behind it and an empty secret are absent, and so is an object that held nothing else."""
    result: Tree = {}
    for name, value in tree.items():
        before = stored.get(name)
        resolved: Any = value
        if isinstance(value, Secret):
            resolved = _kept_secret(value, before if isinstance(before, Secret) else None)
        elif isinstance(value, dict) and value:
            resolved = kept(value, before if isinstance(before, dict) else {}) or None
        if resolved is not None or value is None:
            result[name] = resolved
    return result


def _kept_secret(sent: Secret, stored: Secret | None) -> Secret | None:
    if sent.is_mask:
        return stored
    value = sent.reveal()
    if not value:
        return None
    if not isinstance(value, bytes):
        return sent
    bag = jsonvalue.loads(value)
    if not _holds_mask(bag):
        return sent  # byte for byte
    before = jsonvalue.loads(stored.reveal()) if stored is not None else None
    members = _kept_members(bag, before)
    return Secret(jsonvalue.dumps(members)) if members else None


def _holds_mask(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_mask, value.values()))
    return bool(value == MASK)


def _kept_members(bag: Any, before: Any) -> Any:
    """An object with the stored member in the place of each mask, at any depth; one with nothing behind it is left out."""
    known = before if isinstance(before, dict) else {}
    members = {}
    for name, value in bag.items():
        if isinstance(value, dict) and _holds_mask(value):
            members[name] = _kept_members(value, known.get(name))
        elif value != MASK:
            members[name] = value
        elif name in known:
            members[name] = known[name]
    return members


def masked(document: Document) -> Tree:
    """The document's tree with the mask in the place of every secret."""
    tree: Tree = _copy(document.fields)
    for path in effective_secrets(document):
        _put(tree, path.split("."), MASK)
    return tree


def _secrets(node: Any, path: str = "") -> Iterator[tuple[str, Secret]]:
    if isinstance(node, Secret):
        yield path, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _secrets(value, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _secrets(value, f"{path}.{index}")


def _copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _copy(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_copy(value) for value in node]
    return node


def _remove(tree: Any, steps: list[str]) -> None:
    for step in steps[:-1]:
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    if isinstance(tree, dict):
        del tree[steps[-1]]
    else:
        tree[int(steps[-1])] = None


def _put(tree: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        tree = tree[int(step)] if isinstance(tree, list) else tree.setdefault(step, {})
    if isinstance(tree, dict):
        tree[steps[-1]] = value
    else:
        tree[int(steps[-1])] = value
