"""Unpacking a package's zip into a folder, or refusing it whole.

Flow: open zip file -> every entry is checked -> files are written below `folder`. Rules: nothing is written when any entry would
leave the folder or is not a plain file or directory. Texts are the stock agent's.
Refuses to know: whether these are the right bytes; the caller has compared the checksum of this very open file.
"""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

UNPACKED_BYTES_MAX = 20 * 1024**3
"""AWS allows 20 attachments of 1 GB; a zip that unpacks to more than all of them together is not a package."""


class BadArchiveError(Exception):
    """The zip cannot be unpacked safely."""


def unpack(archive: IO[bytes], folder: Path) -> None:
    """Unpack `archive` into `folder`, which must exist and be empty. Raises BadArchiveError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            _check(entries, folder)
            for entry in entries:
                _write(opened, entry, folder)
    except zipfile.BadZipFile as error:
        word = "zip: checksum error" if "CRC" in str(error) else "zip: not a valid zip file"
        raise BadArchiveError(word) from error
    except (zlib.error, EOFError) as error:
        raise BadArchiveError("unexpected EOF") from error
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise BadArchiveError(f"the zip has a file and a folder of the same name: {error.filename}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise BadArchiveError(f"zip: unsupported compression algorithm ({error})") from error


def _check(entries: list[zipfile.ZipInfo], folder: Path) -> None:
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        kind = stat.S_IFMT(entry.external_attr >> 16)
        # DEVIATES: the stock agent lets an absolute name and a symbolic link through (the one lands below the folder, the other becomes
        # a file); neither is ever meant, so both are refused in the words it has for `..`.
        if name.is_absolute() or ".." in name.parts or kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise BadArchiveError(f"{entry.filename} attepts to place files outside {folder} subtree")
    if sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX:
        raise BadArchiveError(f"the zip unpacks to more than {UNPACKED_BYTES_MAX} bytes")


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename.replace("\\", "/")
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    target.chmod((entry.external_attr >> 16) & 0o777 or 0o644)
