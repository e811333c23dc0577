"""Compressed bodies: whole, or an error (D12)."""

from __future__ import annotations

import gzip
import zlib

import pytest

from fairlead.transport.inflate import BrokenEncoding, Inflater

TEXT = b'{"records":[1,2,3]}' * 500


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def _inflated(coding: str, body: bytes, step: int) -> bytes:
    inflater = Inflater.of(coding)
    assert inflater is not None
    pieces = [piece for at in range(0, len(body), step) for piece in inflater.feed(body[at : at + step])]
    inflater.finish()
    return b"".join(pieces)


@pytest.mark.parametrize("step", [1, 2, 7, 100_000])
@pytest.mark.parametrize(
    ("coding", "body", "text"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0), TEXT),
        ("X-GZip", gzip.compress(TEXT, mtime=0), TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0) + gzip.compress(b"more", mtime=0), TEXT + b"more"),
        ("gzip", gzip.compress(TEXT, mtime=0) + bytes(9), TEXT),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("deflate", _raw_deflate(TEXT), TEXT),
        ("gzip", b"", b""),
    ],
)
def test_codings(coding: str, body: bytes, text: bytes, step: int) -> None:
    """gzip with several members and padding, both things called deflate, and nothing at all, however the bytes are cut."""
    assert _inflated(coding, body, step) == text


@pytest.mark.parametrize("coding", [None, "", "identity", " Identity "])
def test_plain_bodies_need_nothing(coding: str | None) -> None:
    """No coding, no inflater."""
    assert Inflater.of(coding) is None


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_codings_that_were_not_asked_for(coding: str) -> None:
    """An answer in another coding is an error, not a body of garbage."""
    with pytest.raises(BrokenEncoding):
        Inflater.of(coding)


@pytest.mark.parametrize("cut", [1, 5, 10, 30, -9, -8, -1])
@pytest.mark.parametrize(("coding", "body"), [("gzip", gzip.compress(TEXT, mtime=0)), ("deflate", zlib.compress(TEXT))])
def test_half_a_body_is_an_error(coding: str, body: bytes, cut: int) -> None:
    """Wherever a compressed body is cut, it is not taken for a whole one."""
    with pytest.raises(BrokenEncoding):
        _inflated(coding, body[:cut], 100_000)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"plain text"),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + b"12345678"),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"junk"),
        ("deflate", zlib.compress(TEXT) + b"junk"),
        ("deflate", b"\xff\xff\xff\xff"),
    ],
)
def test_damage_is_an_error(coding: str, body: bytes) -> None:
    """A wrong check sum, foreign bytes before or after: refused."""
    with pytest.raises(BrokenEncoding):
        _inflated(coding, body, 100_000)


def test_pieces_are_bounded() -> None:
    """A bomb comes out in pieces of at most 256 KiB, so that a limit can strike in between."""
    inflater = Inflater.of("gzip")
    assert inflater is not None
    sizes = [len(piece) for piece in inflater.feed(gzip.compress(bytes(5_000_000), mtime=0))]
    assert max(sizes) <= 256 * 1024
    assert sum(sizes) == 5_000_000
