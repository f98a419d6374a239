"""Where the long proofs leave their figures, so that a page or a reader can cite them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROOFS = ROOT / "docs" / "proofs"


def digest_of(script: Path) -> str:
    return hashlib.sha256(script.read_bytes()).hexdigest()


def keep(name: str, script: str, figures: Mapping[str, object]) -> None:
    """Write the figures of a proof beside the digest of the script that found them."""
    path = Path(script).resolve()
    proof = {
        "script": str(path.relative_to(ROOT)),
        "script_sha256": digest_of(path),
        "figures": figures,
    }
    PROOFS.mkdir(exist_ok=True)
    (PROOFS / f"{name}.json").write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")
