"""Mistakes that students make: for each check three or more, and what it says to them.

WRONG[check][mistake] is a function and a part of the answer that only it gets. Each
part of the book has a file.
"""

from . import choices, foundations, function, loops, methods, reference, trust

PARTS = foundations, choices, trust, loops, function, methods, reference
WRONG = {check: wrong for part in PARTS for check, wrong in part.WRONG.items()}
