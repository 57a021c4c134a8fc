"""Real fly choices: find, download, read, check, turn into experiments.

In each trial a fly in a Y-shaped arena met odours until it accepted one, and was
rewarded or not. The data are from Rajagopalan, Darshan, Hibbard, Fitzgerald and Turner,
PNAS 120(39) e2221415120 (2023), Zenodo record 7449214, licence CC BY 4.0. The package
does not ship them; `load` finds or downloads them.

Numbers of flies follow the order of the names in the source. They need not be the
paper's, and the same fly can have another number in another source.
"""

from plastutor.data.flies._files import FlyChoices as FlyChoices
from plastutor.data.flies._flies import (
    CITATION as CITATION,
    Flies as Flies,
    download as download,
    experiments as experiments,
    load as load,
    load_or_simulate as load_or_simulate,
    progress_bar as progress_bar,
)
from plastutor.data.flies._simulation import simulate_flies as simulate_flies
