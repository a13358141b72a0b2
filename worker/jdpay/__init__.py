"""
JD Pay's 代付 interface on the wire: what is signed, sealed, sent and believed.

It knows no database and no queue, and could be lifted out as a client library. From the inside out:

- `canonical`, `signature`: the text that is signed, and the digest over it and the sign key
- `certificates`, `envelope`: the merchant's identity, JD's certificate, and what they seal
- `fields`, `times`, `codes`, `answer`, `notice`: from received bytes to evidence
- `deadline`, `trust`, `kept`, `transport`: one request over a connection to whom we believe, and
  whether it may have arrived
- `request`, `client`: the three calls
- `banks`: JD's short names of banks

Where JD's own document is not public, a fact names its source: JD's published demo, or clients
seen in production.
"""
