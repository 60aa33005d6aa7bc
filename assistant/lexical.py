"""BM25 over passages. The only file that imports tantivy.

BM25: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009);
tantivy uses k1 = 1.2 and b = 0.75.
"""

import math
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy

from assistant.errors import IndexDamaged

__all__ = ["LexicalIndex"]

_ANALYZER = "english_or_word"
_WRITER_BYTES = 64_000_000
_WORDS_KEPT = 10_000


class LexicalIndex:
    """Words of passages, lower-cased, without accents, stemmed as English."""

    def __init__(self, index: tantivy.Index, folder: Path) -> None:
        self._folder = folder
        index.register_tokenizer(_ANALYZER, _analyzer())
        self._index = index
        self._schema = index.schema
        self._searcher = index.searcher()
        self._analyze = _analyzer()
        self._weighed: dict[str, tuple[str, float]] = {}

    @classmethod
    def build(cls, folder: Path, passages: Iterable[tuple[str, str]]) -> "LexicalIndex":
        """Write an index of (lecture id, text) pairs to ``folder``; the i-th pair is row ``i``."""
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
        builder.add_text_field("lecture", tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("row", stored=True)
        folder.mkdir()
        index = tantivy.Index(builder.build(), path=str(folder))
        index.register_tokenizer(_ANALYZER, _analyzer())
        # One thread, so that one library always gives the same segments.
        writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        for row, (lecture_id, text) in enumerate(passages):
            document = tantivy.Document()
            document.add_text("text", text)
            document.add_text("lecture", lecture_id)
            document.add_unsigned("row", row)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return cls(index, folder)

    @classmethod
    def read(cls, folder: Path) -> "LexicalIndex":
        """Open a saved index.

        Raises:
            IndexDamaged: the folder is missing or tantivy cannot read it.
        """
        with _readable(folder):
            try:
                return cls(tantivy.Index.open(str(folder)), folder)
            except (ValueError, OSError) as error:
                if "Lockfile" not in str(error):
                    raise
        return cls._read_only(folder)

    @classmethod
    def _read_only(cls, folder: Path) -> "LexicalIndex":
        """Open where tantivy may not write, which it does even to read: it keeps a lock file."""
        links = Path(tempfile.mkdtemp(prefix="assistant-lexical-"))
        for path in folder.iterdir():
            if not path.name.endswith(".lock"):
                (links / path.name).symlink_to(path.absolute())
        try:
            with _readable(folder):
                opened = cls(tantivy.Index.open(str(links)), folder)
        except IndexDamaged:
            shutil.rmtree(links)
            raise
        weakref.finalize(opened, shutil.rmtree, links)
        return opened

    @property
    def rows(self) -> int:
        """How many passages are held."""
        return int(self._searcher.num_docs)

    def terms(self, text: str) -> list[str]:
        """The index terms of ``text``, in order, with repetitions."""
        return list(self._analyze.analyze(text))

    def idf(self, term: str) -> float:
        """BM25's inverse document frequency of an index term, ≥ 0; highest for an unknown one.

        Raises:
            IndexDamaged: tantivy cannot read its files.
        """
        with _readable(self._folder):
            holding = self._searcher.doc_freq("text", term)
        return math.log1p((self.rows - holding + 0.5) / (holding + 0.5))

    def weighed(self, word: str) -> tuple[str, float]:
        """The index term of one word, or the word where it has none, and its ``idf``.

        Raises:
            IndexDamaged: tantivy cannot read its files.
        """
        known = self._weighed.get(word)
        if known is None:
            term = "".join(self.terms(word)) or word.lower()
            known = term, self.idf(term)
            if len(self._weighed) >= _WORDS_KEPT:
                self._weighed.clear()
            self._weighed[word] = known
        return known

    def terms_from(self, prefix: str, lectures: Sequence[str] | None = None) -> dict[str, int]:
        """How many passages have each index term that begins with ``prefix``, commonest first.

        With ``lectures``, only passages of those lecture ids count, and only terms they have are given.

        Raises:
            IndexDamaged: tantivy cannot read its files.
        """
        within = None if lectures is None else self._within(lectures)
        with _readable(self._folder):
            return dict(self._searcher.terms_with_prefix("text", prefix, filter_query=within))

    def search(
        self, question: str, limit: int, lectures: Sequence[str] | None = None
    ) -> list[tuple[int, float]]:
        """Passages with any word of ``question``, as (row, BM25 score ≥ 0), best first.

        With ``lectures``, only passages of those lecture ids.

        Raises:
            IndexDamaged: tantivy cannot read its files.
        """
        return self.search_terms(self.terms(question), limit, lectures)

    def search_terms(
        self, terms: Iterable[str], limit: int, lectures: Sequence[str] | None = None
    ) -> list[tuple[int, float]]:
        """``search`` for index terms as they are.

        Raises:
            IndexDamaged: tantivy cannot read its files.
        """
        terms = dict.fromkeys(terms)
        if not terms:
            return []
        any_word = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term, "freq"))
                for term in terms
            ]
        )
        query = any_word
        if lectures is not None:
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, any_word),
                    (tantivy.Occur.Must, tantivy.Query.boost_query(self._within(lectures), 0.0)),
                ]
            )
        with _readable(self._folder):
            hits = self._searcher.search(query, limit).hits
            return [(int(self._searcher.doc(where)["row"][0]), float(score)) for score, where in hits]

    def _within(self, lectures: Sequence[str]) -> tantivy.Query:
        return tantivy.Query.term_set_query(self._schema, "lecture", list(lectures))


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Tantivy reads its files late; where one was altered it raises or panics, which is no ``Exception``."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException":
            raise IndexDamaged(f"{folder}: not a readable BM25 index; run `assistant repair`") from error
        raise


def _analyzer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(r"\w+"))
        .filter(tantivy.Filter.remove_long(60))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stopword("english"))
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
