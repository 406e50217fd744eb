"""Long work of two visitors: the second is told its place, and has its turn when the first leaves."""

import re
import time

from tests.browser.test_shell import assert_framed


def test_a_second_visitor_is_told_the_place_and_goes_on_when_the_first_has_left(start_server, new_view) -> None:
    server = start_server()
    first, second = new_view(server=server), new_view(server=server)
    first.spent = second.spent = True  # work that goes on asks for new runs
    first.page.goto(f"{server.url}/map?model=sprites&data=sprites&points=10000&method=t-SNE&perplexity=12")
    first.page.get_by_text(re.compile("Reading and encoding the pictures")).wait_for(timeout=60_000)
    second.page.goto(f"{server.url}/map?model=digits&method=t-SNE&perplexity=11")
    told = second.page.get_by_text("points: 1 visitor is before you.")
    told.wait_for(timeout=60_000)
    assert_framed(first)  # a link to a fresh server
    assert second.page.get_by_role("button", name="Cancel").is_visible()
    second.screenshot("queue-place")
    first.page.goto("about:blank")
    left = time.monotonic()
    told.wait_for(state="detached", timeout=60_000)
    assert time.monotonic() - left < 20
    second.page.get_by_text("Perplexity 11, seed").wait_for(timeout=120_000)
