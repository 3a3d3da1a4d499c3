/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the management contract and what they give back. */
#include "l1/contract.h"

#define HEADER "(bytes32,uint64,uint64,uint64,address,uint64,bytes32,bytes32,bytes32)"
#define SEALED "(" HEADER ",bytes32,bytes)"
#define PUBLISH                                                                                    \
    "publishRollup((uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,bytes32),bytes,bytes)"

static void put_of_address(struct ts_buf *b, const char *signature, const ts_address *a)
{
    ts_abi_put_call(b, signature);
    ts_abi_put_address(b, a);
}

static void put_of_id(struct ts_buf *b, const char *signature, uint64_t id)
{
    ts_abi_put_call(b, signature);
    ts_abi_put_u64(b, id);
}

static ts_bytes text_bytes(const char *text)
{
    return ts_bytes_of(text, strlen(text));
}

void ts_l1_put_set_genesis(struct ts_buf *b, const ts_hash *genesis)
{
    ts_abi_put_call(b, "setGenesis(bytes32)");
    ts_abi_put_hash(b, genesis);
}

void ts_l1_put_genesis_hash(struct ts_buf *b)
{
    ts_abi_put_call(b, "genesisHash()");
}

void ts_l1_put_is_sequencer(struct ts_buf *b, const ts_address *enclave)
{
    put_of_address(b, "isSequencer(address)", enclave);
}

void ts_l1_put_is_attested(struct ts_buf *b, const ts_address *enclave)
{
    put_of_address(b, "isAttested(address)", enclave);
}

void ts_l1_put_grant(struct ts_buf *b, const ts_address *enclave)
{
    put_of_address(b, "grantSequencerEnclave(address)", enclave);
}

void ts_l1_put_revoke(struct ts_buf *b, const ts_address *enclave)
{
    put_of_address(b, "revokeSequencerEnclave(address)", enclave);
}

void ts_l1_put_sequencers(struct ts_buf *b)
{
    ts_abi_put_call(b, "sequencers()");
}

void ts_l1_put_register(struct ts_buf *b, const ts_address *enclave, const ts_hash *measurement,
                        const ts_sig *sig)
{
    const size_t base = ts_abi_put_call(b, "registerEnclave(address,bytes32,bytes)");
    ts_abi_put_address(b, enclave);
    ts_abi_put_hash(b, measurement);
    const size_t at = ts_abi_put_offset(b);
    ts_abi_point(b, base, at);
    ts_abi_put_bytes(b, ts_bytes_of(sig->b, sizeof(sig->b)));
}

void ts_l1_put_request_replacement(struct ts_buf *b, const ts_address *faulty,
                                   const ts_address *replacement, const char *reason)
{
    const size_t base = ts_abi_put_call(b, "requestReplacement(address,address,string)");
    ts_abi_put_address(b, faulty);
    ts_abi_put_address(b, replacement);
    const size_t at = ts_abi_put_offset(b);
    ts_abi_point(b, base, at);
    ts_abi_put_bytes(b, text_bytes(reason));
}

void ts_l1_put_approve_replacement(struct ts_buf *b, uint64_t id)
{
    put_of_id(b, "approveReplacement(uint256)", id);
}

void ts_l1_put_reject_replacement(struct ts_buf *b, uint64_t id, const char *why)
{
    const size_t base = ts_abi_put_call(b, "rejectReplacement(uint256,string)");
    ts_abi_put_u64(b, id);
    const size_t at = ts_abi_put_offset(b);
    ts_abi_point(b, base, at);
    ts_abi_put_bytes(b, text_bytes(why));
}

void ts_l1_put_cancel_replacement(struct ts_buf *b, uint64_t id)
{
    put_of_id(b, "cancelReplacement(uint256)", id);
}

void ts_l1_put_open_replacements(struct ts_buf *b)
{
    ts_abi_put_call(b, "openReplacements()");
}

void ts_l1_put_post_bond(struct ts_buf *b)
{
    ts_abi_put_call(b, "postBond()");
}

void ts_l1_put_last_number(struct ts_buf *b)
{
    ts_abi_put_call(b, "lastNumber()");
}

void ts_l1_put_rollup_hash(struct ts_buf *b, uint64_t first_number)
{
    put_of_id(b, "rollupHash(uint64)", first_number);
}

void ts_l1_put_last_hash(struct ts_buf *b)
{
    ts_abi_put_call(b, "lastHash()");
}

void ts_l1_put_deployment(struct ts_buf *b, ts_bytes code, const ts_address *governance,
                          const ts_address *operator, const struct ts_l1_bond_params * bond)
{
    ts_buf_put(b, code.p, code.n);
    ts_abi_put_address(b, governance);
    ts_abi_put_address(b, operator);
    ts_abi_put_u256(b, &bond->minimum);
    ts_abi_put_u256(b, &bond->slash);
    ts_abi_put_u64(b, bond->reporter_share_bps);
    ts_abi_put_u64(b, bond->withdrawal_delay);
    ts_abi_put_address(b, &bond->treasury);
}

/* ---- equivocation ---- */

static void put_header(struct ts_buf *b, const struct ts_batch_header *h)
{
    ts_abi_put_hash(b, &h->parent_hash);
    ts_abi_put_u64(b, h->number);
    ts_abi_put_u64(b, h->time);
    ts_abi_put_u64(b, h->term);
    ts_abi_put_address(b, &h->producer);
    ts_abi_put_u64(b, h->l1_number);
    ts_abi_put_hash(b, &h->l1_hash);
    ts_abi_put_hash(b, &h->tx_root);
    ts_abi_put_hash(b, &h->state_root);
}

static void put_sealed(struct ts_buf *b, const struct ts_l1_sealed *s)
{
    const size_t base = b->n;
    put_header(b, &s->header);
    ts_abi_put_hash(b, &s->protocol_root);
    const size_t at = ts_abi_put_offset(b);
    ts_abi_point(b, base, at);
    ts_abi_put_bytes(b, ts_bytes_of(s->seal.b, sizeof(s->seal.b)));
}

void ts_l1_put_report_equivocation(struct ts_buf *b, const struct ts_l1_sealed *one,
                                   const struct ts_l1_sealed *other)
{
    const size_t base = ts_abi_put_call(b, "reportEquivocation(" SEALED "," SEALED ")");
    const size_t at_one = ts_abi_put_offset(b);
    const size_t at_other = ts_abi_put_offset(b);
    ts_abi_point(b, base, at_one);
    put_sealed(b, one);
    ts_abi_point(b, base, at_other);
    put_sealed(b, other);
}

/* ---- rollups ---- */

static void put_rollup(struct ts_buf *b, const struct ts_rollup *r)
{
    ts_abi_put_u64(b, r->first_number);
    ts_abi_put_u64(b, r->last_number);
    ts_abi_put_hash(b, &r->first_parent_hash);
    ts_abi_put_hash(b, &r->last_hash);
    ts_abi_put_hash(b, &r->protocol_root);
    ts_abi_put_u64(b, r->l1_number);
    ts_abi_put_hash(b, &r->l1_hash);
    ts_abi_put_hash(b, &r->data_hash);
}

static void read_rollup(struct ts_abi *a, struct ts_rollup *r)
{
    r->first_number = ts_abi_u64(a);
    r->last_number = ts_abi_u64(a);
    ts_abi_hash(a, &r->first_parent_hash);
    ts_abi_hash(a, &r->last_hash);
    ts_abi_hash(a, &r->protocol_root);
    r->l1_number = ts_abi_u64(a);
    ts_abi_hash(a, &r->l1_hash);
    ts_abi_hash(a, &r->data_hash);
}

void ts_l1_put_publish(struct ts_buf *b, const struct ts_rollup *rollup, ts_bytes data)
{
    const size_t base = ts_abi_put_call(b, PUBLISH);
    put_rollup(b, rollup);
    const size_t at_sig = ts_abi_put_offset(b);
    const size_t at_data = ts_abi_put_offset(b);
    ts_abi_point(b, base, at_sig);
    ts_abi_put_bytes(b, ts_bytes_of(rollup->sig.b, sizeof(rollup->sig.b)));
    ts_abi_point(b, base, at_data);
    ts_abi_put_bytes(b, data);
}

static void take_sig(struct ts_abi *a, ts_sig *out)
{
    const ts_bytes sig = ts_abi_bytes(a, sizeof(out->b));
    if (sig.n == sizeof(out->b))
        memcpy(out->b, sig.p, sizeof(out->b));
    else
        ts_abi_fail(a, TS_E_LENGTH);
}

ts_err ts_l1_read_publish(ts_bytes input, struct ts_rollup *rollup, ts_bytes *data)
{
    uint8_t selector[4];
    struct ts_rollup r = {0};
    ts_err err;
    ts_abi_selector(PUBLISH, selector);
    if (input.n < sizeof(selector) || memcmp(input.p, selector, sizeof(selector)) != 0)
        return TS_E_UNKNOWN_MESSAGE;
    struct ts_abi a = ts_abi_of(ts_bytes_of(input.p + 4, input.n - 4), &err);
    read_rollup(&a, &r);
    take_sig(&a, &r.sig);
    const ts_bytes d = ts_abi_bytes(&a, TS_L1_MAX_INPUT);
    if (err != TS_OK)
        return err;
    *rollup = r;
    *data = d;
    return TS_OK;
}

/* ---- results ---- */

ts_err ts_l1_read_bool(ts_bytes result, bool *out)
{
    ts_err err;
    struct ts_abi a = ts_abi_of(result, &err);
    const bool v = ts_abi_bool(&a);
    if (err == TS_OK)
        *out = v;
    return err;
}

ts_err ts_l1_read_hash(ts_bytes result, ts_hash *out)
{
    ts_err err;
    ts_hash v;
    struct ts_abi a = ts_abi_of(result, &err);
    ts_abi_hash(&a, &v);
    if (err == TS_OK)
        *out = v;
    return err;
}

ts_err ts_l1_read_u64(ts_bytes result, uint64_t *out)
{
    ts_err err;
    struct ts_abi a = ts_abi_of(result, &err);
    const uint64_t v = ts_abi_u64(&a);
    if (err == TS_OK)
        *out = v;
    return err;
}

ts_err ts_l1_read_addresses(ts_bytes result, ts_address *out, size_t max, size_t *n)
{
    ts_err err;
    size_t count;
    ts_address each;
    struct ts_abi a = ts_abi_of(result, &err);
    struct ts_abi list = ts_abi_array(&a, 1, max, &count);
    struct ts_abi again = list;
    for (size_t i = 0; i < count; i++)
        ts_abi_address(&list, &each);
    if (err != TS_OK)
        return err;
    for (size_t i = 0; i < count; i++)
        ts_abi_address(&again, &out[i]);
    *n = count;
    return TS_OK;
}

ts_err ts_l1_read_replacements(ts_bytes result, struct ts_l1_replacement *out, size_t max,
                               size_t *n)
{
    ts_err err;
    size_t count;
    struct ts_abi a = ts_abi_of(result, &err);
    struct ts_abi list = ts_abi_array(&a, 1, max, &count);
    for (size_t i = 0; i < count; i++) {
        struct ts_abi one = ts_abi_tuple(&list);
        out[i].id = ts_abi_u64(&one);
        ts_abi_address(&one, &out[i].faulty);
        ts_abi_address(&one, &out[i].replacement);
        out[i].reason = ts_abi_bytes(&one, TS_L1_MAX_REASON);
    }
    if (err == TS_OK)
        *n = count;
    return err;
}
