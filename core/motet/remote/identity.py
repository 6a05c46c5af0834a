"""Who an orchestrator is: the same after a restart, another one for another store."""

import secrets
from pathlib import Path

from motet.errors import StoreError


def orchestrator_id(store: Path | None) -> str:
    """The id that belongs to a store, kept beside it; to be asked for before the store is made. A new one where there
    is no store yet, since job ids count anew in a new store. Raises StoreError when it cannot be kept."""
    if store is None:
        return secrets.token_hex(8)
    path = store.with_name(f"{store.name}.id")
    try:
        known = path.read_text().strip() if path.exists() and store.exists() else ""
        if not known:
            known = secrets.token_hex(8)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(known + "\n")
    except OSError as error:
        raise StoreError(f"{path}: the id of this store cannot be kept: {error.strerror}") from error
    return known
