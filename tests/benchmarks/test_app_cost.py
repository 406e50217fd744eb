"""What the app costs a person who waits: imports, first picture, 64 samples, memory; each beside its yardstick."""

import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5


def import_seconds(statement: str) -> float:
    """Seconds that a statement takes in a fresh interpreter."""
    program = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    return float(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT))


def test_import(capsys) -> None:
    statements = ("import torch", "import torch, vae_core.model, vae_core.explore")
    # In turns: the machine is faster at one moment than at another.
    runs = [[import_seconds(statement) for statement in statements] for _ in range(ROUNDS)]
    torch_alone, ours = (min(column) for column in zip(*runs, strict=True))
    with capsys.disabled():
        print(f"\ntorch {torch_alone:.2f} s, with vae_core {ours:.2f} s: {ours - torch_alone:+.2f} s (limit 0.3)")
    assert ours - torch_alone < 0.3


@contextmanager
def browser_page():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-sync"])
        yield browser.new_page(bypass_csp=True)
        browser.close()


def seconds_to(page, script: Path, selector: str, home: Path) -> float:
    """From starting a server until `selector` is seen in the browser."""
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with closing(socket.socket()) as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.perf_counter() - start > 60:
                raise TimeoutError("the server did not start")
            time.sleep(0.02)
        page.goto(f"http://localhost:{port}", wait_until="commit")
        page.locator(selector).first.wait_for(timeout=60_000)
        return time.perf_counter() - start
    finally:
        server.terminate()
        server.wait(20)


def test_first_picture(tmp_path, capsys) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("import streamlit as st\nst.write('ready')\n")
    with browser_page() as page:
        runs = [
            (
                seconds_to(page, empty, "[data-testid=stMarkdown]", tmp_path),
                seconds_to(page, ROOT / "app.py", "[data-testid=stMain] img", tmp_path),
            )
            for _ in range(3)
        ]
    blank, ours = (min(column) for column in zip(*runs, strict=True))
    with capsys.disabled():
        print(f"\nempty page {blank:.1f} s, Home's pictures {ours:.1f} s: {ours - blank:+.1f} s (limit 4)")
    assert ours - blank < 4


def test_sampling(capsys) -> None:
    from vae_core import checkpoints, explore

    torch.set_num_threads(1)
    model = checkpoints.load(checkpoints.find("mnist")).model
    z = explore.unflatten(explore.sample(model, 64), model.spec)

    def bare() -> None:
        with torch.inference_mode():
            model.decode(z)

    def page() -> None:
        explore.decode(model, explore.sample(model, 64))

    seconds: dict[str, list[float]] = {"bare": [], "page": []}
    for _ in range(60):
        for name, work in (("bare", bare), ("page", page)):
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    bare_ms, page_ms = (1000 * sorted(column)[len(column) // 2] for column in seconds.values())
    with capsys.disabled():
        ratio = page_ms / bare_ms
        print(f"\n64 samples of mnist: decode {bare_ms:.1f} ms, with drawing {page_ms:.1f} ms: {ratio:.2f} (limit 1.2)")
    assert page_ms < 1.2 * bare_ms


def test_search_for_garbage(capsys) -> None:
    program = (
        "import gc, statistics, time, streamlit, plotly.graph_objects, torchvision, sklearn.manifold\n"
        "from vae_core import checkpoints, export\n"
        "from pages.widgets.shell import garbage\n"
        "opened = [checkpoints.load(checkpoints.find(name)) for name in ('digits', 'mnist', 'fashion', 'sprites')]\n"
        "export.decoder(opened[0].model)\n"
        "def seconds():\n"
        "    start = time.perf_counter()\n"
        "    gc.collect(2)\n"
        "    return time.perf_counter() - start\n"
        "seconds()\n"
        "before = statistics.median(seconds() for _ in range(9))\n"
        "garbage.spare_imports()\n"
        "print(before, statistics.median(seconds() for _ in range(9)))\n"
    )
    out = subprocess.check_output([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    every, new = (1000 * float(number) for number in out.split()[-2:])
    with capsys.disabled():
        print(f"\nsearch for garbage after a run: all objects {every:.0f} ms, without what was imported {new:.1f} ms")
    assert new < 0.1 * every


def test_memory(capsys) -> None:
    program = (
        "import resource, streamlit, plotly.graph_objects\n"
        "from vae_core import checkpoints, explore\n"
        "opened = [checkpoints.load(checkpoints.find(name)) for name in checkpoints.shipped()]\n"
        "for one in opened: explore.decode(one.model, explore.sample(one.model, 64))\n"
        "print(len(opened), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    count, kilobytes = map(int, subprocess.check_output([sys.executable, "-c", program], cwd=ROOT).split())
    with capsys.disabled():
        print(f"\n{count} models opened in one process: {kilobytes / 2**20:.2f} GB resident (limit 1.5)")
    assert kilobytes < 1.5 * 2**20
