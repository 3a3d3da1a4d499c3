/* SPDX-License-Identifier: Apache-2.0 */
/* The management contract's events. */
#include "base/check.h"
#include "l1/contract.h"

struct form {
    const char *signature;
    size_t n_topics;
};

static const struct form forms[TS_L1_EVENT_KINDS] = {
    [TS_L1_GRANTED] = {"SequencerEnclaveGranted(address)", 1},
    [TS_L1_REVOKED] = {"SequencerEnclaveRevoked(address)", 1},
    [TS_L1_PUBLISHED] =
        {"RollupPublished(uint64,uint64,bytes32,bytes32,bytes32,uint64,address,bytes)", 2},
    [TS_L1_ROLLED_BACK] = {"RollupsRolledBack(uint64,uint64,bytes32,bytes32)", 2},
    [TS_L1_REQUESTED] = {"ReplacementRequested(uint256,address,address,string)", 2},
    [TS_L1_APPROVED] = {"ReplacementApproved(uint256)", 2},
    [TS_L1_REJECTED] = {"ReplacementRejected(uint256,string)", 2},
    [TS_L1_CANCELLED] = {"ReplacementCancelled(uint256)", 2},
};

void ts_l1_event_topic(enum ts_l1_event_kind kind, ts_hash *out)
{
    TS_CHECK((unsigned)kind < TS_L1_EVENT_KINDS);
    ts_abi_topic(forms[kind].signature, out);
}

static ts_err find_kind(const struct ts_l1_log *log, enum ts_l1_event_kind *out)
{
    for (unsigned i = 0; i < TS_L1_EVENT_KINDS && log->n_topics > 0; i++) {
        ts_hash topic;
        ts_abi_topic(forms[i].signature, &topic);
        if (!ts_hash_equal(&topic, &log->topics[0]))
            continue;
        *out = (enum ts_l1_event_kind)i;
        return log->n_topics == forms[i].n_topics ? TS_OK : TS_E_ARITY;
    }
    return TS_E_UNKNOWN_MESSAGE;
}

static void read_published(struct ts_abi *a, struct ts_l1_published *p)
{
    p->last_number = ts_abi_u64(a);
    ts_abi_hash(a, &p->last_hash);
    ts_abi_hash(a, &p->protocol_root);
    ts_abi_hash(a, &p->data_hash);
    p->l1_number = ts_abi_u64(a);
    ts_abi_address(a, &p->signer);
    const ts_bytes sig = ts_abi_bytes(a, sizeof(p->sig.b));
    if (sig.n == sizeof(p->sig.b))
        memcpy(p->sig.b, sig.p, sizeof(p->sig.b));
    else
        ts_abi_fail(a, TS_E_LENGTH);
}

static void read_data(struct ts_abi *a, struct ts_l1_event *e)
{
    switch (e->kind) {
    case TS_L1_GRANTED:
    case TS_L1_REVOKED:
        ts_abi_address(a, &e->enclave);
        break;
    case TS_L1_PUBLISHED:
        read_published(a, &e->published);
        break;
    case TS_L1_ROLLED_BACK:
        e->published.last_number = ts_abi_u64(a);
        ts_abi_hash(a, &e->published.last_hash);
        ts_abi_hash(a, &e->published.protocol_root);
        break;
    case TS_L1_REQUESTED:
        ts_abi_address(a, &e->replacement.faulty);
        ts_abi_address(a, &e->replacement.replacement);
        e->replacement.reason = ts_abi_bytes(a, TS_L1_MAX_REASON);
        break;
    case TS_L1_REJECTED:
        e->replacement.reason = ts_abi_bytes(a, TS_L1_MAX_REASON);
        break;
    case TS_L1_APPROVED:
    case TS_L1_CANCELLED:
        break;
    }
}

ts_err ts_l1_read_event(const struct ts_l1_log *log, struct ts_l1_event *out)
{
    memset(out, 0, sizeof(*out));
    ts_err err = find_kind(log, &out->kind);
    if (err != TS_OK)
        return err;
    if (forms[out->kind].n_topics == 2) {
        struct ts_abi indexed = ts_abi_of(ts_bytes_of(log->topics[1].b, TS_ABI_WORD), &err);
        const uint64_t v = ts_abi_u64(&indexed);
        if (err != TS_OK)
            return err;
        if (out->kind == TS_L1_PUBLISHED || out->kind == TS_L1_ROLLED_BACK)
            out->published.first_number = v;
        else
            out->replacement.id = v;
    }
    struct ts_abi a = ts_abi_of(log->data, &err);
    read_data(&a, out);
    return err;
}
