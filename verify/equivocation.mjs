// SPDX-License-Identifier: Apache-2.0
// Two seals for one number on one parent, over different batch hashes or protocol roots.
import { concat, keccak256, main, refuse, short } from "./common.mjs";

main("equivocation", (evidence, material) => {
  const one = evidence.open(material.batch, "the batch");
  const other = evidence.open(material.other, "the other batch");
  if (one.number !== other.number || one.parentHash !== other.parentHash ||
      one.parentRoot !== other.parentRoot) {
    refuse("the two batches are not for one number on one parent");
  }
  if (one.hash === other.hash && one.root === other.root) {
    refuse("both seals are for the same batch");
  }
  const text = one.hash === other.hash
    ? `batch ${one.number} (${short(one.hash)}) was sealed twice, with two different protocol ` +
      `payloads, by enclave ${short(other.producer)}`
    : `there are two sealed batches ${one.number}: ${short(one.hash)} in the chain, and ` +
      `${short(other.hash)} of term ${other.term} by enclave ${short(other.producer)}`;
  return {
    finding: evidence.finding("equivocation", "operator", {
      evidence: keccak256(concat([other.hash, other.root])), enclave: other.producer,
      first: other.number, last: other.number, hash: other.hash, time: other.time, text,
    }),
    rests: evidence.rests(one.number),
    material: { batch: one.json, other: other.json },
  };
});
