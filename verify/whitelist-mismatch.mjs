// SPDX-License-Identifier: Apache-2.0
// A sealed batch that names an L1 block which is not L1's, or that accounts for other enclaves than
// the contract lists after the block it names.
import {
  ascends, concat, dataLength, hex, jsonU64, keccak256, main, payloadOf, refuse, rlp, short,
} from "./common.mjs";

const MAX_LIST = 64;
const MAX_HEADER = 4096;

const missing = (of, from) => of.filter((id) => !from.includes(id)).length;

function numberOf(header) {
  const items = rlp(header, "the L1 header");
  const isHeader = Array.isArray(items) && items.length >= 12 && dataLength(header) <= MAX_HEADER &&
    [0, 8, 11].every((i) => typeof items[i] === "string") && dataLength(items[0]) === 32 &&
    [8, 11].every((i) => dataLength(items[i]) <= 8 && !items[i].startsWith("0x00"));
  if (!isHeader) refuse("the header of the L1 block does not decode");
  return items[8] === "0x" ? 0n : BigInt(items[8]);
}

// Who reports, and who is listed absent: all who are whitelisted after the batch.
function accounted(payload) {
  const { reports, absent } = payloadOf(payload) ?? refuse("the payload does not decode");
  const list = [...reports.map(([id]) => id), ...absent];
  if (reports.length === 0 || list.length > MAX_LIST) {
    refuse("the batch does not account for the whitelist");
  }
  if (!ascends(reports.map(([id]) => id)) || !ascends(absent) || !ascends(list.sort())) {
    refuse("the batch accounts for an enclave twice, or in disorder");
  }
  return list;
}

main("whitelist-mismatch", (evidence, material) => {
  const batch = evidence.open(material.batch, "the batch");
  const header = hex(material.l1.header, "l1.header");
  const number = numberOf(header);
  const hash = keccak256(header);
  const chain = evidence.genesis.l1ChainId;
  if (number !== batch.l1Number) refuse("the L1 header is of another block than the batch names");
  let text;
  let rests;
  let list = null;
  if (hash !== batch.l1Hash) {
    text = `batch ${batch.number} (${short(batch.hash)}) names L1 block ${number} with the hash ` +
      `${short(batch.l1Hash)}, and on L1 that block is ${short(hash)}`;
    rests = `; and on L1, where block ${number} of chain ${chain} is ${hash}`;
  } else {
    const after = accounted(batch.payload);
    list = material.l1.whitelist.map((id) => hex(id, "l1.whitelist", 20));
    if (list.length > MAX_LIST || !ascends(list)) refuse("L1's list is not ascending");
    if (after.join() === list.join()) refuse("the batch and L1 agree");
    text = `the whitelist after batch ${batch.number} (${short(batch.hash)}) is not that of L1 ` +
      `block ${number}, which it names: ${missing(after, list)} that L1 does not list, ` +
      `${missing(list, after)} of L1 left out`;
    rests = `; and on L1, where the contract lists ${list.length} enclaves after block ${number} ` +
      `of chain ${chain}, those named here`;
  }
  return {
    finding: evidence.finding("whitelist-mismatch", "operator", {
      evidence: keccak256(concat([keccak256(concat([batch.hash, batch.root])), hash])),
      enclave: batch.producer, first: batch.number, last: batch.number, hash: batch.hash,
      time: batch.time, text,
    }),
    rests: evidence.rests(batch.number, rests),
    material: {
      batch: batch.json, l1: { number: jsonU64(number), hash, header, whitelist: list },
    },
  };
});
