// SPDX-License-Identifier: Apache-2.0
// What the checkers of evidence share. Written from docs/evidence.md and docs/protocol.md with ethers
// alone: no line of the programs' code is in it, so that nobody need trust that.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  TypedDataEncoder, concat, decodeRlp, dataLength, encodeRlp, keccak256, recoverAddress, toBeHex,
} from "ethers";

const MAX_FILE = 64 * 1024 * 1024;
const MAX_GRANTS = 16;
const PARAMETERS = [
  "batchInterval", "reportEvery", "maxReportLag", "maxL1Age", "maxBatchBytes", "maxTxBytes",
  "batchGasLimit", "baseFee", "grantQuorum", "maxSilence",
];
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const U64 = (1n << 64n) - 1n;

const HEADER = [
  ["bytes32", "parentHash"], ["uint64", "number"], ["uint64", "time"], ["uint64", "term"],
  ["address", "producer"], ["uint64", "l1Number"], ["bytes32", "l1Hash"], ["bytes32", "txRoot"],
  ["bytes32", "stateRoot"],
].map(([type, name]) => ({ type, name }));
const SEAL = [["bytes32", "batchHash"], ["bytes32", "protocolRoot"]]
  .map(([type, name]) => ({ type, name }));

export class Refused extends Error {}

class Unreadable extends Error {}

export function refuse(why) {
  throw new Refused(why);
}

// ---- values ----------------------------------------------------------------------------------

// Numbers up to 2^53 are JSON numbers, greater ones decimal strings.
export function u64(value, what) {
  const isNumber = Number.isInteger(value) && value >= 0 && value <= 2 ** 53;
  const isText = typeof value === "string" && /^[1-9][0-9]{15,19}$/.test(value);
  if (!isNumber && !isText) refuse(`${what} is no number`);
  const number = BigInt(value);
  if (number > U64 || (isText && number <= 2n ** 53n)) refuse(`${what} is out of range`);
  return number;
}

export function jsonU64(number) {
  return number <= 2n ** 53n ? Number(number) : number.toString();
}

export function hex(value, what, bytes) {
  if (typeof value !== "string" || !/^0x([0-9a-f]{2})*$/.test(value) ||
      (bytes !== undefined && value.length !== 2 + 2 * bytes)) {
    refuse(`${what} is not ${bytes === undefined ? "" : `${bytes} bytes of `}hexadecimal`);
  }
  return value;
}

const minimal = (number) => (number === 0n ? "0x" : toBeHex(number));
export const short = (value) => value.slice(0, 10);

export function rlp(value, what) {
  try {
    return decodeRlp(value);
  } catch {
    return refuse(`${what} is no RLP`);
  }
}

export function signer(digest, signature) {
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.slice(130);
  if (s > HALF_ORDER || (v !== "1b" && v !== "1c")) refuse("a signature has a high s, or no v");
  try {
    return recoverAddress(digest, signature).toLowerCase();
  } catch {
    return refuse("a signature does not recover");
  }
}

// Equal whatever the order of members.
function same(a, b) {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

// ---- the file --------------------------------------------------------------------------------

function read(path) {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error("it is no file");
    if (stat.size > MAX_FILE) throw new Error(`it is longer than ${MAX_FILE} bytes`);
    return readFileSync(path);
  } catch (error) {
    throw new Unreadable(error.message.replace(/^[A-Z]+: |, [a-z]+ '[^]*$/g, ""));
  }
}

// JSON.parse forgives what two readers may read in two ways: a member that stands twice, escapes,
// numbers such as 1e3.
function parse(path) {
  const bytes = read(path);
  if (!bytes.includes('"tenseq-evidence"')) {
    refuse('it is no file of evidence: nowhere in it stands "tenseq-evidence"');
  }
  let text;
  let value;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return refuse("it is not whole JSON");
  }
  if (text.includes("\\")) refuse("it holds a backslash");
  const bare = text.replace(/"[^"]*"/g, '""');
  if (/[0-9][.eE]|-[0-9]/.test(bare)) refuse("it holds a number that is not whole");
  const count = (v) => (v === null || typeof v !== "object" ? 0
    : Object.values(v).reduce((n, x) => n + count(x), Array.isArray(v) ? 0 : Object.keys(v).length));
  if ((bare.match(/:/g) ?? []).length !== count(value)) refuse("a member stands twice");
  return value;
}

// ---- the network -----------------------------------------------------------------------------

function genesisOf(g) {
  const number = (name) => u64(g[name], `genesis.${name}`);
  const list = g.whitelist.map((id) => hex(id, "whitelist", 20));
  const accounts = Object.keys(g.alloc).sort();
  const amount = (account) => {
    const text = g.alloc[account];
    if (typeof text !== "string" || !/^(0|[1-9][0-9]*)$/.test(text)) refuse("alloc: no amount");
    return BigInt(text);
  };
  if (g.version !== 1) refuse("the genesis is of another version");
  if (list.length === 0 || list.some((id, i) => i > 0 && list[i - 1] >= id)) {
    refuse("the genesis' whitelist is not ascending");
  }
  const fields = [
    minimal(1n), minimal(number("l1ChainId")), hex(g.contract, "contract", 20),
    minimal(number("chainId")), minimal(number("time")), minimal(number("l1Number")),
    hex(g.l1Hash, "l1Hash", 32), list,
    accounts.map((account) => [hex(account, "alloc", 20), minimal(amount(account))]),
    hex(g.coinbase, "coinbase", 20), ...PARAMETERS.map((name) => minimal(number(name))),
  ];
  const known = 10 + PARAMETERS.length;
  if (Object.keys(g).length !== known) refuse("the genesis has a member that is none");
  return {
    hash: keccak256(encodeRlp(fields)), whitelist: list, l1ChainId: number("l1ChainId"),
    chainId: number("chainId"), contract: g.contract, json: g,
  };
}

function networkJson(genesis) {
  return {
    genesisHash: genesis.hash,
    chainId: jsonU64(genesis.chainId),
    domain: {
      name: "tenseq", version: "1", chainId: jsonU64(genesis.l1ChainId),
      verifyingContract: genesis.contract, salt: genesis.hash,
    },
    genesis: genesis.json,
  };
}

// ---- protocol payloads -----------------------------------------------------------------------

const MAX_TRANSITIONS = 1024;
const MAX_LIST = 64;
const MAX_NOTICES = 16;
const MAX_NOTICE = 8 * 1024;
const MAX_NOTICE_BYTES = 32 * 1024;

// What an item of RLP may be: a string of so many bytes, an unsigned integer, a list of such.
const isText = (item) => typeof item === "string";
const fixed = (bytes) => (item) => isText(item) && dataLength(item) === bytes;
const uint = (bytes) => (item) => isText(item) && dataLength(item) <= bytes && !item.startsWith("0x00");
const many = (is, max) => (item) => Array.isArray(item) && item.length <= max && item.every((x) => is(x));
const tuple = (...are) => (item) =>
  Array.isArray(item) && item.length === are.length && are.every((is, i) => is(item[i]));

const isId = fixed(20);
const isHash = fixed(32);
const isNumber = uint(8);
const isTransition = tuple(uint(1), isId, isHash, isHash, isNumber, isHash, isNumber, isNumber, isHash,
  isNumber, fixed(65));
const isReport = tuple(isId, isHash, isNumber, isHash, isNumber, isHash, isHash, isNumber, fixed(65));
const isNotice = tuple(isNumber, (item) => isText(item) && dataLength(item) <= MAX_NOTICE);
const isPayload = tuple(many(isTransition, MAX_TRANSITIONS), many(isReport, MAX_LIST),
  many(isId, MAX_LIST), many(isNotice, MAX_NOTICES));
const isChange = tuple(isNumber, isHash, many(isId, MAX_LIST), many(isId, MAX_LIST));

export const ascends = (list) => list.every((id, i) => i === 0 || list[i - 1] < id);

// The items, or undefined when they are not what is says, or the bytes not the only ones for them.
function canonical(bytes, is) {
  try {
    const items = decodeRlp(bytes);
    return is(items) && encodeRlp(items) === bytes ? items : undefined;
  } catch {
    return undefined;
  }
}

// {reports, absent, notices}, or undefined: it is no payload.
export function payloadOf(bytes) {
  const [, reports, absent, notices] = canonical(bytes, isPayload) ?? [];
  const size = (notices ?? []).reduce((sum, [, body]) => sum + dataLength(body), 0);
  return notices === undefined || size > MAX_NOTICE_BYTES ? undefined : { reports, absent, notices };
}

// Whom its first whitelist notice lists and removes; nobody when there is none in good form.
function changeOf(bytes) {
  const notice = payloadOf(bytes)?.notices.find(([type]) => type === "0x01");
  const [, , added, removed] = (notice && canonical(notice[1], isChange)) ?? [0, 0, [], []];
  const isGood = ascends(added) && ascends(removed) && !added.some((id) => removed.includes(id));
  return isGood ? { added, removed } : { added: [], removed: [] };
}

// ---- one piece of evidence --------------------------------------------------------------------

export class Evidence {
  constructor(file) {
    this.genesis = genesisOf(file.network.genesis);
    this.domain = {
      name: "tenseq", version: "1", chainId: this.genesis.l1ChainId,
      verifyingContract: this.genesis.contract, salt: this.genesis.hash,
    };
    this.signers = new Map(); // id → number of the batch that listed it, 0n: the genesis
    this.grants = [];
    for (const [i, grant] of file.material.grants.entries()) this.addGrant(grant, i + 1);
  }

  digest(name, fields, value) {
    return TypedDataEncoder.hash(this.domain, { [name]: fields }, value);
  }

  // A batch without its transactions: hash, root, and that its producer sealed both.
  sealed(s, what) {
    const header = {};
    for (const { type, name } of HEADER) {
      const value = s.header[name];
      if (type === "uint64") header[name] = u64(value, name);
      else header[name] = hex(value, name, type === "address" ? 20 : 32);
    }
    const payload = hex(s.payload, "payload");
    const payloadHash = keccak256(payload);
    const hash = this.digest("BatchHeader", HEADER, header);
    const root = keccak256(concat([hex(s.parentRoot, "parentRoot", 32), payloadHash]));
    if (header.number === 0n) refuse(`${what} has the number 0`);
    const seal = hex(s.seal, "seal", 65);
    const digest = this.digest("BatchSeal", SEAL, { batchHash: hash, protocolRoot: root });
    if (signer(digest, seal) !== header.producer) {
      refuse(`the seal of ${what} is not its producer's over this header, payload and network`);
    }
    const json = {
      hash, protocolRoot: root,
      header: Object.fromEntries(HEADER.map(({ type, name }) =>
        [name, type === "uint64" ? jsonU64(header[name]) : header[name]])),
      parentRoot: s.parentRoot, payloadHash, payload, seal,
    };
    return { ...header, hash, root, payload, parentRoot: s.parentRoot, json };
  }

  addGrant(grant, place) {
    const what = `grant ${place}`;
    if (place > MAX_GRANTS) refuse("there are too many grants");
    const batch = this.sealed(grant, what);
    const last = this.grants.at(-1);
    if (last !== undefined && batch.number <= last.batch.number) {
      refuse(`${what} does not stand behind the one before it`);
    }
    const { added, removed } = changeOf(batch.payload);
    if (added.length === 0) refuse(`the payload of ${what} lists nobody`);
    // A change of the whole list is announced by one of the new enclaves: then L1 must be asked.
    const isOwn = added.includes(batch.producer);
    const by = this.listedBy(batch.producer, batch.number);
    if (isOwn ? this.genesis.l1ChainId === 0n : by === undefined) {
      refuse(`nobody that was listed before sealed ${what}`);
    }
    this.grants.push({ batch, added, removed, by: isOwn ? undefined : by });
  }

  // Every grant listed a signer, or the producer of a later grant that is needed.
  checkGrantsAreNeeded() {
    const needed = new Set(this.signers.values());
    for (const { batch, by } of [...this.grants].reverse()) {
      if (!needed.has(batch.number)) refuse("a grant lists nobody that counts");
      needed.add(by);
    }
  }

  // The number of the batch that listed an enclave, 0n for the genesis; undefined: not listed.
  listedBy(id, number) {
    let by = this.genesis.whitelist.includes(id) ? 0n : undefined;
    for (const { batch, added, removed } of this.grants) {
      if (number !== null && batch.number > number) break;
      if (added.includes(id)) by = batch.number;
      else if (number !== null && batch.number < number && removed.includes(id)) by = undefined;
    }
    return by;
  }

  // Notes who signed; number null: it is enough that it was ever listed.
  addSigner(id, number) {
    const by = this.listedBy(id, number);
    if (by === undefined) {
      refuse(`enclave ${id} signed it, and neither the genesis nor a grant lists that one`);
    }
    if (!this.signers.has(id)) this.signers.set(id, by);
  }

  open(s, what) {
    const batch = this.sealed(s, what);
    this.addSigner(batch.producer, batch.number);
    return batch;
  }

  rests(number, more = "") {
    const who = [...this.signers].map(([id, by]) =>
      `enclave ${id} ${by === 0n ? "stands in the genesis" : `was listed by batch ${by}`}`);
    const own = this.grants.filter(({ by }) => by === undefined).map(({ batch }) => batch.number);
    const onL1 = own.length === 0 ? "" : "; and on L1, where the contract lists who sealed batch " +
      `${own.join(", ")}, by which he was listed himself`;
    return `the whitelist of the chain at batch ${number}: ${who.join(", ")}` +
      `; that none of them was removed before shows in the chain${onL1}${more}`;
  }

  finding(name, about, { evidence, enclave, first, last, hash, time, text }) {
    return {
      name, severity: "proof", about, state: "once", serial: null, evidence,
      enclave: enclave ?? null, first: jsonU64(first), last: jsonU64(last), hash,
      time: jsonU64(time), count: 0, text,
    };
  }
}

// check(evidence, material) gives {finding, rests, material}: what is proven, and what the file must
// then hold. Every member of the file must be the one that follows, so nothing else can be said in it.
function verify(kind, check, path) {
  const file = parse(path);
  if (file === null || typeof file !== "object" || file.format !== "tenseq-evidence") {
    refuse("it is no evidence");
  }
  if (file.version !== 1) refuse("it is of another version");
  if (file.kind !== kind) refuse(`it is evidence of ${file.kind}, not of ${kind}`);
  const evidence = new Evidence(file);
  const { finding, rests, material } = check(evidence, file.material);
  evidence.checkGrantsAreNeeded();
  material.grants = evidence.grants.map(({ batch }) => batch.json);
  const whole = {
    format: "tenseq-evidence", version: 1, kind, id: finding.evidence, finding, rests,
    network: networkJson(evidence.genesis), material,
  };
  for (const name of Object.keys(file)) {
    if (!same(file[name], whole[name])) refuse(`${name} is not what the material gives`);
  }
  if (!same(file, whole)) refuse("a member is missing");
  return { finding, rests, genesis: evidence.genesis };
}

// As tenseq verify says it.
function tell(path, { finding, rests, genesis }) {
  const isOpen = rests.includes("; and on L1");
  const about = finding.about === "peer" ? "a peer, and nothing about the operator" : "the operator";
  console.log(`${path}: proven${isOpen ? " if L1 says so" : ""}, about ${about}: ${finding.name}\n` +
    `  ${finding.text}\n  rests on ${rests}`);
  if (isOpen) {
    console.log("  L1 was not asked: what the file says of it nobody has signed. " +
      "tenseq verify --l1 URL asks");
  }
  console.log(`  network ${genesis.hash} (chain id ${genesis.chainId})`);
}

// Of a file that only the checkers use.
export function isNoChecker(url) {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  console.error("this checks nothing by itself: node verify/KIND.mjs FILE..., where KIND is " +
    "equivocation, payload-edited, whitelist-mismatch or rollup-mismatch");
  process.exitCode = 2;
}

// What each script does: exit 0 when every file is proven, 1 when one is not, 2 on wrong usage or
// when one cannot be read.
export function main(kind, check) {
  const paths = process.argv.slice(2);
  if (paths.length === 0) {
    console.error(`usage: node verify/${kind}.mjs FILE...`);
    process.exitCode = 2;
    return;
  }
  let code = 0;
  for (const path of paths) {
    try {
      tell(path, verify(kind, check, path));
    } catch (error) {
      const isUnreadable = error instanceof Unreadable;
      const why = isUnreadable || error instanceof Refused ? error.message
        : `it is malformed (${error.message.split("\n")[0]})`;
      if (isUnreadable) console.error(`${path}: cannot be read: ${why}`);
      else console.log(`${path}: not proven: ${why}`);
      code = Math.max(code, isUnreadable ? 2 : 1);
    }
  }
  process.exitCode = code;
}

isNoChecker(import.meta.url);

export { concat, dataLength, encodeRlp, keccak256 };
