"""How one stage's branches become the next stage's."""
