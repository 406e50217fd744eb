"""What one visit may give, and that nothing of it stays, in a real browser."""

import io
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Server, View

SCRIPT = Path(__file__).with_name("limited.py")


@pytest.fixture(scope="module")
def limited(start_server: Callable[..., Server]) -> Server:
    return start_server(SCRIPT)


@pytest.fixture
def visit(new_view, limited: Server) -> View:
    view = new_view(server=limited)
    view.spent = True  # its refused requests, and its end, are its own
    return view


def held(server: Server) -> dict:
    with urllib.request.urlopen(f"{server.url}/held") as answer:
        return json.loads(answer.read())


def noise(path: Path, side: int) -> Path:
    """A picture of about side * side bytes."""
    picture = Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side), dtype=np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return path


def give(view: View, files: Path | list[Path], slot: str = "A") -> None:
    view.page.get_by_role("button", name=f"Choose {slot}", exact=True).click()
    view.settle()
    view.page.get_by_role("radiogroup").get_by_text("Upload", exact=True).click()
    view.settle()
    view.upload(files)


def kept(server: Server) -> list[str]:
    return sorted(title for titles in held(server)["kept"].values() for title in titles)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_uploads_are_bounded_told_and_freed_with_the_visit(visit: View, limited: Server, tmp_path: Path) -> None:
    visit.open("interpolate", model="digits")
    give(visit, noise(tmp_path / "one.png", 100))
    assert kept(limited) == ["one.png"] and not held(limited)["streamlit"]
    give(visit, noise(tmp_path / "two.png", 150), "B")
    give(visit, noise(tmp_path / "three.png", 170), "B")
    assert kept(limited) == ["one.png", "three.png"]  # two.png was on no page any more
    visit.page.get_by_text("was removed: two.png").wait_for()
    visit.screenshot("let-go")
    visit.page.close()
    wait_for(lambda: not held(limited)["kept"])
    assert not held(limited)["streamlit"]


def test_a_socket_that_breaks_comes_back_to_what_was_given(visit: View, limited: Server, tmp_path: Path) -> None:
    visit.open("interpolate", model="digits")
    give(visit, noise(tmp_path / "one.png", 100))
    visit.page.context.set_offline(True)
    visit.page.wait_for_timeout(500)
    visit.page.context.set_offline(False)
    visit.page.wait_for_timeout(4000)  # longer than a visit stays that has ended
    assert kept(limited) == ["one.png"]
    visit.errors.clear()


def test_what_is_no_picture_is_refused_in_our_own_words(visit: View, tmp_path: Path) -> None:
    visit.open("interpolate", model="digits")
    other = tmp_path / "letter.docx"
    other.write_bytes(b"no picture")
    give(visit, other)
    visit.page.get_by_text("This is not a picture that can be read here; these can: PNG, JPEG").wait_for()
    expect(visit.page.get_by_text("The earlier picture stays.")).to_be_visible()
    visit.screenshot("refused")


def test_too_many_at_once_are_refused(visit: View, limited: Server, tmp_path: Path) -> None:
    visit.open("map", model="digits", side="Your own")
    visit.page.get_by_text("Your own", exact=True).first.click()
    visit.settle()
    visit.upload([noise(tmp_path / f"{i}.png", 170 + i) for i in range(4)])
    assert not held(limited)["streamlit"] and len(kept(limited)) < 4
    visit.page.get_by_text("not taken.").wait_for()
    visit.screenshot("too-many")
    visit.errors.clear()
