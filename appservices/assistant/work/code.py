"""Code in a message that nobody fenced, and what language it is, by how its lines look.

Anybody writes the messages, so no expression here goes over a text again and again: lines are looked at up to a length, and spaces end with their line."""

import re
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 200  # characters of a line that are looked at
_MOST_LINES: Final = 100  # by which the language is named
_LINE: Final = re.compile(
    r"^(?:\s{2,}|\t)\S|[;{}]$|^\s*(?:def|class|import|from|return|if|for|while|elif|else:|try:|fn|let|const|var|func|package|use|pub|struct|enum|"
    r"SELECT|FROM|WHERE|ORDER BY|GROUP BY|JOIN|VALUES|INSERT|"
    r"UPDATE|CREATE|public|private|static|sudo|git|cd)\b|^\s*(?:#include|@\w+$|\$ |end$|</?\w+)|\w\(.*\)[ \t]*[;{:]?$"
    r"|^\s*[\w.\[\]\"']+\s*(?:=|:=|=>|->|\+=)\s*\S"
)
_LANGUAGES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(pattern, re.MULTILINE))
    for name, pattern in (
        ("html", r"<(?:html|div|span|body|head|p|a|ul|table)\b[^<>]*>"),
        ("json", r'\A\s*[\[{]\s*"[^"]+"\s*:|\A\s*\{\s*\n\s*"'),
        ("sql", r"^[ \t]*(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE\b.+\bSET|CREATE TABLE|DELETE FROM)\b"),
        ("rust", r"\bfn \w+.*(?:->|\{)|\blet mut\b|\bimpl\b.*\{|println!|\buse \w+::"),
        ("go", r"^package \w+|\bfunc (?:\(\w+ \*?\w+\) )?\w+\(|:="),
        ("cpp", r"#include\s*<|std::|\bint main\("),
        ("java", r"\bpublic (?:static |final )?(?:class|void|int|String)\b|System\.out"),
        ("typescript", r"\binterface \w+ \{|:\s*(?:string|number|boolean)\b\s*[;,)=]"),
        ("javascript", r"\b(?:const|let|var) \w+\s*=|=>|\bfunction\b.*\{|console\.log|===|\brequire\("),
        (
            "python",
            r"^[ \t]*(?:def \w+\(.*\).*:|class \w+.*:|from [\w.]+ import|import [\w.]+$|elif .*:|print\(|for \w+ in .*:|if .*:$|with .*:$)",
        ),
        ("ruby", r"^[ \t]*def \w+.*\n(?:.*\n)*?[ \t]*end\b|\bputs\b|\.each do"),
        ("bash", r"^[ \t]*(?:\$ |sudo |apt |echo |export \w+=|#!/bin/|git |cd |curl |docker )"),
        ("css", r"[.#]?[\w-]+ *\{\s*[\w-]+ *:[^;{}]+;"),
        ("yaml", r"\A(?:[\w-]+:(?: .*)?\n(?:(?:[ \t]+\S|- ).*(?:\n|\Z)|[ \t]*\n)*){2,}"),
    )
)


@dataclass(frozen=True)
class Code:
    language: str  # nothing: not recognised
    text: str


def find_code(text: str) -> Code | None:
    """The longest run of lines that look like code; at least three of them, and nothing that is fenced already."""
    if "```" in text:
        return None
    best: list[str] = []
    run: list[str] = []
    for line in [*text.split("\n"), "\x00"]:
        if line != "\x00" and (_is_code(line) or (run and not line.strip())):
            run.append(line)
            continue
        while run and not run[-1].strip():
            run.pop()
        if len(run) > len(best):
            best = run
        run = []
    if len(best) < 3 and not (len(best) == 2 and name_language("\n".join(best))):
        return None
    code = "\n".join(best)
    language = name_language(code)
    return Code(language, code) if language or sum(_is_code(line) for line in best) >= 4 else None


def _is_code(line: str) -> bool:
    return _LINE.search(line[:_LONGEST].rstrip()) is not None


def name_language(code: str) -> str:
    looked_at = "\n".join(line[:_LONGEST] for line in code.split("\n")[:_MOST_LINES])
    return next((name for name, pattern in _LANGUAGES if pattern.search(looked_at)), "")
