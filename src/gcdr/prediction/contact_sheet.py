"""A strip of frames by which a video is judged at a glance."""

import math

from PIL import Image, ImageDraw

from gcdr.prediction.drawn import write_tag

WIDE = 400  # pixels of a frame's longer side
BETWEEN = 6  # pixels between frames


class ContactSheet:
    """Frames spread evenly over a video whose length need not be known before its end.

    Every frame is kept until there are twice as many as wanted; then every second one goes, and from there
    on every second frame is kept. So memory is bounded, and the frames are evenly spread.

    Args:
        count: frames wanted.
    """

    def __init__(self, count: int = 12) -> None:
        self.count, self.step, self.passed = count, 1, 0
        self.kept: list[tuple[Image.Image, str]] = []

    def add(self, image: Image.Image, label: str) -> None:
        """Look at the next frame: a picture in RGB, and what stands in its corner."""
        if self.passed % self.step == 0:
            small = image.copy()
            small.thumbnail((WIDE, WIDE), Image.Resampling.LANCZOS)
            self.kept.append((small, label))
            if len(self.kept) == 2 * self.count:
                self.kept, self.step = self.kept[::2], 2 * self.step
        self.passed += 1

    def draw(self) -> Image.Image:
        """The sheet: rows of frames in the order of time, each with its label.

        Raises:
            ValueError: no frame was added.
        """
        chosen = self.kept
        if len(chosen) > self.count:
            last = len(chosen) - 1
            places = [round(at * last / (self.count - 1)) for at in range(self.count)]
            chosen = [chosen[place] for place in places]
        width = max(image.width for image, _ in chosen)
        height = max(image.height for image, _ in chosen)
        rows = math.ceil(len(chosen) / (4 if width >= height else 6))
        columns = math.ceil(len(chosen) / rows)
        size = (
            columns * (width + BETWEEN) + BETWEEN,
            rows * (height + BETWEEN) + BETWEEN,
        )
        sheet = Image.new("RGB", size, "white")
        for place, (image, label) in enumerate(chosen):
            row, column = divmod(place, columns)
            framed = image.copy()
            write_tag(ImageDraw.Draw(framed), label, (0, framed.height), (255, 255, 255), 2.4)
            x = BETWEEN + column * (width + BETWEEN) + (width - image.width) // 2
            y = BETWEEN + row * (height + BETWEEN) + (height - image.height) // 2
            sheet.paste(framed, (x, y))
        return sheet
