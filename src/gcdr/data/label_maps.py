"""A label store's maps, mapped into memory as pictures are: a store of any size opens at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gcdr.data.picture_rows import MappedRows
from gcdr.data.stores import check_finite_maps, open_labels


@dataclass(frozen=True)
class LabelMaps:
    """A label store whose maps stay in the file until they are asked for.

    Attributes:
        sample_id: (N,) int64, ascending.
        valid: (N,) bool.
        stored: (N, H, W) or (N, K, H, W) float16, mapped into memory; read into it where an earlier version
            stored them in chunks.
        path: the file.
        doubt: (D, N) float, each larger where a label is less sure, the first before the others: its
            expected error and its map's entropy, where the store has them; None where it has neither.
    """

    sample_id: np.ndarray
    valid: np.ndarray
    stored: MappedRows | np.ndarray
    path: Path
    doubt: np.ndarray | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        people: str,
        split: str | None = None,
        made_by: Mapping[str, Any] | None = None,
    ) -> "LabelMaps":
        """Open a store; a map is looked at when it is read.

        Args, Raises:
            as for :func:`gcdr.data.stores.read_labels`.
        """
        with open_labels(path, people, split, made_by) as held:
            ids, maps = held.columns["sample_id"], held.file["heatmap"]
            stored = (
                held.rows("heatmap", np.arange(len(ids)))
                if maps.chunks or not maps.size
                else MappedRows(held, "heatmap", maps.dtype, maps.ndim)
            )
            says = [name for name in ("expected_error", "entropy") if name in held.columns]
            doubt = np.stack([held.columns[name] for name in says]) if says else None
            return cls(ids, held.columns["valid"], stored, held.path, doubt)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all maps together."""
        return self.stored.shape

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Maps (n, ...) of rows (n,), as they are stored.

        Raises:
            InputError: a row is not what was written, or is valid and not finite.
        """
        maps = self.stored[rows]
        check_finite_maps(self.path, maps, self.valid[rows], self.sample_id[rows])
        return maps
