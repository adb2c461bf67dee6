"""The pages beside the notebooks: docs/coverage.md and docs/glossary.md."""

import re

from support import ROOT
from support.notebooks import NOTEBOOKS, cells_of

ROW = re.compile(r"^\| (.+) \| \[\d\d\]\(\.\./notebooks/(\w+)\.ipynb\), (.+) \| (\S.*) \|$")


def rows():
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| experiment", "| ---"))]


def test_every_row_names_a_notebook_and_a_section_that_it_has():
    assert len(rows()) > 50
    for line in rows():
        _, notebook, section, _ = ROW.match(line).groups()
        text = "\n".join(cell.source for cell in cells_of(NOTEBOOKS / f"{notebook}.ipynb"))
        assert re.search(rf"^#+ {re.escape(section)}$", text, re.M), line


def test_what_is_not_shown_says_what_is_missing():
    for line in rows():
        *_, shown = ROW.match(line).groups()
        assert shown == "yes" or re.match(r"(partly|missing): \w", shown), line


def test_the_glossary_is_in_the_order_of_the_alphabet_and_short():
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = dict(re.findall(r"^### (.+)\n(.+)$", page, re.M))
    assert list(terms) == sorted(terms, key=str.casefold)
    assert 25 <= len(terms) <= 50
    assert all(len(text) < 260 for text in terms.values())
