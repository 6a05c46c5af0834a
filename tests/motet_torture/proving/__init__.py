"""The proofs, one module for each row of the table."""

from collections.abc import Mapping

from motet_torture.proofs import Proof
from motet_torture.proving import brokers, clocks, disks, estop, learners, lines, orchestrator, proxied, soak, stations

PROOFS: Mapping[str, Proof] = {
    proof.name: proof
    for proof in (
        orchestrator.PROOF,
        orchestrator.PROOF_REMOTE,
        stations.PROOF,
        brokers.PROOF,
        proxied.PROOF,
        lines.PROOF,
        disks.PROOF,
        clocks.PROOF,
        learners.PROOF,
        estop.PROOF,
        soak.PROOF,
    )
}
