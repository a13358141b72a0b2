"""
`payouts doctor`: look at every part from outside, and name the fix for what is wrong.

A check yields findings. It catches the errors that it expects, so that one broken part does not
hide the others, and it changes nothing.
"""
