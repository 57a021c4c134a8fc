"""Rules in a loop: what can be recovered of two rules in a recurrent network.

Networks of 20 inputs and 30 neurons that drive one another learn by two known rules.
Both are inferred from what was recorded, and judged on experiments that were not
fitted: how the result depends on the share of neurons that was recorded and on whether
initial weights are known, which terms data of saturating neurons leave open, what a
rule explains that initial weights do not, what one projection's rule does in another
one, and what a fit returns that leaves a rule out.
"""
