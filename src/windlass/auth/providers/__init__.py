"""Ways to prove who one is, one per file. Each ends in an e-mail address of an account, or in Unauthenticated."""
