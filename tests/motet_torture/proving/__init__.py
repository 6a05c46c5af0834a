"""The proofs, one module for each row of the table."""

from collections.abc import Mapping

from motet_torture.proofs import Proof
from motet_torture.proving import clocks, disks, learners, lines, orchestrator, soak

PROOFS: Mapping[str, Proof] = {
    proof.name: proof
    for proof in (orchestrator.PROOF, lines.PROOF, disks.PROOF, clocks.PROOF, learners.PROOF, soak.PROOF)
}
