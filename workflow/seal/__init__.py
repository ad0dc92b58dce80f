"""The seal of a log: a Merkle tree over its events, checkpoints signed by keys, and proofs that anybody can check.

A proof that does not hold raises `ProofRefused`; one that holds returns nothing.
"""

from workflow.seal.proof import ProofRefused, verify_consistency, verify_inclusion
from workflow.seal.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash, root_of

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "ProofRefused",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]
