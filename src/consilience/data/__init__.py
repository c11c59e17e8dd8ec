"""Tables: reading and joining them, what each column is, which rows can be used. No torch here."""
