"""JSON without loss: digits, key order and every record's bytes survive (D1).

Decoding keeps each number that is no plain integer as ``msgspec.Raw``; encoding writes it back as it was. What msgspec refuses
(lone surrogates, ``NaN`` it keeps refusing) is read by the standard library.
"""

from __future__ import annotations
