"""Secrets of a document between the API, the store and a run (contract.md 1.7, D5).

``seal`` takes the ``Secret`` values out of a tree and encrypts them, honouring masks; ``masked`` and ``revealed`` put the mask
or the clear value back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fairlead.crypto.keyring import Keyring
from fairlead.domain import jsonvalue
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.secret import MASK, Secret

_TEXT, _OPEN = b"t", b"j"
"""First byte of a plain text: a string, or raw JSON of an open value."""


class SecretBox:
    """Encrypts the secrets of documents under the key ring; each ciphertext is bound to account, kind, id and field."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(
        self, tree: Tree, kind: str, account: AccountId, id: str, stored: Document | None
    ) -> tuple[Tree, dict[str, str]]:
        """The tree without secrets, and their envelopes by path. A mask keeps what ``stored`` holds there, or counts as absent."""
        fields: Tree = _copy(tree)
        secrets: dict[str, str] = {}
        for path, secret in _secrets(tree):
            _remove(fields, path.split("."))
            value = secret.reveal()
            if secret.is_mask:
                if stored is not None and path in stored.secrets:
                    secrets[path] = stored.secrets[path]
                continue
            if isinstance(value, bytes):
                value = self._kept_inside(value, path, stored)
            plain = _OPEN + value if isinstance(value, bytes) else _TEXT + value.encode("utf-8", "surrogatepass")
            if len(plain) > 1:
                secrets[path] = self._keyring.encrypt(plain, aad=_aad(kind, account, id, path))
        return fields, secrets

    def _kept_inside(self, bag: bytes, path: str, stored: Document | None) -> bytes:
        """A bag in which some members are masks: those keep their stored value, or are left out."""
        if MASK.encode() not in bag:
            return bag
        new = jsonvalue.loads(bag)
        if not isinstance(new, dict):
            return bag
        old = {}
        if stored is not None and path in stored.secrets:
            clear = self._open(stored, path).reveal()
            decoded = jsonvalue.loads(clear)
            old = decoded if isinstance(decoded, dict) else {}
        merged = {
            name: old[name] if value == MASK else value for name, value in new.items() if value != MASK or name in old
        }
        return jsonvalue.dumps(merged)

    def revealed(self, document: Document) -> Tree:
        """The document's tree with every secret as a ``Secret`` that holds its clear value."""
        tree: Tree = _copy(document.fields)
        for path in document.secrets:
            _put(tree, path.split("."), self._open(document, path))
        return tree

    def _open(self, document: Document, path: str) -> Secret:
        aad = _aad(document.kind, document.account, document.id, path)
        plain = self._keyring.decrypt(document.secrets[path], aad=aad)
        return Secret(plain[1:] if plain[:1] == _OPEN else plain[1:].decode("utf-8", "surrogatepass"))


def masked(document: Document) -> Tree:
    """The document's tree with the mask in the place of every secret."""
    tree: Tree = _copy(document.fields)
    for path in document.secrets:
        _put(tree, path.split("."), MASK)
    return tree


def _aad(kind: str, account: AccountId, id: str, path: str) -> bytes:
    return f"{account}/{kind}/{id}/{path}".encode()


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
