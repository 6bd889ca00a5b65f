"""Many nodes at once in virtual time: what all of them hold in the end, whatever happened on the way."""
