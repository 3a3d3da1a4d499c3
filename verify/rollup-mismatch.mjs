// SPDX-License-Identifier: Apache-2.0
// A signed rollup that contradicts a sealed batch in its range, or whose data are none, or whose range
// no rollup may have.
import { hex, jsonU64, keccak256, main, refuse, signer, u64 } from "./common.mjs";
import { NotData, readRollup } from "./rollup-data.mjs";

const MAX_BATCHES = 16384n;
const ROLLUP = [
  ["uint64", "firstNumber"], ["uint64", "lastNumber"], ["bytes32", "firstParentHash"],
  ["bytes32", "lastHash"], ["bytes32", "protocolRoot"], ["uint64", "l1Number"],
  ["bytes32", "l1Hash"], ["bytes32", "dataHash"],
].map(([type, name]) => ({ type, name }));

function rollupOf(json) {
  const rollup = {};
  for (const { type, name } of ROLLUP) {
    rollup[name] = type === "uint64" ? u64(json[name], name) : hex(json[name], name, 32);
  }
  return rollup;
}

function differs(said, batch) {
  if (said.time !== batch.time) return "another time";
  if (said.term !== batch.term) return "another term";
  if (said.producer !== batch.producer) return "another producer";
  if (said.l1Number !== batch.l1Number) return "another L1 block";
  return said.txRoot === batch.txRoot ? null : "other transactions";
}

function lookAtData(rollup, batch, data) {
  const n = Number(rollup.lastNumber - rollup.firstNumber) + 1;
  let batches;
  if (keccak256(data) !== rollup.dataHash) {
    refuse("the data are not those that the rollup commits to");
  }
  try {
    batches = readRollup(data, n);
  } catch (error) {
    if (!(error instanceof NotData)) throw error;
    if (batch !== null) refuse("the data do not decode, so a batch proves nothing about them");
    return "has data that do not decode";
  }
  const said = batch === null ? null : batches[Number(batch.number - rollup.firstNumber)];
  const part = said === null ? null : differs(said, batch);
  if (part === null) refuse("the data of the rollup are in order");
  return `has ${part} in batch ${batch.number}`;
}

function lookAtEnds(rollup, batch) {
  const isLast = batch.number === rollup.lastNumber;
  if (batch.number === rollup.firstNumber && rollup.firstParentHash !== batch.parentHash) {
    return `begins on another parent than batch ${batch.number}`;
  }
  if (isLast && rollup.lastHash !== batch.hash) return `ends with another batch ${batch.number}`;
  if (isLast && rollup.protocolRoot !== batch.root) {
    return `has another protocol root after batch ${batch.number}`;
  }
  return refuse("the rollup and the batch do not contradict each other");
}

function look(evidence, rollup, material) {
  const isTooLong = rollup.lastNumber - rollup.firstNumber >= MAX_BATCHES;
  if (rollup.firstNumber === 0n || rollup.firstNumber > rollup.lastNumber) {
    refuse("the rollup has no range");
  }
  if (material.batch === null && material.data === null) {
    if (!isTooLong) refuse("neither a batch nor data are there to contradict it");
    return { batch: null, what: "names more batches than a rollup may hold" };
  }
  if (isTooLong) refuse("the rollup names more batches than one may hold: that is all");
  const data = material.data === null ? null : hex(material.data, "data");
  if (material.batch === null) return { batch: null, what: lookAtData(rollup, null, data) };
  const batch = evidence.open(material.batch, "the batch");
  if (batch.number < rollup.firstNumber || batch.number > rollup.lastNumber) {
    refuse("the batch is not in the rollup's range");
  }
  const what = data === null ? lookAtEnds(rollup, batch) : lookAtData(rollup, batch, data);
  return { batch, what };
}

main("rollup-mismatch", (evidence, material) => {
  const rollup = rollupOf(material.rollup);
  const signature = hex(material.rollup.signature, "signature", 65);
  const digest = evidence.digest("Rollup", ROLLUP, rollup);
  const enclave = signer(digest, signature);
  evidence.addSigner(enclave, null);
  const { batch, what } = look(evidence, rollup, material);
  const json = Object.fromEntries(ROLLUP.map(({ type, name }) =>
    [name, type === "uint64" ? jsonU64(rollup[name]) : rollup[name]]));
  return {
    finding: evidence.finding("rollup-mismatch", "operator", {
      evidence: digest, enclave, first: rollup.firstNumber, last: rollup.lastNumber,
      hash: rollup.lastHash, time: 0n,
      text: `the rollup of batches ${rollup.firstNumber} to ${rollup.lastNumber} ${what}`,
    }),
    rests: evidence.rests(rollup.lastNumber, "; and on L1, where the contract took this rollup"),
    material: {
      rollup: { ...json, signature }, batch: batch === null ? null : batch.json,
      data: material.data,
    },
  };
});
