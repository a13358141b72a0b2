"""
DER, the encoding of the envelope: a tag, a length, and the content.

Whole structures are made of encoded parts. Most parts of an envelope are the same each time and are
encoded once, by asn1crypto; to have it encode everything anew cost as much as a TLS handshake.
"""

from collections.abc import Iterable

INTEGER, OCTET_STRING, SEQUENCE, SET = 0x02, 0x04, 0x30, 0x31

#: [0] in place of a primitive's own tag, and around, or in place of, what is made of parts.
PRIMITIVE_0, CONSTRUCTED_0 = 0x80, 0xA0


def element(tag: int, *parts: bytes) -> bytes:
    """
    An element whose content are these encoded parts, or the bytes of a primitive.
    """
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def set_of(tag: int, members: Iterable[bytes]) -> bytes:
    """
    A set of encoded members, in the order that DER asks for: that of their encodings.
    """
    return element(tag, *sorted(members))
