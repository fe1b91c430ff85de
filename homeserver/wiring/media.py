"""Files: uploads, downloads, thumbnails."""

import os
from pathlib import Path
from typing import NamedTuple

from homeserver.accounts.accounts import Accounts
from homeserver.admin_api.media import MediaAdministration
from homeserver.client_api.media.downloads import DownloadEndpoints
from homeserver.client_api.media.previews import PreviewEndpoints
from homeserver.client_api.media.thumbnails import ThumbnailEndpoints
from homeserver.client_api.media.uploads import UploadEndpoints
from homeserver.control.media_commands import MediaCommands
from homeserver.media.arrivals import Arrivals
from homeserver.media.keep import Keeper
from homeserver.media.library import Library
from homeserver.media.locks import NamedLocks
from homeserver.media.previews.picture import PictureKeeper
from homeserver.media.previews.preview import Previews
from homeserver.media.remote import RemoteMedia
from homeserver.media.removal import Removal
from homeserver.media.store import MediaFiles
from homeserver.media.thumbnails import Thumbnails
from homeserver.media.upload import Uploads
from homeserver.outside import Outside
from homeserver.start_up import CannotStart
from homeserver.upkeep.upkeep import HOUR_MS, Task
from homeserver.wiring.ground import Chapters, Ground
from homeserver.workbench import Workbench
from storage.media.files import DiskFiles
from storage.media.records import StoredMedia
from storage.media.thumbnails import StoredThumbnails

FILE_THREADS = 2
DAY_MS = 24 * HOUR_MS


class Media(NamedTuple):
    library: Library
    thumbnails: Thumbnails
    files: MediaFiles
    removal: Removal
    commands: MediaCommands
    tasks: tuple[Task, ...]
    chapters: Chapters


def build_media(ground: Ground, accounts: Accounts, outside: Outside, remote: RemoteMedia) -> Media:
    settings, server, clock, chance = ground.config.media, ground.config.server, ground.clock, ground.chance
    store, locks = StoredMedia(ground.database), NamedLocks()
    files = _files(ground)
    keeper = Keeper(store, files, locks)
    library = Library(settings, server.name, store, keeper, remote, Arrivals(ground.streams, clock), clock)
    removal = Removal(store, files, locks, clock)
    workbench = Workbench(
        ground.threads.pool("images", settings.image_threads),
        settings.image_queue,
        "Too many pictures are being worked on just now",
        retry_ms=2000,
    )
    thumbnails = Thumbnails(server.name, StoredThumbnails(ground.database), files, keeper, workbench, most_pixels=settings.max_image_pixels)
    pictures = PictureKeeper(
        server.name, store, keeper, workbench, clock, chance, most_pixels=settings.max_image_pixels, most_bytes=settings.max_upload_bytes
    )
    about_limits = settings.quota_page or server.public_base_url
    uploads = Uploads(settings, server.name, store, keeper, clock, chance, about_limits=about_limits)
    kept = (
        ("media_reservations", removal.forget_reservations, HOUR_MS),
        ("remote_media", removal.forget_remote, settings.remote_kept_days * DAY_MS),
        ("local_media", removal.forget_local, settings.local_kept_days * DAY_MS),
    )
    chapters = (
        UploadEndpoints(settings, uploads, server.name),
        DownloadEndpoints(settings, library, files),
        ThumbnailEndpoints(settings, library, thumbnails, files),
        MediaAdministration(removal, store, accounts, server.name),
        *((PreviewEndpoints(Previews(outside, pictures.keep, workbench, clock)),) if settings.url_previews else ()),
    )
    commands = MediaCommands(removal, store, accounts, server.name)
    return Media(library, thumbnails, files, removal, commands, tuple(Task(*each) for each in kept if each[2] > 0), chapters)


def _files(ground: Ground) -> MediaFiles:
    settings = ground.config.media
    if settings.s3.bucket:
        from storage.media.objects import ObjectFiles, open_bucket  # what it loads is for those who have a bucket

        return ObjectFiles(open_bucket(settings.s3), ground.threads.pool("files", settings.s3.connections), ground.clock, ground.chance)
    directory = Path(ground.config.server.data_directory) / settings.directory
    nearest = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        raise CannotStart(f"media.directory: {directory} cannot be written to by this user")
    return DiskFiles(directory, ground.threads.pool("files", FILE_THREADS), ground.clock, ground.chance)
