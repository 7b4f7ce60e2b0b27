"""How many heads of photographs CenterFace finds, how well its boxes fit, and what an image costs.

python benchmarks/photo_heads.py FOLDER HEADS.csv [LONGEST ...]

HEADS.csv has the true boxes, image,head_x0,head_y0,head_x1,head_y1 in pixels. LONGEST are longer sides that
pictures are brought down to (default: 480 960 1920).
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torchvision.ops import box_iou

from gcdr.data.pictures import open_image
from gcdr.detection.centerface import CenterFace
from gcdr.prediction.sources import find_pictures, heads_of_table


def main(folder: str, table: str, *sides: str) -> None:
    pictures = find_pictures([Path(folder)])
    true = heads_of_table(Path(table), pictures)
    print("longest  heads  found  mean IoU  others found  s an image")
    for longest in map(int, sides or ("480", "960", "1920")):
        finder, overlaps, others, spent = CenterFace(0.5, longest), [], 0, 0.0
        for name, boxes in true.boxes.items():
            image = open_image(pictures.root / name)
            begun = time.process_time()
            ((found, _),) = finder([image])
            spent += time.process_time() - begun
            iou = box_iou(torch.from_numpy(boxes), torch.from_numpy(found)).numpy()
            best = iou.max(1, initial=0)
            overlaps += best.tolist()
            others += len(found) - int((best > 0).sum())
        hits = np.array(overlaps) > 0
        print(
            f"{longest:7d}  {len(hits):5d}  {hits.sum():5d}  {np.array(overlaps)[hits].mean():8.2f}"
            f"  {others:12d}  {spent / len(true.boxes):10.2f}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
