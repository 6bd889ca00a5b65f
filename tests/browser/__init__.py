"""The pages in a real browser: what script adds, what is seen, and who can use it."""
