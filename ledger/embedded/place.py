"""Where PostgreSQL's files lie and whose they are.

PostgreSQL refuses to run as root, so root runs it as `nobody`. Where that user cannot reach the data folder or the
binaries, both go to a folder of its own in the system's persistent temporary folder. Modes of parents never change.
The place is chosen once and noted: a later start must find the data where they are, or say that they are gone.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from ledger.embedded import folder
from ledger.embedded.errors import DataMissing, FolderUnusable
from ledger.embedded.process import Owner
from ledger.embedded.wheels import PostgresBinaries

PERSISTENT_TEMPORARY = Path("/var/tmp")  # noqa: S108 - a folder in it is used only after its owner and mode were checked
_NOTE = "place"


@dataclass(frozen=True, slots=True)
class Place:
    """`home` holds the cluster and its logs and belongs to `owner` (none: to ourselves)."""

    home: Path
    owner: Owner | None
    binaries: PostgresBinaries


def known(control: Path) -> Path | None:
    """The home that an earlier start chose, none before the first start."""
    noted = folder.read(control / _NOTE)
    return None if noted is None else control / noted


def find(control: Path, binaries: PostgresBinaries) -> Place:
    """The noted place, or a new one below the control folder or, for root where need be, in the temporary folder."""
    owner = _owner()
    home = known(control)
    if home is None:
        home = _choose(control, binaries, owner)
        _make(home, owner)
        if (home / "cluster").exists():
            raise DataMissing(
                f"A new embedded PostgreSQL was asked for in {control}; {home} still holds the database of a folder of "
                f"that name, which is gone, and with it the password. Bring {control} back from a backup; or, to begin "
                f"anew with an empty database, delete {home}."
            )
        # Relative where it lies below: the data folder may be moved as a whole while the server is stopped.
        folder.write(control / _NOTE, home.name if home.parent == control else str(home))
    elif not home.is_dir():
        raise DataMissing(
            f"The data of the embedded PostgreSQL of {control.parent} were put in {home}; that folder is gone. "
            f"Bring it back from a backup; or, to begin anew with an empty database, delete {control}."
        )
    if owner is not None and not _reachable(home, owner):
        raise FolderUnusable(
            f"The data of the embedded PostgreSQL lie in {home}; root runs it as the user 'nobody', who can no longer "
            "reach that folder. Give the folders above it back their x permission for others."
        )
    if owner is not None and not _reachable(binaries.folder / "postgres", owner):
        binaries = _copied(binaries, home, owner)
    return Place(home, owner, binaries)


def outside(control: Path) -> Path:
    """The folder in the temporary folder that belongs to this control folder."""
    digest = hashlib.sha256(os.fsencode(control.parent)).hexdigest()[:16]
    return PERSISTENT_TEMPORARY / f"repayment-ledger-{digest}"


def _owner() -> Owner | None:
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise FolderUnusable(
            "PostgreSQL refuses to run as root, and this machine has no user 'nobody' to run it as. "
            "Start the ledger as an ordinary user, or set LEDGER_DATABASE_URL to a server of your own."
        ) from error
    return Owner(nobody.pw_uid, nobody.pw_gid)


def _choose(control: Path, binaries: PostgresBinaries, owner: Owner | None) -> Path:
    if owner is None or (_reachable(control, owner) and _reachable(binaries.folder / "postgres", owner)):
        return control / "server"
    return outside(control)


def _reachable(path: Path, owner: Owner) -> bool:
    """Whether the user may pass every folder on the way to `path` and enter or execute `path` itself."""
    return all(_may_pass(part.stat(), owner) for part in (path, *path.parents))


def _may_pass(found: os.stat_result, owner: Owner) -> bool:
    if found.st_uid == owner.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == owner.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _make(home: Path, owner: Owner | None) -> None:
    """Make the home, or accept one of ours; in a folder that all may write, a stranger may have made it first."""
    folder.make(home, 0o700)
    if owner is not None and home.lstat().st_uid == os.geteuid() and stat.S_ISDIR(home.lstat().st_mode):
        os.chown(home, owner.uid, owner.gid, follow_symlinks=False)
    found = home.lstat()
    expected = os.geteuid() if owner is None else owner.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected or stat.S_IMODE(found.st_mode) & 0o077:
        raise FolderUnusable(
            f"A folder for PostgreSQL was asked for at {home}, of user {expected} and closed to others; found one of "
            f"user {found.st_uid} with mode {stat.S_IMODE(found.st_mode):o}. Look at what it holds, then move it away."
        )


def _copied(binaries: PostgresBinaries, home: Path, owner: Owner) -> PostgresBinaries:
    """The binaries in the home, copied anew when the wheel's have changed."""
    original = (binaries.folder / "postgres").stat()
    site = home / f"binaries-{original.st_size}-{int(original.st_mtime)}"
    if not site.is_dir():
        fresh = home / "binaries.new"
        for old in home.glob("binaries[.-]*"):
            shutil.rmtree(old, ignore_errors=True)
        for tree in binaries.trees:
            shutil.copytree(binaries.site / tree, fresh / tree, symlinks=True)
        for part in (fresh, *fresh.rglob("*")):
            os.chown(part, owner.uid, owner.gid, follow_symlinks=False)
        fresh.rename(site)
    return PostgresBinaries(site)
