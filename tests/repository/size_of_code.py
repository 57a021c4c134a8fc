"""Lines of code: no blank lines, no comments, no docstrings.

python tests/repository/size_of_code.py FILE...
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT),
    *(tokenize.DEDENT, tokenize.ENDMARKER),
}


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code."""
    lines, texts = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            texts |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines - texts


def functions(source: str) -> dict[str, int]:
    """The lines of code of each function, those inside it included."""
    lines = code_lines(source)
    return {
        f"{node.name}, line {node.lineno}": len(
            lines & set(range(node.lineno, (node.end_lineno or 0) + 1))
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


if __name__ == "__main__":
    total = 0
    for name in sys.argv[1:]:
        source = Path(name).read_text()
        total += len(code_lines(source))
        longest = max(functions(source).items(), key=lambda item: item[1], default="")
        print(f"{len(code_lines(source)):5d}  {name}  {longest}")
    print(f"{total:5d}  in all")
