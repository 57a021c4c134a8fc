"""The built book in a browser: `make test-web`, after it has built the pages.

Chromium is the system's. Nothing outside the book's own files can be reached, so a page
that loads here reads without a network.
"""

import functools
import os
import re
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from print_cheat_sheet import BROWSERS, PDF, print_page, served, started

ROOT = Path(__file__).parent.parent.parent
HTML = ROOT / "_build" / "html"
FORMATS = (".md", ".ipynb")
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(
        os.environ.get("PLASTUTOR_WEB") != "1",
        reason="looks at the built pages in a browser: make test-web",
    ),
]


def pages() -> list[str]:
    """Every page of the table of contents, by its path under book/."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [page.removeprefix("book/") for page in [toc["root"], *listed]]


def chosen() -> list[str]:
    """The pages to look at in a browser: all, or those that PAGES names."""
    by_name = {Path(page).name: page for page in pages()}
    only = os.environ.get("PLASTUTOR_PAGES", "").split() or list(by_name)
    assert set(only) <= set(by_name), f"PAGES names a page that is not in {[*by_name]}"
    return [by_name[name] for name in only]


@pytest.fixture(scope="session", autouse=True)
def built():
    assert html("index").exists(), "there are no built pages to look at: make book"


every_page = pytest.mark.parametrize("page", pages())


@functools.cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(), "html.parser")


@functools.cache
def names(path: Path) -> set[str]:
    """What a link can point to in a page."""
    return {tag["id"] for tag in soup(path).find_all(id=True)}


def html(page: str) -> Path:
    return HTML / "book" / f"{page}.html"


# --- what can be seen in the files ----------------------------------------------------


@every_page
def test_links_lead_somewhere(page):
    for link in soup(html(page)).select("a[href], link[href], img[src], script[src]"):
        address = urlsplit(link.get("href") or link.get("src"))
        if address.scheme or address.netloc:
            continue
        target = html(page)
        if address.path:
            target = (target.parent / unquote(address.path)).resolve()
        assert target.exists(), f"{page}: {address.path} is missing"
        if address.fragment and target.suffix == ".html":
            found = unquote(address.fragment) in names(target)
            assert found, f"{page}: nothing is named {address.geturl()}"


@every_page
def test_buttons_point_to_the_source_of_the_page(page):
    [source] = [p for p in (ROOT / "book").glob(f"{page}.*") if p.suffix in FORMATS]
    buttons = soup(html(page)).select(".article-header-buttons a[href]")
    links = {link["href"] for link in buttons}
    url, branch = CONFIG["repository"]["url"], CONFIG["repository"]["branch"]
    name = source.relative_to(ROOT).as_posix()
    assert f"{url}/edit/main/{name}" in links
    assert any(link.startswith(f"{url}/issues/new") for link in links)
    assert any(link.endswith(f"/_sources/{name}") for link in links), "the download"
    colab = f"{CONFIG['launch_buttons']['colab_url']}/github/"
    colab += f"{urlsplit(url).path.strip('/')}/blob/{branch}/{name}"
    assert (colab in links) == (source.suffix == ".ipynb")


@every_page
def test_images_have_a_text(page):
    for image in soup(html(page)).select("article img"):
        assert len(image.get("alt", "").split()) >= 5, image.get("src")


@every_page
def test_page_is_light(page):
    """Its own HTML, pictures and data; scripts and fonts serve the whole book."""
    own = [html(page)]
    for name in soup(html(page)).select("article img[src], article a[href$='.csv']"):
        address = name.get("src") or name.get("href")
        if not urlsplit(address).scheme:
            own.append((html(page).parent / address).resolve())
    # The page of the package has all of its docstrings.
    assert sum(p.stat().st_size for p in set(own)) < 1_000_000


@every_page
def test_page_can_be_found_and_shown_elsewhere(page):
    head, base = soup(html(page)).head, CONFIG["html"]["baseurl"]
    address = f"{base}book/{page}.html"
    assert head.find("link", rel="canonical")["href"] == address
    assert f"<loc>{address}</loc>" in (HTML / "sitemap.xml").read_text()
    said = {m["property"]: m["content"] for m in head.select("meta[property]")}
    assert said["og:url"] == address
    assert len(said["og:description"]) > 40
    card = said["og:image"].removeprefix(base)
    assert card != said["og:image"] and (HTML / card).exists()
    assert head.find("link", rel="icon")


def test_robots_are_not_sent_to_what_is_no_page():
    listed = re.findall(r"<loc>(.*?)</loc>", (HTML / "sitemap.xml").read_text())
    assert len(listed) == len(pages())


# --- in a browser ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def address():
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with started() as browser:
        if browser is None:
            pytest.skip(f"no browser found: none of {', '.join(BROWSERS)}")
        yield browser


class Opened:
    """A page in a tab of its own, and what went wrong while it loaded."""

    def __init__(self, browser, address, page, theme="light", width=1280, **options):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        self.wrong = []
        self.context.route("**/*", functools.partial(self._only_from, address))
        self.tab = self.context.new_page()
        self.tab.on("console", self._heard)
        self.tab.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.tab.on("response", self._answered)
        self.tab.goto(f"{address}/{page}", wait_until="load")

    def _only_from(self, address, route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(f"from elsewhere: {route.request.url}")
            route.abort()

    def _heard(self, message):
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def _answered(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def settle(self):
        """Wait until the formulas are set."""
        self.tab.evaluate("() => window.MathJax?.startup?.promise")
        self.tab.wait_for_load_state("networkidle")
        return self.tab


@pytest.fixture
def opened(browser, address):
    """Open pages; the tabs are closed after the test."""
    made = []

    def open_page(page, **options):
        made.append(Opened(browser, address, page, **options))
        return made[-1]

    yield open_page
    for one in made:
        one.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", chosen())
def test_page_in_a_browser(page, theme, width, opened):
    from axe_playwright_python.sync_playwright import Axe

    one = opened(f"book/{page}.html", theme=theme, width=width)
    tab = one.settle()
    assert not one.wrong
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
    assert not tab.query_selector("mjx-merror"), "a formula that MathJax cannot read"
    wide = tab.evaluate(TOO_WIDE)
    assert not wide, f"wider than the screen: {wide}"
    # Hidden answers are looked at too.
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    faults = Axe().run(tab).response["violations"]
    serious = [
        f"{fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for fault in faults
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
    assert not serious, "\n".join(serious[:20])


# Code, tables and long formulas may scroll within themselves; the page may not.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const scrolls = e => e && e.tagName !== 'ARTICLE' &&
    (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  return [...document.querySelectorAll('article *')]
    .filter(e => e.getBoundingClientRect().right > room + 1)
    .filter(e => !scrolls(e.parentElement))
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
}"""


# A slider of each living figure, and a path that it moves.
LIVING = {
    "foundations/a_synapse_that_learns": ("xy", "weight-1"),
    "foundations/noise_and_missing_neurons": ("noise", "found"),
    "choices/forgetting_in_flies": ("forgetting", "with-forgetting"),
    "loops/rules_in_a_loop": ("rec_xy", "between-1"),
    "function/how_to_read_a_memory": ("blur", "walk"),
    "function/rules_from_their_function": ("yyw", "along"),
}
# As a notebook of JupyterLab does at the press of a key.
TAKE_FOCUS = """() => document.querySelector('[data-living]').parentElement
  .addEventListener('keydown', () => document.activeElement.blur())"""
every_living = pytest.mark.parametrize("page", [p for p in chosen() if p in LIVING])


@every_living
def test_a_slider_moves_its_figure(page, opened):
    slider, series = LIVING[page]
    tab = opened(f"book/{page}.html").settle()
    path = tab.locator(f"[data-living] path[data-series='{series}']").first
    status = tab.locator("[data-living] p[aria-live]").first
    before, said = path.get_attribute("d"), status.inner_text()
    control = tab.locator(f"[data-living] input[name='{slider}']")
    tab.evaluate(TAKE_FOCUS)
    control.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
    assert path.get_attribute("d") != before and status.inner_text() != said
    tab.locator("[data-living] button[type='reset']").click()
    assert path.get_attribute("d") == before


@every_living
def test_a_plain_figure_remains_without_scripts_and_in_print(page, opened):
    still = opened(f"book/{page}.html", java_script_enabled=False).tab
    printed = opened(f"book/{page}.html").settle()
    printed.emulate_media(media="print")
    for tab in (still, printed):
        assert tab.locator("[data-living] > svg").first.is_visible()
        assert not tab.locator("[data-living] form").first.is_visible()


def test_search_finds(opened):
    tab = opened("search.html?q=forgetting").tab
    tab.wait_for_selector("#search-results li a")
    found = tab.eval_on_selector_all(
        "#search-results li a", "all => all.map(a => a.href)"
    )
    assert any("forgetting_in_flies" in link for link in found)


def test_cheat_sheet_is_one_sheet_and_that_of_its_page(browser, address, tmp_path):
    from pypdf import PdfReader

    print_page(browser, address, tmp_path / "now.pdf")
    now, kept = PdfReader(tmp_path / "now.pdf"), PdfReader(PDF)
    assert len(kept.pages) == 1
    # Fonts differ between machines in their ligatures, and so in where lines break.
    texts = [normalize("NFKC", pdf.pages[0].extract_text()) for pdf in (now, kept)]
    letters = ["".join(text.split()) for text in texts]
    assert letters[0] == letters[1], "the page has changed: make cheat-sheet"
