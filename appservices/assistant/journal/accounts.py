"""What was spent, and the audit log: IDs and counts."""

from appservices.assistant.journal.file import JournalFile


class SpendingJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def spent(self, scope: str, subject: str, period: str) -> tuple[int, int]:
        """Tokens and money."""
        row = self._file.row("SELECT tokens, money FROM spending WHERE scope = ? AND subject = ? AND period = ?", (scope, subject, period))
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def spend(self, accounts: list[tuple[str, str, str]], tokens: int, money: int) -> None:
        with self._file.together():
            for scope, subject, period in accounts:
                self._file.write(
                    "INSERT INTO spending (scope, subject, period, tokens, money) VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, subject, period) "
                    "DO UPDATE SET tokens = tokens + excluded.tokens, money = money + excluded.money",
                    (scope, subject, period, tokens, money),
                )


class AuditLog:
    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def write(self, at: int, what: str, room: str, event: str, user: str, skill: str = "", tokens_in: int = 0, tokens_out: int = 0) -> None:
        self._file.write(
            "INSERT INTO audit (at, what, room_id, event_id, user_id, skill, tokens_in, tokens_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (at, what, room, event, user, skill, tokens_in, tokens_out),
        )
