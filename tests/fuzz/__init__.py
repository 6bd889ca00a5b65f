"""Junk thrown at everything that reads what others send: `python -m tests.fuzz --frames 1000000 --seed 1`."""
