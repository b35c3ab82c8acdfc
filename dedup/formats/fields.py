"""Finding the fields of a source: given names are checked, the others are looked for among the usual names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dedup.errors import UsageError
from dedup.formats.base import META
from dedup.model import Fields

# In order of preference; compared without regard to case.
TEXT_NAMES = (
    "text", "content", "body", "article", "raw_content", "正文", "内容", "內容", "article_text", "article_body",
    "articlebody", "main_text", "maintext", "full_text", "fulltext", "raw_text", "文本", "新闻内容", "新聞內容",
)  # fmt: skip
META_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "doc_id", "docid", "_id", "uuid", "key"),
    "url": ("url", "link", "uri", "source_url"),
    "host": ("host", "hostname", "domain"),
    "date": ("date", "published", "publish_date", "pubdate", "datetime", "timestamp", "created_at", "time"),
    "source": ("source", "site", "publisher", "outlet"),
}
OPTIONS = {"text": "--text-field", **{name: f"--{name}-field" for name in META}}

MOST_SHOWN = 12


@dataclass(slots=True)
class Column:
    """What is known of one field: its kind (`string`, `number`, `null`, ...), and how many bytes its values have."""

    name: str
    kind: str
    n_values: int = 0
    n_bytes: int = 0

    @property
    def mean(self) -> float:
        """Mean length of its values in bytes."""
        return self.n_bytes / self.n_values if self.n_values else 0.0


def resolve(path: str, given: Fields, names: Mapping[str, str], describe: Callable[[], Sequence[Column]]) -> Fields:
    """Check the given names and find the others.

    Args:
        path: the source, for messages.
        given: what the user said.
        names: the fields that the source has -> their kind.
        describe: the fields with their lengths; called only for a message.

    Raises:
        UsageError: a given field is not there, or no text field was found.
    """
    for role in ("text", *META):
        value = getattr(given, role)
        for name in value if role == "text" else (value,):
            if name is not None and name not in names:
                raise UsageError(
                    f"{path}: no record has the field {name!r} that {OPTIONS[role]} names. "
                    f"It has {_shown(describe())}. Give one of these to {OPTIONS[role]}."
                )
    text = given.text or _find_text(names)
    if not text:
        raise UsageError(
            f"{path}: no field looks like the text, for none has a usual name. It has {_shown(describe())}. "
            "Say which one holds the text with --text-field NAME."
        )
    found: dict[str, str | None] = {}
    taken = set(text)
    for role in META:
        # A field has one role: `source` given as the host is not the source as well.
        found[role] = getattr(given, role) or _usual(META_NAMES[role], [name for name in names if name not in taken])
        taken.add(found[role] or "")
    return Fields(text=text, **found)


def unresolved(given: Fields) -> Fields:
    """Name the fields of a source without a single record: what was given, else the usual name of the text."""
    return given if given.text else Fields(("text",), given.id, given.url, given.host, given.date, given.source)


def _find_text(names: Mapping[str, str]) -> tuple[str, ...]:
    for kinds in (("string",), ("string", "null")):
        name = _usual(TEXT_NAMES, [name for name, kind in names.items() if kind in kinds])
        if name is not None:
            return (name,)
    return ()


def _usual(usual: Sequence[str], names: Sequence[str]) -> str | None:
    by_fold: dict[str, str] = {}
    for name in names:
        by_fold.setdefault(name.strip().casefold(), name)
    present = set(names)
    return next((name if name in present else by_fold[name] for name in usual if name in by_fold), None)


def _shown(columns: Sequence[Column]) -> str:
    if not columns:
        return "no fields"
    ordered = sorted(columns, key=lambda column: (column.kind != "string", -column.mean))
    shown = [
        f"{column.name} (string, {column.mean:,.0f} bytes on average)"
        if column.kind == "string"
        else f"{column.name} ({column.kind})"
        for column in ordered[:MOST_SHOWN]
    ]
    rest = len(ordered) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
