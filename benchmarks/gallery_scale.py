"""How long the page of a gallery takes to make, and a browser to open it.

    python benchmarks/gallery_scale.py results/data/demo results/demo/labels10-seed0 [--browser chromium]

It shows the test people of a finished study of drawn people, 1,000 in the demo. A headless Chromium with an
empty profile is told to open the page: the time is from then to the page's load event, and to the first
painted frame after it, when its script has run and it can be used.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.report.gallery import GalleryFiles, write_gallery
from gcdr.settings.reporting import GallerySettings

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1600,1000"),
    "--remote-debugging-pipe",
)
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Browser:
    """A headless Chromium that is talked to over two pipes, in its own protocol."""

    def __init__(self, program: str, profile: str) -> None:
        theirs, self.to = os.pipe()
        self.back, ours = os.pipe()
        # what it reads is its file 3, what it writes its file 4
        start = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{ours}', "bash", program, *OPTIONS]
        start += [f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(start, pass_fds=(theirs, ours), stderr=subprocess.DEVNULL)
        self.left, self.sent, self.session = b"", 0, {}
        targets = self.ask("Target.getTargets")["targetInfos"]
        tab = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=tab, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        self.ask("Page.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command."""
        self.sent += 1
        command = {"id": self.sent, "method": method, "params": params, **self.session}
        os.write(self.to, json.dumps(command).encode() + b"\0")
        return self.wait("id", self.sent)["result"]

    def wait(self, key: str, value: Any) -> dict[str, Any]:
        """The next message in which a key has a value."""
        while True:
            while b"\0" not in self.left:
                self.left += os.read(self.back, 1 << 16)
            message, self.left = self.left.split(b"\0", 1)
            found = json.loads(message)
            if found.get(key) == value:
                return found

    def opened(self, page: Path) -> tuple[float, float]:
        """Seconds to the load event of a page, and to a painted frame after it."""
        start = time.perf_counter()
        self.ask("Page.navigate", url=page.as_uri())
        self.wait("method", "Page.loadEventFired")
        loaded = time.perf_counter() - start
        self.ask("Runtime.evaluate", expression=PAINTED, awaitPromise=True)
        return loaded, time.perf_counter() - start

    def close(self) -> None:
        self.ask("Browser.close")
        self.process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="folder of the data set")
    parser.add_argument("study", type=Path, help="folder of the study's label split")
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    refined = next(options.study.glob("test/gcdr-t*.h5"))
    store = options.data / "priors" / f"{refined.stem.partition('+')[2]}.h5"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        people = read_people(options.data / "manifest.parquet")
        tested = people["split"] == "test"
        people["split"] = people["split"].where(tested, "ignore")
        write_table(people, root / "manifest.parquet", people_digest(people))
        files = GalleryFiles(
            root / "manifest.parquet",
            *(options.data / f"{name}.parquet" for name in ("annotations", "bodies")),
            store,
            refined,
        )
        settings = GallerySettings(str(options.data / "images"), 1, "Of a benchmark.")
        page, start = root / "gallery.html", time.perf_counter()
        write_gallery(files, settings, root / "gallery", page)
        made = time.perf_counter() - start
        size = sum(one.stat().st_size for one in root.glob("gallery/*"))
        print(
            f"{tested.sum():,} people: made in {made:.1f} s, page {page.stat().st_size / 1e6:.2f} MB, "
            f"pictures {size / 1e6:.0f} MB"
        )
        for number in range(options.rounds):
            browser = Browser(options.browser, str(root / f"profile{number}"))
            loaded, painted = browser.opened(page)
            browser.close()
            print(f"loaded in {loaded:.2f} s, painted in {painted:.2f} s")


if __name__ == "__main__":
    main()
