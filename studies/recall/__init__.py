"""Memory: how well a pattern is recalled, by the way in which a network reads.

Patterns of phases and of activities on a line, against the number of patterns, and a
storage rule that is learned by its recall.
"""
