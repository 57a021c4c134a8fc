"""Assignments for a class: handed out, run shut in, marked; see book/teaching/guide.md."""
