"""Documents from files, read by the rules of the contract as if they had been posted."""

from __future__ import annotations

from fairlead.api.mappers import model_tree
from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.v1 import import_model_pb2, options_pb2


def import_document(text: bytes) -> Tree:
    """The tree of an import, or of the parts of one (``mapping``, ``mappings``, ``lookups``). Raises ``InvalidContent`` with every problem."""
    try:
        message = read(text, import_model_pb2.Import, options_pb2.MODE_VIRTUAL_MODEL).message
    except ContractError as error:
        raise InvalidContent(Problem(p.code, p.message, p.field) for p in error.problems) from None
    return model_tree(message)
