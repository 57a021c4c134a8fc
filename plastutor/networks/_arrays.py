"""Arrays: masks and signs by projection, which JAX can compare by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from plastutor._types import Values


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by name, equal and hashed by what they hold, so that JAX compiles once.

    >>> Arrays({"rec": [1, -1]}) == Arrays({"rec": [1, -1]})
    True
    """

    def __init__(self, arrays: Mapping[str, Values]) -> None:
        self._arrays = {name: np.array(arrays[name]) for name in sorted(arrays)}
        held = ((n, a.shape, str(a.dtype), a.tobytes()) for n, a in self.items())
        self._hash = hash(tuple(held))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arrays):
            return NotImplemented
        return [*self] == [*other] and all(
            a.dtype == other[name].dtype and np.array_equal(a, other[name])
            for name, a in self.items()
        )
