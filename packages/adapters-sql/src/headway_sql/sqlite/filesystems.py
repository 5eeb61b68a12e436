"""Where SQLite's locks do not hold: file systems of other machines."""

from pathlib import Path

from headway_core.kernel.errors import InvalidInput

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "ncpfs"}
)


def refuse_network_file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """`InvalidInput("database")` when the path lies on one, as far as this machine tells."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return
    kinds = {_unescaped(fields[1]): fields[2] for line in lines if len(fields := line.split()) > 2}  # noqa: PLR2004  device, place, kind
    real = path.resolve()
    nearest = next((kinds[str(p)] for p in (real, *real.parents) if str(p) in kinds), "")
    if nearest in NETWORK_FILE_SYSTEMS:
        raise InvalidInput("database", f"{path} lies on a network file system ({nearest}), where locks fail")


def _unescaped(text: str) -> str:
    return text.encode().decode("unicode_escape") if "\\" in text else text
