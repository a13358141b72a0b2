"""
The sandbox gateway: a JD Pay that misbehaves on order.

It signs, decrypts and keeps books with code of its own and imports nothing from the rest of this
project, so that one mistake cannot be made on both sides of the wire and cancel out.
"""
