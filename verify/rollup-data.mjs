// SPDX-License-Identifier: Apache-2.0
// The data of a rollup, column by column, as docs/protocol.md tells them (section 6).
import { brotliDecompressSync } from "node:zlib";
import { encodeRlp, getBytes, hexlify, keccak256, toBeHex } from "ethers";
import { isNoChecker } from "./common.mjs";

isNoChecker(import.meta.url);

const MAX_BATCHES = 16384;
const MAX_DATA = 120000;
const MAX_SINGLE = 16 * 1024 * 1024;
const MAX_RAW = 24 * 1024 * 1024;
const MAX_TXS = 1 << 18;
const MAX_SHIFT = 62n;
const U64 = (1n << 64n) - 1n;
const CHAIN_MAX = (U64 - 36n) / 2n;
const NAMES = [
  "time", "term", "producer", "l1", "count", "kind", "chain", "nonce", "tip", "tipBytes", "fee",
  "feeBytes", "gas", "to", "toBytes", "value", "valueBytes", "data", "dataBytes", "access",
  "accessBytes", "parity", "signature", "raw", "rawBytes",
];
const FIRST = 5; // columns that are always there

export class NotData extends Error {}

function fail(why) {
  throw new NotData(why);
}

const u64 = (v) => v & U64;
const unzigzag = (v) => u64((v >> 1n) ^ ((v & 1n) === 1n ? U64 : 0n));

class Column {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.zeros = 0n;
    this.wasZeros = false;
  }

  byte() {
    if (this.at >= this.bytes.length) fail("a column ends too soon");
    return this.bytes[this.at++];
  }

  more(shift) {
    let v = 0n;
    for (let at = shift; ; at += 7n) {
      const byte = this.byte();
      const part = BigInt(byte & 0x7f);
      if (at > 63n || (part << at) > U64) fail("a number is too large");
      if (byte === 0) fail("a number is not the shortest");
      v |= part << at;
      if (byte < 0x80) return v;
    }
  }

  varint() {
    const first = this.byte();
    return BigInt(first & 0x7f) | (first >= 0x80 ? this.more(7n) : 0n);
  }

  // The next number; runs of zeros are told by their length.
  next() {
    if (this.zeros > 0n) {
      this.zeros--;
      return 0n;
    }
    const first = this.byte();
    const isRun = (first & 1) === 1;
    const v = BigInt((first >> 1) & 0x3f) | (first >= 0x80 ? this.more(6n) : 0n);
    if (isRun ? this.wasZeros : v === 0n) fail("a column is not the shortest");
    this.wasZeros = isRun;
    this.zeros = isRun ? v : 0n;
    return isRun ? 0n : v;
  }

  take(n) {
    if (BigInt(n) > BigInt(this.bytes.length - this.at)) fail("a column ends too soon");
    this.at += Number(n);
    return this.bytes.subarray(this.at - Number(n), this.at);
  }

  end() {
    if (this.at !== this.bytes.length || this.zeros !== 0n) fail("a column has more than it should");
  }
}

function decompress(bytes, size) {
  let out;
  try {
    out = brotliDecompressSync(bytes, { maxOutputLength: size, info: true });
  } catch {
    fail("a column does not decompress");
  }
  if (out.buffer.length !== size || out.engine.bytesWritten !== bytes.length) {
    fail("a column decompresses to another size");
  }
  return out.buffer;
}

class Data {
  constructor(hex) {
    this.in = new Column(getBytes(hex));
    this.room = BigInt(MAX_RAW);
    this.columns = Object.fromEntries(NAMES.map((name) => [name, new Column(new Uint8Array())]));
  }

  open(names) {
    for (const name of names) {
      const head = this.in.varint();
      const isSqueezed = (head & 1n) === 1n;
      const size = isSqueezed ? this.in.varint() : head >> 1n;
      const bytes = this.in.take(head >> 1n);
      if (size > this.room) fail("the columns are too long");
      if (isSqueezed && size <= head >> 1n) fail("a column is compressed in vain");
      this.room -= size;
      this.columns[name] = new Column(isSqueezed ? decompress(bytes, Number(size)) : bytes);
    }
  }

  next(name) {
    return this.columns[name].next();
  }
}

// ---- batches ---------------------------------------------------------------------------------

function readTimes(column, batches) {
  let at = column.varint();
  const step = column.varint();
  const shift = column.varint();
  if (shift > MAX_SHIFT) fail("the times are none");
  batches[0].time = at;
  for (const batch of batches.slice(1)) {
    const off = unzigzag(column.next());
    const isEarly = off >> 63n === 1n;
    const part = (isEarly ? u64(-off) : off) >> shift;
    batch.time = u64(at + step + off);
    at = u64(at + step + (isEarly ? -part : part));
  }
}

function readProducers(column, batches) {
  const n = column.varint();
  if (n === 0n || n > BigInt(batches.length)) fail("the producers are none");
  const list = column.take(n * 20n);
  let last = 0n;
  let seen = 1n;
  for (const batch of batches) {
    const token = column.next();
    const at = token === 0n ? last : token - 1n;
    if (at >= n || at > seen || (token !== 0n && at === last)) fail("the producers are in disorder");
    if (at === seen) seen++;
    batch.producer = hexlify(list.subarray(Number(at) * 20, Number(at) * 20 + 20));
    last = at;
  }
  if (seen !== n) fail("a producer made no batch");
}

function readBatches(data, n) {
  const batches = Array.from({ length: n }, () => ({}));
  let term = 0n;
  let l1Number = 0n;
  let txs = 0n;
  readTimes(data.columns.time, batches);
  readProducers(data.columns.producer, batches);
  for (const batch of batches) {
    term = u64(term + unzigzag(data.next("term")));
    l1Number = u64(l1Number + unzigzag(data.next("l1")));
    Object.assign(batch, { term, l1Number });
  }
  for (const batch of batches) {
    const count = data.next("count");
    txs += count;
    if (txs > BigInt(MAX_TXS)) fail("there are too many transactions");
    batch.count = Number(count);
  }
  return { batches, txs };
}

// ---- transactions ----------------------------------------------------------------------------

const minimal = (v) => (v === 0n ? "0x" : toBeHex(v));

function trimmed(bytes) {
  const at = bytes.findIndex((byte) => byte !== 0);
  return hexlify(at < 0 ? new Uint8Array() : bytes.subarray(at));
}

class Transactions {
  constructor(data) {
    this.data = data;
    this.kind = 2;
    this.fields = {
      chain: 0n, nonce: 0n, tip: "0x", fee: "0x", gas: 21000n, value: "0x", access: new Uint8Array(),
    };
    this.parities = 0;
    this.n = 0;
    this.room = MAX_RAW;
    this.addresses = data.columns.toBytes;
    const mode = data.columns.nonce.take(1)[0];
    if (mode > 1) fail("the nonces are none");
    this.nonceSteps = mode === 1;
  }

  number(name) {
    const token = this.data.next(name);
    if (token === 0n) return;
    if (token > 33n) fail("an amount is too long");
    this.fields[name] = hexlify(this.data.columns[`${name}Bytes`].take(token - 1n));
  }

  string(name) {
    return this.data.columns[`${name}Bytes`].take(this.data.next(name));
  }

  recipient() {
    const token = this.data.next("to");
    if (token === 1n) return "0x";
    if (token === 0n) return hexlify(this.addresses.take(20));
    const at = token - 2n;
    if (at >= BigInt(Math.floor(this.addresses.at / 20))) fail("a recipient is none");
    return hexlify(this.addresses.bytes.subarray(Number(at) * 20, Number(at) * 20 + 20));
  }

  parity() {
    if (this.n % 8 === 0) this.parities = this.data.columns.parity.take(1)[0];
    const bit = this.parities & 1;
    this.parities >>= 1;
    this.n++;
    return BigInt(bit);
  }

  // Bytes of a transaction of which the fields are known.
  typed() {
    const f = this.fields;
    const isLegacy = this.kind === 0;
    f.chain = u64(f.chain + unzigzag(this.data.next("chain")));
    const nonce = this.data.next("nonce");
    f.nonce = this.nonceSteps ? u64(f.nonce + unzigzag(nonce)) : nonce;
    if (this.kind === 2) this.number("tip");
    this.number("fee");
    f.gas = u64(f.gas + unzigzag(this.data.next("gas")));
    const to = this.recipient();
    this.number("value");
    const input = hexlify(this.string("data"));
    if (!isLegacy) f.access = this.string("access");
    const parity = this.parity();
    const signature = this.data.columns.signature.take(64);
    if (f.chain > CHAIN_MAX) fail("a chain id is too large");
    const items = [
      ...(isLegacy ? [] : [minimal(f.chain)]), minimal(f.nonce), ...(this.kind === 2 ? [f.tip] : []),
      f.fee, minimal(f.gas), to, f.value, input,
    ].map(encodeRlp);
    if (!isLegacy) items.push(list([hexlify(f.access)]));
    items.push(...[
      minimal(isLegacy ? 35n + 2n * f.chain + parity : parity),
      trimmed(signature.subarray(0, 32)), trimmed(signature.subarray(32)),
    ].map(encodeRlp));
    return `${isLegacy ? "0x" : `0x0${this.kind}`}${list(items).slice(2)}`;
  }

  next() {
    this.kind = Number((BigInt(this.kind) + this.data.next("kind")) & 3n);
    const raw = this.kind === 3 ? hexlify(this.string("raw")) : this.typed();
    this.room -= (raw.length - 2) / 2;
    if (this.room < 0) fail("the transactions are too long");
    return raw;
  }

  end() {
    if (this.parities !== 0) fail("a parity is left over");
  }
}

// An RLP list of items that are encoded already.
function list(items) {
  const body = items.map((item) => item.slice(2)).join("");
  const n = body.length / 2;
  if (n < 56) return `0x${(0xc0 + n).toString(16)}${body}`;
  const size = toBeHex(n).slice(2);
  return `0x${(0xf7 + size.length / 2).toString(16)}${size}${body}`;
}

// ---- the whole -------------------------------------------------------------------------------

export function readRollup(hex, n) {
  const length = (hex.length - 2) / 2;
  if (n < 1 || n > MAX_BATCHES || length > (n === 1 ? MAX_SINGLE : MAX_DATA)) fail("too long");
  const data = new Data(hex);
  if (data.in.byte() !== 1) fail("the version is unknown");
  data.open(NAMES.slice(0, FIRST));
  const { batches, txs } = readBatches(data, n);
  if (txs > 0n) {
    data.open(NAMES.slice(FIRST));
    const reader = new Transactions(data);
    for (const batch of batches) {
      batch.txs = Array.from({ length: batch.count }, () => reader.next());
    }
    reader.end();
  }
  data.in.end();
  for (const column of Object.values(data.columns)) column.end();
  for (const batch of batches) batch.txRoot = keccak256(encodeRlp(batch.txs ?? []));
  return batches;
}
