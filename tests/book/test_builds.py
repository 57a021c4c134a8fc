"""What the chapters on flies say is true with real flies, and with simulated ones.

A newcomer's build has no fly data and shows simulated flies. So a sentence that says
how something came out is held by an assertion that both builds make: one that quotes
it, or one in its section that has its numbers. Or it names what it is read from, a
stored table or the paper. What only real flies show, a cell says where there are some.
That the assertions hold is seen where the chapters run, in both ways by .ci/run.
"""

import ast
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_book import NOTEBOOKS, code_cells, prose, read, tags

CHAPTERS = [
    path
    for path in NOTEBOOKS
    if any("load_or_simulate(" in cell.source for cell in code_cells(read(path)))
]
every_fly_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)

SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
SOURCE = re.compile(r"\btables?\b|\.csv\b|\bpapers?\b", re.IGNORECASE)
# Words by which these chapters say how something came out; a new one belongs here.
CAME_OUT = re.compile(
    r"\b(?:above|below|exclud\w+|includ\w+|reach\w*) zero\b|\blarger\b|\bsmaller\b|"
    r"\b(?:as large|wider|narrower|higher|lower|better than|worse than|no better)\b|"
    r"\b(?:does not beat|differs? (?:most|by|clearly|little)|most flies)\b|"
    r"\b(?:repeat\w* (?:their|its)|well determined|ahead of|fails?|flatter)\b|"
    r"\b(?:more than|less than|about|nearly|at least) (?:a|an|half|one|twice|two)\b"
)
# What is asked, or would be so, did not come out.
OPEN = re.compile(r"\?$|^(?:If|Where)\b|\b(?:would|may)\b")
# Numbers with a decimal point or a unit, less those that were chosen and not found.
UNIT = r"(?= ?%| percent\b| points\b| flies\b| times\b)"
NUMBER = re.compile(rf"(?<![\w.^])-?\d+(?:\.\d+(?![\d.])|{UNIT})")
CHOSEN = {18, 17, 95, 19, 20, 0.75, 1.5}


def plain(text: str) -> str:
    """Markdown without what states nothing: formulas, headings, answers to predict."""
    text = re.sub(r"<details>.*?</details>|\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"^[#|].*$|\$[^$]*\$|CC BY 4.0", "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text).replace("−", "-")


def sections(notebook) -> list[tuple[list[str], list[ast.stmt]]]:
    """Of each section: its sentences, those of its figures' alt texts, and its code."""
    found = [([], [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            found[-1][0].extend(SENTENCE.split(alt))
            if "%pip" not in cell.source and not tags(cell) & {"live", "exercise"}:
                found[-1][1].extend(ast.parse(cell.source).body)
            continue
        first, *others = re.split(r"^## .*$", cell.source, flags=re.MULTILINE)
        found[-1][0].extend(SENTENCE.split(plain(first)))
        found.extend((SENTENCE.split(plain(text)), []) for text in others)
    return found


def about_flies(part) -> bool:
    """Whether a section's sentences or its code have to do with flies."""
    said, code = part
    return bool(re.search("fly|flies", " ".join([*said, *map(ast.unparse, code)])))


def asks_if_real(node) -> bool:
    test = getattr(node, "test", None)
    return test is not None and ".real" in ast.unparse(test)


def in_both(statements) -> list[ast.stmt]:
    """The statements, at any depth, that run whether the flies are real or not."""
    found = []
    for node in statements:
        if not asks_if_real(node):
            inside = [*getattr(node, "body", []), *getattr(node, "orelse", [])]
            found += [node, *in_both(inside)]
    return found


def assertions(statements) -> list[ast.Assert]:
    return [node for node in in_both(statements) if isinstance(node, ast.Assert)]


def quotes(statements) -> list[str]:
    """What assertions say that they hold."""
    said = [node.msg for node in assertions(statements)]
    return [str(m.value) for m in said if isinstance(m, ast.Constant)]


def names(nodes) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def numbers(statements) -> list[float]:
    """The numbers that assertions compare with, and those in what these are made of."""
    both = in_both(statements)
    kept: list[ast.AST] = [
        n for n in both if re.match(r"assert|np\.testing", ast.unparse(n))
    ]
    for _ in range(2):
        for node in both:
            if isinstance(node, ast.For):
                targets, made_of = [node.target], node.iter
            elif isinstance(node, ast.Assign):
                targets, made_of = node.targets, node.value
            elif isinstance(node, ast.AugAssign):
                targets, made_of = [node.target], node.value
            else:
                continue
            if names(targets) & names(kept):
                kept.append(made_of)
    inside = [n for node in kept for n in ast.walk(node)]
    found = [n.value for n in inside if isinstance(n, ast.Constant)]
    return [abs(float(n)) for n in found if isinstance(n, int | float)]


def among(number: str, known: list[float]) -> bool:
    """Whether it is one of them, rounded as it is, or a percentage of one."""
    value, digits = abs(float(number)), len(number.partition(".")[2])
    half = 0.501 * 10.0**-digits
    return any(abs(value - k) < half or abs(value - 100 * k) < half for k in known)


def unheld(notebook) -> list[str]:
    """The sentences of a chapter that no assertion of both builds holds."""
    parts, found = sections(notebook), []
    quoted = [quote for _, code in parts for quote in quotes(code)]
    for said, code in filter(about_flies, parts):
        known = [*numbers(code), *CHOSEN]
        for sentence in said:
            if SOURCE.search(sentence) or any(quote in sentence for quote in quoted):
                continue
            given = NUMBER.findall(sentence)
            claims = CAME_OUT.search(sentence) and not OPEN.search(sentence)
            if not all(among(n, known) for n in given) or (claims and not given):
                found.append(sentence)
    return found


# --- the chapters ---------------------------------------------------------------------


@every_fly_chapter
def test_both_builds_make_what_a_sentence_says(path):
    assert not unheld(read(path)), "assert it, name its table, or say it where true"


@every_fly_chapter
def test_an_assertion_quotes_a_sentence(path):
    parts = sections(read(path))
    text = "\n".join(sentence for said, _ in parts for sentence in said)
    quoted = [quote for _, code in parts for quote in quotes(code)]
    assert quoted and not [quote for quote in quoted if quote not in text]
    assert not [quote for quote in quoted if len(quote.split()) < 2]


@every_fly_chapter
def test_what_holds_for_real_flies_only_stands_where_they_are(path):
    for cell in code_cells(read(path)):
        if "%pip" in cell.source:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            # An assertion that lets the other build pass holds no sentence of it.
            assert not (isinstance(node, ast.Assert) and asks_if_real(node))
            if isinstance(node, ast.If) and asks_if_real(node):
                inside = [n for child in node.body for n in ast.walk(child)]
                assert any(isinstance(n, ast.Assert) for n in inside)


@every_fly_chapter
def test_a_paragraph_about_real_flies_says_where_it_read_that(path):
    for paragraph in re.split(r"\n\s*\n", prose(path)):
        if re.search(r"\breal flies\b", paragraph):
            assert SOURCE.search(paragraph), paragraph


# --- what is found --------------------------------------------------------------------


def page(text: str, code: str):
    """A notebook of one section."""
    cells = [new_markdown_cell(text), new_code_cell(code)]
    return new_notebook(cells=[new_markdown_cell("## The flies"), *cells])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The flies repeat their last choice.", "assert not cohort.real or z > 3"),
        ("The interval of a fly reaches zero.", "assert high > -1"),
        ("It is 2.5 times as large in flies.", "assert ratio > 2"),
        ("The fly explains 8 % of it.", "if cohort.real:\n    assert share > 0.08"),
        ("With $x$, spreads of flies are larger.", "print(spread)"),
    ],
)
def test_a_sentence_that_nothing_holds_is_found(text, code):
    assert unheld(page(text, code)) == [plain(text)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The flies repeat their last choice.", 'assert z > 3, "repeat their last"'),
        ("It is 2.5 times as large in flies.", "assert abs(ratio - 2.5) < 0.05"),
        (
            "The fly explains 8 % of it.",
            "said = 0.078\nassert abs(share - said) < 0.01",
        ),
        ("By the table, flies differ by 2.5 %.", ""),
        ("Do flies repeat their last choice?", ""),
        ("If flies differ by little, say so.", ""),
        ("Oja's rule is recovered to 2.5 %.", ""),
    ],
)
def test_a_sentence_that_is_held_is_not(text, code):
    assert not unheld(page(text, code))
