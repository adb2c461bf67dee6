"""How each committed model is made: one script each, run from the folder of the repository."""
