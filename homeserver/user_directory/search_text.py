"""What is searched, and what a search term asks for: pure text, case-folded, no pattern language."""

from homeserver.user_directory.store import Query

MAX_WORDS = 5
MAX_TERM_CHARACTERS = 500
MAX_TEXT_CHARACTERS = 600


def search_text(user_id: str, displayname: str | None) -> str:
    """A space before each word: the localpart with and without its sigil, then the words of the name."""
    localpart = user_id[1:].partition(":")[0].casefold()
    words = (displayname or "").casefold().replace("\0", " ").split()
    return " ".join(["", f"@{localpart}", localpart, *words])[:MAX_TEXT_CHARACTERS]


def query_of(term: str, limit: int) -> Query | None:
    """None: the term has no word. Of a whole user ID, the server's name is asked for apart."""
    words = term[:MAX_TERM_CHARACTERS].casefold().replace("\0", " ").split()[:MAX_WORDS]
    server = ""
    for index, word in enumerate(words):
        if word.startswith("@") and ":" in word:
            words[index], _, server = word.partition(":")
    return Query(tuple(words), server, limit) if words else None
