"""Take the README's pictures anew, beside a running app: `python tests/browser/readme_pictures.py ADDRESS`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "pictures"
VIEWS = {
    "interpolate": "interpolate?model=fashion",
    "sample": "sample?model=fashion",
    "traverse": "traverse?model=sprites-conditional-tc",
    "map": "map?model=fashion&method=pca",
    "draw": "draw?model=fashion",
    "compare": "compare?model=sprites-beta-1&models=sprites-beta-1&models=sprites-beta-4",
}
TROUSERS = ((0.35, 0.85), (0.42, 0.15), (0.58, 0.15), (0.65, 0.85))  # a drawing


def main(address: str, chromium: str = "/usr/bin/chromium") -> None:
    """Open each view at 1280x720 in the light theme and save what is seen."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        for name, view in VIEWS.items():
            page.goto(f"{address}/{view}")
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
            page.wait_for_timeout(4_000)
            if name in ("draw", "map"):  # what is seen there follows the hand
                box = page.locator(".live canvas").first.bounding_box()
                places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in TROUSERS]
                page.mouse.move(*places[0])
                if name == "draw":
                    page.mouse.down()
                for place in places[1:]:
                    page.mouse.move(*place, steps=12)
                page.mouse.up()
                page.wait_for_timeout(1_000)
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
