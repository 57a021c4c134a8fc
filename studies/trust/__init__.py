"""Are the error bars honest? Fits to many data sets.

Every data set is made with a known rule, fitted, and given error bars by
`plastutor.evaluate.uncertainty`. The table has one row for each coefficient, for each
direction of the Fisher information and for the rule itself: how far off was the fit,
what was its error bar, was the truth inside?

Two smaller tables have a bar each, which was fixed before they were made:

trust_sizes: choices of 4 to 16 animals, by two rules, 100 data sets each. An interval
is lopsided where its profile, of 10 steps, has a deviance outside 2.7 to 5.4 at an end
(3.84 times or over sqrt(2), as in `end_deviance`, which takes 5 steps). Bar: of the
data sets with a lopsided interval, 90 % are warned of.

trust_shared: 60 recordings in which neurons share half the variance of their noise, and
60 in which they share none. Bars: 55 of the 60 are warned of, and the interval over
experiments holds each coefficient in 52.
"""
