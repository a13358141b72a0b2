"""
Decisions: pure functions over all that is known of a payout.

`classification` says what one piece of evidence means, `facts` sorts all of it, and everything
else decides from those facts: `state` which status it has, `may_send` whether it goes out,
`next_query` when JD is asked, `cases` what a person must look at, `actions` what a person may do,
`obligation` and `proof` what may be paid instead, `controls` what is held back,
`circuit_breaker` when sending rests, `alerts` what wakes someone.
"""
