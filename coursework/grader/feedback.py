"""What students and teachers read: a page for each submission, a report for the class.

All text that comes from a submission is escaped: a page must not run a student's code.
"""

from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
       padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #999; padding: .4rem; text-align: left;
         vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
td:nth-child(2) { white-space: nowrap; }
pre { background: #f3f3f3; padding: .6rem; white-space: pre-wrap;
      overflow-wrap: anywhere; }
"""


def automatic(marks) -> float:
    """The points that were given without a person."""
    return round(sum(m.points for m in marks if m.points is not None), 2)


def page(assignment: str, graded) -> str:
    """The feedback page of one student, HTML."""
    by_hand = sum(m.task.points for m in graded.marks if m.points is None)
    most = sum(m.task.points for m in graded.marks if m.points is not None)
    title = f"{assignment.replace('_', ' ').capitalize()}: {graded.student}"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}",
        f"</title><style>{STYLE}</style><h1>{escape(title)}</h1>",
        f"<p><b>{automatic(graded.marks):g} of {most} points</b> from the tests, ",
        f"____ of {by_hand} by hand, ____ of {most + by_hand} in all.</p>",
    ]
    if graded.note:
        parts.append(f"<p><b>The run:</b> {escape(graded.note)}.</p>")
    parts.append("<table><tr><th>task<th>points<th>what was seen</tr>")
    for task, points, says in graded.marks:
        earned = "____" if points is None else f"{points:g}"
        name, words = escape(task.name), escape(says)
        parts.append(
            f"<tr><td><code>{name}</code><td>{earned} / {task.points}<td>{words}</tr>"
        )
    parts.append("</table>")
    if graded.answers.cells:
        parts.append("<h2>Cells that failed</h2><ul>")
        for number, error in graded.answers.cells:
            parts.append(f"<li>code cell {number}: <code>{escape(error)}</code></li>")
        parts.append("</ul>")
    if graded.printed:
        parts.append("<h2>What it printed, the beginning</h2>")
        parts.append(f"<pre>{escape(graded.printed)}</pre>")
    return "".join(parts) + "</html>\n"


def report(assignment: str, shield, graded, others: list[str]) -> str:
    """What happened, for the teacher, Markdown."""
    most = sum(m.task.points for m in graded[0].marks if m.points is not None)
    lines = [f"# {assignment}", ""]
    lines += [f"- {sentence}" for sentence in shield.sentences()]
    lines += [f"- {len(graded)} students; points from the tests, of {most}:", ""]
    for one in graded:
        note = f"; {one.note}" if one.note else ""
        lines.append(f"    {one.student:20s} {automatic(one.marks):5.2f}{note}")
    if others:
        lines += ["", "Not in the class list, and not read:", ""]
        lines += [f"    {ascii(name)}" for name in others]
    return "\n".join(lines) + "\n"
