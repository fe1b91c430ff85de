"""`chatme copy-database`: moves a server that does not run to another database, from SQLite to PostgreSQL or back."""

import argparse
from pathlib import Path

from homeserver.cli import places
from homeserver.cli.failed import Failed
from homeserver.start_up import CannotStart, DataDirectory


def copy_database(arguments: argparse.Namespace) -> None:
    config = places.settings(arguments)
    other = places.settings(argparse.Namespace(**{**vars(arguments), "settings": [*arguments.settings, f"database.url={arguments.to}"]}))
    if other.database.url == config.database.url:
        raise Failed("this is the database that the server has already")
    if not Path(config.server.data_directory).is_dir():
        raise Failed(f"there is no ChatMe in {config.server.data_directory}: --data names another folder")
    from homeserver.main import copy
    from storage.copying.copy import NotEmpty
    from storage.database import CannotOpen

    try:
        data = DataDirectory(config.server.data_directory)
        data.hold()
        print(
            f"{copy(config, other.database)} rows have been copied. Now set database.url to the other database; the files stay where they are."
        )
    except (CannotStart, CannotOpen, NotEmpty) as error:
        raise Failed(str(error)) from error
