"""Are the error bars honest? Fits to many data sets.

Every data set is made with a known rule, fitted, and given error bars by
`plastutor.evaluate.uncertainty`. The table has one row for each coefficient, for each
direction of the Fisher information and for the rule itself: how far off was the fit,
what was its error bar, was the truth inside?
"""
