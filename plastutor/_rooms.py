"""The rooms of the package, in the order in which they may import each other.

A room imports from rooms above it, through their faces (`__init__.py`) only. What
starts with an underscore lies beside the rooms and serves them all. Nobody imports the
rooms in LEAVES.
"""

ORDER = (
    "_files",  # where files of the book lie, and how a file is written whole
    "_tables",  # CSV files, read strictly
    "_types",  # Rule, Experiment, Trajectory, Fit
    "_devices",  # how a batch is laid out on processors
    "_experiments",  # making, cutting and checking experiments
    "_cohorts",  # which experiments belong to which animal
    "rules",  # dw = g_theta(x, y, w, r)
    "memory",  # what a storage rule writes, and how it is read
    "networks",  # one step: what is fixed about a learner besides the rule
    "likelihoods",  # how far a trajectory is from what was observed
    "_simulate",  # the scan of a network's step
    "tasks",  # experiments simulated by a known rule
    "gradients",  # reverse, forward, local
    "objectives",  # simulate, compare, penalise
    "sweeps",  # many runs, and the tables they leave
    "infer",  # find theta
    "search",  # find theta without a gradient
    "evaluate",  # held out, against rivals, with uncertainty
    "data",  # reading choices, recordings and flies
    "reports",  # the whole analysis of one's own data
    "plot",
    "teaching",  # checks of exercises, figures to play with
)
LEAVES = ("plot", "teaching")
