"""The README's list of rooms is the order in which imports point, and nothing is left out of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = ("app.py", "pages", "vae_core")
ENTRY = re.compile(r"( *)((?:\w+(?:\.py|/)(?:, )?)+)(?: {2,}|$)")
FRONT = {"streamlit", "plotly", "pages", "app"}


def listed(readme: str) -> list[str]:
    """Names of modules and folders in the list under Architecture, dotted, in its order."""
    block = readme.split("## Architecture", 1)[1].split("```")[1]
    names, folders = [], [""]  # the folder that each depth lies in
    for line in block.splitlines():
        if not (entry := ENTRY.match(line)):
            continue  # the text goes on
        depth = len(entry[1]) // 4
        for name in entry[2].split(", "):
            whole = folders[depth] + name.removesuffix(".py").rstrip("/")
            folders[depth + 1 :] = [f"{whole}."]
            names.append(whole)
    return names


def modules(root: Path) -> dict[str, Path]:
    """Every Python file under the sources by its dotted name; a package's own is called `package.__init__`."""
    files = [path for top in SOURCES for path in ([root / top] if top.endswith(".py") else (root / top).rglob("*.py"))]
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in files if path.exists()}


def imported(name: str, path: Path) -> Iterator[str]:
    """Dotted names that a file imports, at its top, within functions, and for the type checker alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_of(name: str, known: dict[str, Path]) -> str | None:
    """The file that an imported name is of: it may be a module, a package, or something in one of them."""
    for candidate in (name, f"{name}.__init__", name.rpartition(".")[0], f"{name.rpartition('.')[0]}.__init__"):
        if candidate in known:
            return candidate
    return None


def place(module: str, names: list[str]) -> str | None:
    """The entry that a module stands under: its own, or that of the innermost folder, if nothing in this is listed."""
    if module in names:
        return module
    folder = module.rpartition(".")[0]
    if module.endswith(".__init__"):
        return folder if folder in names else None
    while folder:
        if folder in names:
            return None if any(name.startswith(f"{folder}.") for name in names) else folder
        folder = folder.rpartition(".")[0]
    return None


def faults(root: Path, readme: str) -> list[str]:
    """What contradicts the list: entries twice, entries of nothing, modules that it lacks, imports that point up."""
    names, known = listed(readme), modules(root)
    wrong = [f"{name} is listed twice" for name in sorted(set(names)) if names.count(name) > 1]
    paths = {name: root.joinpath(*name.split(".")) for name in names}
    wrong += [f"{name} is no file" for name, path in paths.items() if not (path.exists() or name in known)]
    places = {module: place(module, names) for module in known}
    wrong += [f"{module} is not listed" for module, entry in places.items() if entry is None]
    for module, path in known.items():
        for other in {module_of(name, known) for name in imported(module, path)} - {None, module}:
            here, there = places[module], places[other]
            if here and there and names.index(there) < names.index(here):
                wrong.append(f"{module} imports {other}, which stands above it")
    return sorted(wrong)


def test_imports_point_down_the_list_and_all_is_listed(root: Path) -> None:
    assert faults(root, (root / "README.md").read_text()) == []


def test_the_core_does_not_know_the_front_half(root: Path) -> None:
    found = {
        (module, name)
        for module, path in modules(root).items()
        if module.startswith("vae_core.")
        for name in imported(module, path)
        if name.split(".")[0] in FRONT
    }
    assert not found


def test_streamlit_is_known_to_the_entry_points_of_the_live_view_alone(root: Path) -> None:
    """So that the views can live on a page without it."""
    sources = list((root / "pages/widgets/live/src").rglob("*.ts"))
    assert {path.name for path in sources if "@streamlit/" in path.read_text()} <= {"main.ts", "steps.ts"}
    assert len(sources) > 20


LIST = """
## Architecture

```
app.py          the server
pages/          one file a page
    home.py, map.py     pages,
                and more words vae_core/ about them
    rooms/      what they share
vae_core/       the core
    model.py    a model
    latents/    kinds
        flow.py         a kind
        __init__.py     the interface
    config.py   settings
```
"""
TREE = {
    "app.py": "import pages.rooms.shell",
    "pages/home.py": "from pages.rooms import shell\nfrom vae_core import model",
    "pages/map.py": "",
    "pages/rooms/shell.py": "from pages.rooms import plots",
    "pages/rooms/plots.py": "from pages.rooms.shell import A",
    "vae_core/__init__.py": "def lazy():\n    from vae_core.model import VAE",
    "vae_core/model.py": "from vae_core.latents import flow, Space",
    "vae_core/latents/__init__.py": "",
    "vae_core/latents/flow.py": "from vae_core.latents import Space\nfrom vae_core import config",
    "vae_core/config.py": "import json",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_tree_that_keeps_its_list_has_no_faults(tree: Path) -> None:
    assert faults(tree, LIST) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("vae_core/config.py", "import vae_core.model", "vae_core.config imports vae_core.model"),
        ("vae_core/config.py", "def f():\n    from vae_core import model", "vae_core.config imports vae_core.model"),
        ("vae_core/config.py", "from .model import VAE", "vae_core.config imports vae_core.model"),
        ("vae_core/config.py", "from vae_core import wrap", "vae_core.config imports vae_core.__init__"),
        (
            "vae_core/config.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vae_core.model import VAE",
            "vae_core.config imports vae_core.model",
        ),
        ("vae_core/latents/__init__.py", "from vae_core.latents import flow", "vae_core.latents.__init__ imports"),
        ("pages/rooms/shell.py", "from pages import home", "pages.rooms.shell imports pages.home"),
        ("pages/map.py", "import app", "pages.map imports app"),
        ("pages/map.py", "from pages.home import x", "pages.map imports pages.home"),
    ],
)
def test_an_import_that_points_up_is_found(tree: Path, file: str, text: str, fault: str) -> None:
    (tree / file).write_text(text)
    (found,) = faults(tree, LIST)
    assert found.startswith(fault) and found.endswith("which stands above it")


def test_what_is_missing_or_said_twice_is_found(tree: Path) -> None:
    (tree / "vae_core/more.py").touch()
    (tree / "pages/map.py").unlink()
    text = LIST.replace("config.py   settings", "config.py   settings\n    model.py    again")
    assert faults(tree, text) == [
        "pages.map is no file",
        "vae_core.model is listed twice",
        "vae_core.more is not listed",
    ]
