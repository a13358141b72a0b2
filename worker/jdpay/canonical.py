"""
The canonical string: the one text of a message that is signed, and sealed.
"""

from collections.abc import Mapping

from worker.jdpay.errors import UnsafeValue

#: Names that describe the protection and are outside it, in any case (JD's published demo).
UNSIGNED = frozenset({"sign_type", "sign_data", "encrypt_type", "encrypt_data", "salt"})

#: What JD's demo, written in Java, trims before it calls a value blank: U+0020 and all below it.
_BLANK = "".join(map(chr, range(0x21)))

#: The envelope's text is not escaped, so these would read as the end of a value.
_BREAKING = {"&": "&", "\r": "CR", "\n": "LF", "\0": "NUL"}


def signed_fields(fields: Mapping[str, str | None]) -> dict[str, str]:
    """
    The fields that the signature covers: no others may be believed.

    Null and blank values are out; values are kept as they are, white space included.
    """
    return {
        name: value
        for name, value in fields.items()
        if name.lower() not in UNSIGNED and value is not None and value.strip(_BLANK)
    }


def write(fields: Mapping[str, str | None]) -> str:
    """
    Join the signed fields as ``name=value`` with ``&``, sorted by name, values raw.
    """
    signed = signed_fields(fields)
    return "&".join(f"{name}={signed[name]}" for name in sorted(signed, key=_code_units))


def is_ambiguous(fields: Mapping[str, str | None]) -> bool:
    """
    Whether the text could be another message's: split at ``&`` it has a field that this has not.

    Values are not escaped, so one that holds ``&name=value`` hides a field, or shows one, under the
    same signature. Any other odd character in JD's free texts is harmless.
    """
    parts = (part.partition("=") for part in write(fields).split("&"))
    names = [name for name, equals, _ in parts if equals]
    return sorted(names) != sorted(signed_fields(fields))


def refuse_unsafe(fields: Mapping[str, str | None]) -> None:
    """
    Raise `UnsafeValue`, naming the field, where a value cannot be written into the envelope's text.
    """
    for name, value in fields.items():
        for character in value or "":
            if character in _BREAKING or "\ud800" <= character <= "\udfff":
                shown = _BREAKING.get(character, "half a surrogate pair")
                raise UnsafeValue(
                    f"{name}: the value holds {shown}, which the envelope's text cannot carry;"
                    " take it out"
                )


def encode(text: str) -> bytes:
    """
    The UTF-8 bytes that are signed and sealed. Raises `UnsafeValue` for half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UnsafeValue("a field holds half a surrogate pair, which is no text") from None


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")
