// SPDX-License-Identifier: Apache-2.0
// A payload that came with the header of a sealed batch and that its seal does not cover.
import { concat, hex, keccak256, main, refuse, short } from "./common.mjs";

main("payload-edited", (evidence, material) => {
  const batch = evidence.open(material.batch, "the batch");
  const given = hex(material.given, "given");
  const root = keccak256(concat([batch.parentRoot, keccak256(given)]));
  if (root === batch.root) refuse("the payload that was given is the sealed one");
  return {
    finding: evidence.finding("payload-edited", "peer", {
      evidence: keccak256(concat([batch.hash, root])),
      first: batch.number, last: batch.number, hash: batch.hash, time: 0n,
      text: `a peer gave batch ${batch.number} (${short(batch.hash)}) with a protocol payload that ` +
        "is not the one sealed: it was edited",
    }),
    rests: evidence.rests(batch.number),
    material: { batch: batch.json, given },
  };
});
