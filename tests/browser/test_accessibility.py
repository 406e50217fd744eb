"""axe-core on every page in both themes; focus that is seen; nothing moves by itself for who asks for less motion."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect
from sklearn.datasets import load_digits

from tests import handwriting

THEMES = ("light", "dark")
PAGES = ("Sample", "Interpolate", "Traverse", "Draw", "Map", "Compare")  # Home has no live view
# What Streamlit draws and neither theme nor style of ours reaches: the rule, and where.
STREAMLITS = {
    ("color-contrast", "[data-testid=stCode] .token"),  # the highlighter's colours are Streamlit's own, one a theme
}
# Elements of our components that have a transition, an animation or smooth scrolling.
MOVING = """() => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
  .flatMap(host => [...host.shadowRoot.querySelectorAll('*')])
  .filter(element => ['', '::before', '::after'].some(part => {
    const style = getComputedStyle(element, part || null);
    const moves = style.animationName !== 'none' || /[1-9]/.test(style.transitionDuration);
    return moves || style.scrollBehavior === 'smooth';
  })).map(element => element.outerHTML.slice(0, 200))"""


def violations(view, *rules: str) -> list[str]:
    """What axe finds critical, serious or moderate in the page as it stands, by all rules or these.

    What is Streamlit's is left out.
    """
    found = (
        Axe()
        .run(view.page, options={"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {}))
        .response["violations"]
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] != "minor"
        for node in rule["nodes"]
        if not _is_streamlits(rule["id"], view.page.locator(_selector(node["target"])).first)
    ]


def _selector(target: list[str | list[str]]) -> str:
    """An element as Playwright names it: axe gives a list where it lies in a shadow root."""
    return " >> ".join("css=" + part for step in target for part in ([step] if isinstance(step, str) else step))


def _is_streamlits(rule: str, element: Locator) -> bool:
    return any(rule == of and element.evaluate("(e, where) => e.matches(where)", where) for of, where in STREAMLITS)


def in_both_themes(view, places: Iterable[str] = ("",)) -> dict[str, list[str]]:
    """Violations by theme and place, of those that have some; a place is the name of a tab, or empty.

    All but the colours is the same in both themes.
    """
    found = {}
    for place in places:
        if place:
            view.page.get_by_role("tab", name=place, exact=True).click()
            view.settle()
        for theme in THEMES:
            view.page.emulate_media(color_scheme=theme)
            view.settle()
            view.screenshot(f"axe-{view.page.url.rpartition('/')[2].partition('?')[0]}-{place}-{theme}")
            found[f"{theme} {place}"] = violations(view, *([] if theme == THEMES[0] else ["color-contrast"]))
    return {where: them for where, them in found.items() if them}


def test_no_live_page_has_a_violation_and_nothing_moves_by_itself(live) -> None:
    live.open(model="digits")
    for title in PAGES:
        live.go_to(title)
        expect(live.page.locator(".live").first).to_be_visible(timeout=60_000)
        live.settle()
        assert not in_both_themes(live), title
        assert live.page.evaluate(MOVING) == [], title
        drawn = live.page.evaluate("window.drawn.length")
        live.page.wait_for_timeout(300)
        assert live.page.evaluate("window.drawn.length") == drawn, title


PLACES = {
    "": ("All models", "The open model", "Add a model"),
    "map": ("Settings", "Chosen", "Your own"),
}


@pytest.mark.parametrize("path", list(PLACES))
def test_no_tab_has_a_violation(view, path: str) -> None:
    view.open(path, model="digits")
    assert not in_both_themes(view, PLACES[path])
    assert view.page.evaluate(MOVING) == []


def test_where_a_picture_is_chosen_and_cut_out_of_a_photograph_has_no_violation(view, tmp_path: Path) -> None:
    scene = handwriting.Scene(handwriting.skeleton(load_digits().images[7] / 16), size=(900, 700))
    (tmp_path / "seven.jpg").write_bytes(handwriting.photograph(scene))
    view.open("interpolate", model="mnist")
    view.page.get_by_role("button", name="Choose A", exact=True).click()
    expect(view.page.get_by_text("Where A comes from")).to_be_visible()
    view.settle()
    assert not in_both_themes(view)
    view.page.get_by_text("Upload", exact=True).click()
    view.settle()
    view.upload(tmp_path / "seven.jpg")
    expect(view.page.get_by_role("group", name="Rectangle that is cut out")).to_be_visible()
    assert not in_both_themes(view)
    view.page.get_by_role("button", name="Prepare A", exact=True).click()
    view.settle()
    assert not in_both_themes(view)


def test_a_violation_is_noticed_in_the_page_and_in_a_component(view) -> None:
    view.open("sample", model="digits")
    assert not violations(view)
    view.page.locator(".live [role=img]").first.evaluate("e => e.removeAttribute('aria-label')")
    view.page.locator("[data-testid=stSidebar] p").first.evaluate("e => { e.style.color = '#999'; }")
    assert {found.split()[0] for found in violations(view)} == {"color-contrast", "role-img-alt"}


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_name_shows_that_it_has_the_focus(new_view: Callable, width: int) -> None:
    view = new_view(width=width)
    view.open("draw")
    link = view.page.get_by_role("link", name="Map", exact=True).last  # a phone has them in the folded side bar too
    expect(link).to_be_in_viewport()
    assert link.evaluate("e => getComputedStyle(e).outlineStyle") == "none"
    for _ in range(20):
        view.page.keyboard.press("Tab")
        if link.evaluate("e => e === document.activeElement"):
            break
    for theme in THEMES:
        view.page.emulate_media(color_scheme=theme)
        view.settle()
        style = link.evaluate("e => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth]; }")
        assert style == ["solid", "2px"], theme
        view.screenshot(f"focus-{theme}-{width}")
