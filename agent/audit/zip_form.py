"""The form of a bundle's zip: every byte of it belongs to a file, so that nothing can travel unseen in a genuine one.

A zip may hold bytes before, between and after its files, in comments, behind the end of packed data, or under the name
of a folder; unpackers pass them by. A bundle as the agent writes it has none of these.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_END64_BYTES = 56 + 20  # the larger end and its locator
_PIECE = 1 << 20
_ZIP64 = b"\x01\x00"


def nothing_hidden(file: BinaryIO, archive: zipfile.ZipFile) -> str:
    """What is wrong with the form of the zip, as the end of a sentence; empty when each byte belongs to a file.

    What :mod:`zipfile` raises for a broken one, struct.error, zlib.error.
    """
    members = archive.infolist()
    if wrong := _names(members):
        return wrong
    place = 0
    for member in sorted(members, key=lambda item: item.header_offset):
        start = _data(file, member, place)
        if start is None:
            return f"holds bytes that belong to no file, before {member.filename!r}"
        if not _is_filled(file, member, start):
            return f"holds bytes that belong to no file, in {member.filename!r}"
        place = start + member.compress_size
    return (
        ""
        if _ends(file, len(members), place)
        else "holds bytes that belong to no file, in its list of files or after it"
    )


def _names(members: Sequence[zipfile.ZipInfo]) -> str:
    names = [member.filename for member in members]
    paths = [PurePosixPath(name) for name in names]
    if len(set(names)) != len(names) or any(path.is_absolute() or ".." in path.parts for path in paths):
        return "names a file twice, or one outside of itself"
    if any(name.endswith("/") for name in names):
        return "holds the name of a folder, which a bundle has none of"
    if any(member.filename != member.orig_filename or member.comment for member in members):
        return "holds bytes that belong to no file, in its list of files"
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        return "is packed in a way that bundles are not"
    return ""


def _data(file: BinaryIO, member: zipfile.ZipInfo, place: int) -> int | None:
    """Where the bytes of a file begin that has to stand at ``place``; None when it stands elsewhere."""
    if member.header_offset != place:
        return None
    file.seek(place)
    header = _LOCAL.unpack(file.read(_LOCAL.size))
    name, extra = file.read(header[9]), file.read(header[10])
    fits = header[0] == b"PK\x03\x04" and header[2] == member.flag_bits and header[3] == member.compress_type
    if not fits or name != _written(member) or not _is_plain(extra):
        return None
    return place + _LOCAL.size + len(name) + len(extra)


def _written(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")


def _is_plain(extra: bytes) -> bool:
    """Whether the further fields of a header are none, or the sizes of a very large file alone."""
    return not extra or (extra[:2] == _ZIP64 and len(extra) == 4 + int.from_bytes(extra[2:4], "little") <= 28)


def _is_filled(file: BinaryIO, member: zipfile.ZipInfo, start: int) -> bool:
    """Whether the packed bytes end where the file does."""
    if member.compress_type == zipfile.ZIP_STORED:
        return member.compress_size == member.file_size
    file.seek(start)
    packed, left, size = zlib.decompressobj(-zlib.MAX_WBITS), member.compress_size, 0
    while not packed.eof and size <= member.file_size:
        piece = packed.unconsumed_tail or file.read(min(_PIECE, left))
        if not packed.unconsumed_tail:
            left -= len(piece)
        found = packed.decompress(piece, _PIECE)
        size += len(found)
        if not piece and not found:
            break
    return packed.eof and not packed.unused_data and not left and size == member.file_size


def _ends(file: BinaryIO, members: int, place: int) -> bool:
    """Whether the list of files stands at ``place``, with nothing but its entries, and then the end."""
    file.seek(place)
    for _ in range(members):
        header = _CENTRAL.unpack(file.read(_CENTRAL.size))
        file.seek(header[10], 1)
        if header[0] != b"PK\x01\x02" or header[12] or not _is_plain(file.read(header[11])):
            return False
    end = file.tell()
    rest = file.read(_END64_BYTES + _END.size + 1)
    if len(rest) == _END64_BYTES + _END.size and rest.startswith(b"PK\x06\x06"):
        rest = rest[_END64_BYTES:]
    if len(rest) != _END.size:
        return False
    signature, *_, size, offset, comment = _END.unpack(rest)
    return bool(
        signature == b"PK\x05\x06"
        and not comment
        and size in (end - place, 0xFFFFFFFF)
        and offset in (place, 0xFFFFFFFF)
    )
