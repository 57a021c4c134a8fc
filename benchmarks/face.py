"""The face: what importing the package costs beside importing JAX and Optax."""

import resource
import statistics
import subprocess
import sys

IMPORTS = {
    "import jax, optax": "import jax, optax",
    "import plastutor as pt; pt.fit": "import plastutor as pt; pt.fit",
}


def processor_seconds(code: str) -> float:
    """Of a fresh interpreter that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    """Processor time, in turns."""
    times = {name: [] for name in IMPORTS}
    for _ in range(7):
        for name, code in IMPORTS.items():
            times[name].append(processor_seconds(code))
    plain, ours = (statistics.median(each) for each in times.values())
    print(f"\nImport: {ours / plain:.2f} times that of jax and optax ({plain:.1f} s)")
