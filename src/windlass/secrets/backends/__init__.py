"""Where the text of a secret rests, one backend a file: `seal(tx, text)` and `reveal(tx, stored)`."""
