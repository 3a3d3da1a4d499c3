/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a block from the members of the answer, in the order of the yellow paper and of the
 * forks after it: London (EIP-1559), Shanghai (4895), Cancun (4844, 4788), Prague (7685). Its hash
 * shows whether the members are the header's. */
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "l1/json_read.h"

#define MAX_EXTRA 2048 /* bytes of extraData; Ethereum has 32, chains of authority more */
#define BLOOM     256

static void put_hash_of(struct ts_l1_reading *r, const json_t *block, const char *name,
                        struct ts_buf *b)
{
    ts_hash h;
    ts_l1_get_hash(r, block, name, &h);
    ts_put_hash(b, &h);
}

static void put_fixed_of(struct ts_l1_reading *r, const json_t *block, const char *name, size_t n,
                         struct ts_buf *b)
{
    uint8_t p[BLOOM];
    ts_l1_take_fixed(r, json_object_get(block, name), name, p, n);
    ts_put_bytes(b, ts_bytes_of(p, n));
}

static void put_number_of(struct ts_l1_reading *r, const json_t *block, const char *name,
                          struct ts_buf *b)
{
    const ts_u256 v = ts_l1_take_u256(r, json_object_get(block, name), name);
    ts_put_u256(b, &v);
}

static void put_frontier(struct ts_l1_reading *r, const json_t *block, struct ts_buf *b)
{
    put_hash_of(r, block, "parentHash", b);
    put_hash_of(r, block, "sha3Uncles", b);
    put_fixed_of(r, block, "miner", sizeof(ts_address), b);
    put_hash_of(r, block, "stateRoot", b);
    put_hash_of(r, block, "transactionsRoot", b);
    put_hash_of(r, block, "receiptsRoot", b);
    put_fixed_of(r, block, "logsBloom", BLOOM, b);
    put_number_of(r, block, "difficulty", b);
    put_number_of(r, block, "number", b);
    put_number_of(r, block, "gasLimit", b);
    put_number_of(r, block, "gasUsed", b);
    put_number_of(r, block, "timestamp", b);
    ts_put_bytes(b, ts_l1_get_bytes(r, block, "extraData", MAX_EXTRA));
    put_hash_of(r, block, "mixHash", b);
    put_fixed_of(r, block, "nonce", 8, b);
}

/* Members that a fork added are there from that fork on. */
static void put_later(struct ts_l1_reading *r, const json_t *block, struct ts_buf *b)
{
    static const struct {
        const char *name;
        bool is_number;
    } later[] = {
        {"baseFeePerGas", true}, {"withdrawalsRoot", false},       {"blobGasUsed", true},
        {"excessBlobGas", true}, {"parentBeaconBlockRoot", false}, {"requestsHash", false},
    };
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (!ts_l1_has(block, later[i].name))
            continue;
        if (later[i].is_number)
            put_number_of(r, block, later[i].name, b);
        else
            put_hash_of(r, block, later[i].name, b);
    }
}

static void keep_header(struct ts_l1_reading *r, ts_bytes rlp)
{
    uint8_t *copy = ts_arena_alloc(r->arena, rlp.n);
    if (!copy) {
        ts_l1_fail_answer(r->call, TS_E_NOMEM, "out of memory", r->arena, r->out);
        return;
    }
    memcpy(copy, rlp.p, rlp.n);
    r->out->u.block.header = ts_bytes_of(copy, rlp.n);
}

static void make_header(struct ts_l1_reading *r, const json_t *json)
{
    struct ts_buf b;
    ts_hash made;
    char text[TS_HASH_HEX_SIZE];
    ts_buf_init(&b, TS_MAX_L1_HEADER);
    const size_t mark = ts_put_list(&b);
    put_frontier(r, json, &b);
    put_later(r, json, &b);
    ts_put_list_end(&b, mark);
    if (b.err != TS_OK)
        ts_l1_nonsense(r, "the header is longer than %u bytes", TS_MAX_L1_HEADER);
    if (ts_l1_reads(r)) {
        ts_keccak256(ts_buf_bytes(&b), &made);
        if (ts_hash_equal(&made, &r->out->u.block.hash))
            keep_header(r, ts_buf_bytes(&b));
        else
            ts_l1_nonsense(r,
                           "the header's fields hash to %.18s…, not to what it says: a field is "
                           "wrong, or of a fork that this program does not know",
                           ts_hex(made.b, sizeof(made.b), text));
    }
    ts_buf_free(&b);
}

void ts_l1_read_block(struct ts_l1_reading *r, const json_t *json)
{
    struct ts_l1_answer_block *block = &r->out->u.block;
    memset(block, 0, sizeof(*block));
    block->found = true;
    block->number = ts_l1_get_u64(r, json, "number");
    ts_l1_get_hash(r, json, "hash", &block->hash);
    ts_l1_get_hash(r, json, "parentHash", &block->parent);
    const uint64_t seconds = ts_l1_get_u64(r, json, "timestamp");
    if (seconds > UINT64_MAX / 1000)
        ts_l1_nonsense(r, "the timestamp is too large");
    block->time = seconds > UINT64_MAX / 1000 ? 0 : seconds * 1000;
    if (ts_l1_has(json, "baseFeePerGas"))
        block->base_fee = ts_l1_get_u64(r, json, "baseFeePerGas");
    if (r->call->tag == TS_L1_AT_NUMBER && block->number != r->call->number)
        ts_l1_nonsense(r, "it is of another block");
    if (ts_l1_reads(r))
        make_header(r, json);
}
