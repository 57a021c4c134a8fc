"""Print the cheat sheet's page to one sheet of paper: make cheat-sheet.

Needs the built book and the system's Chromium. The PDF is committed beside the page, so
that the book can be built without a browser; `make test-web` compares the two.
"""

import functools
import http.server
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
PDF = ROOT / "book" / "reference" / "cheat_sheet.pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Two columns, and nothing but the text; no part is torn.
ON_PAPER = """
@page { size: A4; margin: 9mm; }
html { font-size: 11px; }
body, main, article { background: white; }
.bd-header, .bd-sidebar, .bd-footer, .prev-next-footer, .headerlink, .copybtn,
.bd-header-article, footer, #print-main-content {
  display: none !important;
}
.bd-main, .bd-content, .bd-article-container, .bd-article, .bd-container__inner {
  max-width: none !important; padding: 0 !important; margin: 0 !important; }
article > section { columns: 2; column-gap: 7mm; }
article > section > h1 { column-span: all; font-size: 2.2em; margin: 0; }
article > section > section { margin-bottom: 1em; }
h2 { font-size: 1.5em !important; margin: 0 0 0.3em !important; break-after: avoid; }
table, pre, .math, ol { break-inside: avoid; margin: 0.3em 0 !important; }
p { margin: 0 0 0.4em !important; }
td, th { padding: 1px 4px !important; }
pre { padding: 0.5em !important; white-space: pre-wrap !important; font-size: 0.75em; }
"""


@contextmanager
def served():
    """The address of the built book, as long as it is needed."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Log nothing."""

    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def started():
    """The system's Chromium, or None where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = {"executable_path": found, "args": ["--no-sandbox", "--disable-gpu"]}
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()


def print_page(browser, address: str, target: Path) -> None:
    """One sheet of A4, from the built page."""
    tab = browser.new_page(color_scheme="light")
    tab.goto(f"{address}/book/reference/cheat_sheet.html")
    tab.evaluate("() => window.MathJax.startup.promise")
    tab.add_style_tag(content=ON_PAPER)
    tab.pdf(path=target, prefer_css_page_size=True, print_background=True)
    tab.close()


if __name__ == "__main__":
    with served() as address, started() as browser:
        if browser is None:
            sys.exit(f"No browser found: none of {', '.join(BROWSERS)}.")
        print_page(browser, address, PDF)
    print(PDF)
