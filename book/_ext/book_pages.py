"""A small Sphinx extension: what a page was made from, and docstrings as they are.

Cards, which a link to a page shows elsewhere, have the title and the address of the
book that _config.yml holds once.

Every page says at its foot which version of the book it is, when it was built and with
which versions it was executed. (Notebooks are offered for download by the theme.)

Docstrings are plain text for people who read code: `names` in single backticks,
formulas with * and |. Sphinx would take those for markup, so the API page escapes them.
"""

import platform
import re
import sys
from datetime import date
from importlib.metadata import version

PACKAGES = ["jax", "jaxlib", "flax", "optax", "numpy"]
EXAMPLE = re.compile(r"((?:^|\n)[ ]*>>>.*?(?=\n[ ]*\n|$))", re.DOTALL)
MODULES = re.compile(r"\b(jaxtyping|jaxlib\._jax|jax|typing|collections\.abc)\.")
WITHOUT_TYPE: dict[str, list[str]] = {}
MARKUP = re.compile(r"``.*?``|`[^`]*`|[*|]|(?<=\w)_(?!\w)", re.DOTALL)


def name_the_site(app, config):
    """Title, address and colour of the cards that links to a page show elsewhere."""
    config.ogp_site_name = config.html_title
    config.ogp_site_url = config.html_baseurl
    config.ogp_social_cards = {
        "image_mini": "book/_static/mark.png",
        "line_color": "#0072B2",
        "site_url": config.html_baseurl,
    }


def stamp() -> str:
    """The line at the foot of each page."""
    made_with = [f"Python {platform.python_version()}"]
    made_with += [f"{name} {version(name)}" for name in PACKAGES]
    return (
        f"<p>plastutor {version('plastutor')}, built on {date.today().isoformat()}."
        f" Executed with {', '.join(made_with)}.</p>"
        "<p>Text and figures: CC BY 4.0. Code: MIT.</p>"
    )


def add_stamp(app, pagename, templatename, context, doctree):
    """Give the theme the foot of the page."""
    context["theme_extra_footer"] = stamp()


def without_thebe(app, pagename, templatename, context, doctree):
    """Drop the scripts of live pages, which nobody asked for: they hold one twice."""
    for files in ("script_files", "css_files"):
        context[files][:] = [
            f
            for f in context[files]
            if "thebe" not in f"{f.filename}{f.attributes.get('body')}"
        ]


def escape(found: re.Match) -> str:
    """A name in backticks becomes code; a character that is no markup stays itself."""
    text = found.group()
    if text.startswith("`"):
        ends_inside_word = found.string[found.end() : found.end() + 1].isalnum()
        return f"``{text.strip('`')}``" + r"\ " * ends_inside_word
    return f"\\{text}"


def plain(app, what, name, obj, options, lines):
    """Escape a docstring, except its examples, before Sphinx reads it."""
    parts = EXAMPLE.split("\n".join(lines))
    parts[::2] = [MARKUP.sub(escape, part) for part in parts[::2]]
    lines[:] = "".join(parts).split("\n")
    if what in ("attribute", "data", "property"):
        WITHOUT_TYPE[name] = list(lines)


def after_google(app, what, name, obj, options, lines):
    """Show shapes as they are written, and undo a type that was none."""
    # Of "Oja's rule: ..." what stands before the colon would be taken for a type.
    lines[:] = WITHOUT_TYPE.pop(name, lines)
    for n, line in enumerate(lines):
        if found := re.match(r"(\s*:type: )(.+)", line):
            lines[n] = f"{found[1]}``{MODULES.sub('', found[2])}``"


def skip_fields(app, what, name, obj, skip, options):
    """Leave out fields of tuples and dataclasses: docstrings of classes list them."""
    read = app.env.temp_data
    of = getattr(sys.modules.get(read.get("autodoc:module")), "__dict__", {})
    of_class = getattr(of.get(read.get("autodoc:class")), "__dataclass_fields__", ())
    is_field = name in of_class or type(obj).__name__ == "_tuplegetter"
    return True if is_field else None


def setup(app):
    """Connect to Sphinx; its reader of Google docstrings has priority 500."""
    app.connect("config-inited", name_the_site)
    app.connect("html-page-context", add_stamp)
    app.connect("html-page-context", without_thebe, priority=900)
    # The theme leaves it empty on a reader's first visit, and then finds that wrong.
    app.add_js_file(None, body="document.documentElement.dataset.mode ||= 'auto';")
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-docstring", plain, priority=400)
    app.connect("autodoc-process-docstring", after_google, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
