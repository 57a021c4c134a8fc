"""Handing out and marking. Only here the salt is read, and answers are compared."""
