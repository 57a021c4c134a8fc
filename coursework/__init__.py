"""Assignments for a class: handed out, run shut in, marked.

See book/teaching/guide.md.
"""
