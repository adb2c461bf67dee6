"""What a browser would make of HTML, as far as the tests need it: its elements and its texts."""

from html.parser import HTMLParser

from hypothesis import strategies as st

HOSTILE = ("<script>alert(1)</script>", "</script><script>alert(1)</script>", "</title><b>",
           '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "javascript:alert(1)",
           "&lt;b&gt;", "{title}", "{0}", "%s", "\\u003c", "a\u2028b\u2029", "]]>",
           "$$", "<!--", "`${1}`")  # fmt: skip
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join),
    st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=20),
    st.text("<>&'\"/=` {}$", max_size=10),
)
"""Names and titles that try to be markup, and any others."""


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.texts, self._open = [], {}, []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(name for name, _ in attributes)))
        if tag not in ("meta", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}", ()))
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, text):
        place = self._open[-1] if self._open else ""
        self.texts[place] = self.texts.get(place, "") + text

    def handle_comment(self, text):
        self.elements.append(("comment", ()))


def parsed(page):
    """Give the elements of a page with the names of their attributes, and the text in each kind."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    return parser.elements, parser.texts
