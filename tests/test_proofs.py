"""The kept proofs are those of the scripts that stand here."""

import json
from pathlib import Path

import pytest

from tests.proofs import PROOFS, ROOT, digest_of


@pytest.mark.parametrize("proof", sorted(PROOFS.glob("*.json")), ids=lambda path: path.stem)
def test_a_kept_proof_was_made_by_the_script_it_names(proof: Path) -> None:
    kept = json.loads(proof.read_text(encoding="utf-8"))
    script = ROOT / kept["script"]
    assert digest_of(script) == kept["script_sha256"], f"{kept['script']} has changed: run `make prove` again"
    assert kept["figures"]
