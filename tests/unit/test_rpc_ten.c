/* SPDX-License-Identifier: Apache-2.0 */
/* The ten_ methods. */
#include "audit/evidence_json.h"
#include "audit/record.h"
#include "chain/rollup.h"
#include "chain/rollup_record.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "rpc/ten.h"
#include "rpc_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/snapshot.h"

static int setup(void **state)
{
    *state = kit_open(false);
    return 0;
}

static int setup_with_loop(void **state)
{
    *state = kit_open(true);
    return 0;
}

static int teardown(void **state)
{
    kit_close(*state);
    return 0;
}

static const char *with_text(const char *value)
{
    static char text[256];
    (void)snprintf(text, sizeof(text), "[\"%s\"]", value);
    return text;
}

static void a_batch_is_shown_whole(void **state)
{
    struct kit *k = *state;
    json_t *b = kit_call(k, "ten_getBatch", "[2]");
    ts_bytes raw = tn_raw(k->net, 2);
    char *hex = malloc(2 * raw.n + 3);
    assert_string_equal(member(b, "raw"), ts_hex(raw.p, raw.n, hex));
    free(hex);
    assert_int_equal(json_integer_value(json_object_get(b, "number")), 2);
    assert_int_equal(json_array_size(json_object_get(b, "transactions")), 3);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(b, "transactionHashes"), 1)),
        kit_hash(k, 1));
    const json_t *payload = json_object_get(b, "protocolPayload");
    assert_int_equal(json_array_size(json_object_get(payload, "reports")), 3);
    assert_true(json_is_array(json_object_get(payload, "transitions")));
    assert_true(json_is_array(json_object_get(payload, "absent")));
    assert_true(json_is_array(json_object_get(payload, "notices")));
    assert_string_equal(
        member(json_object_get(b, "header"), "producer"),
        member(json_array_get(json_object_get(payload, "reports"), 0), "enclaveId"));
    assert_int_equal(strlen(member(b, "seal")), 132);
    /* The same by hash, by quantity and by name. */
    json_t *same = kit_call(k, "ten_getBatch", with_text(member(b, "hash")));
    assert_true(json_equal(b, same));
    json_decref(same);
    same = kit_call(k, "ten_getBatch", "{\"number\":\"0x2\"}");
    assert_true(json_equal(b, same));
    json_decref(same);
    json_decref(b);
    b = kit_call(k, "ten_getBatch", "[\"latest\"]");
    assert_int_equal(json_integer_value(json_object_get(b, "number")), 8);
    json_decref(b);
    b = kit_call(k, "ten_getBatch", "[\"3\"]");
    assert_int_equal(json_integer_value(json_object_get(b, "number")), 3);
    json_decref(b);
    kit_expect(k, "ten_getBatch", "[9]", "null");
    kit_expect(k, "ten_getBatch", "[0]", "null");
    kit_refused(k, "ten_getBatch", "[\"two\"]", -32602, "parameter 1");
}

static void a_range_of_batches_is_bounded(void **state)
{
    struct kit *k = *state;
    json_t *list = kit_call(k, "ten_getBatches", "[{\"from\":3,\"count\":4}]");
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(list, i), "number")),
                         3 + i);
    json_decref(list);
    list = kit_call(k, "ten_getBatches", "[0,\"18446744073709551615\"]");
    assert_int_equal(json_array_size(list), 8);
    json_decref(list);
    kit_expect(k, "ten_getBatches", "{\"from\":9,\"count\":4}", "[]");
    kit_expect(k, "ten_getBatches", "[1,0]", "[]");
    kit_refused(k, "ten_getBatches", "[1]", -32602, "parameter 2");
    kit_refused(k, "ten_getBatches", "[{\"from\":1}]", -32602, "count");
}

static void lifecycle_pages_follow_each_other(void **state)
{
    struct kit *k = *state;
    json_t *page = kit_call(k, "ten_lifecycle", "[{}]");
    const json_t *events = json_object_get(page, "events");
    size_t n = json_array_size(events); /* three Started and one Active */
    assert_int_equal(n, 4);
    assert_true(json_is_null(json_object_get(page, "next")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 3), "index")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 3), "batch")), 1);
    ts_hash hash;
    struct ts_arena arena;
    struct ts_batch first;
    char hex[TS_HASH_HEX_SIZE];
    ts_arena_init(&arena, 0);
    tn_decode(k->net, 1, &arena, &first);
    ts_transition_hash(&k->net->genesis.domain, &first.payload.transitions[3], &hash);
    assert_string_equal(member(json_array_get(events, 3), "hash"), ts_hex(hash.b, 32, hex));
    ts_arena_free(&arena);
    json_decref(page);

    char params[128];
    char id[TS_ADDRESS_HEX_SIZE];
    (void)snprintf(params, sizeof(params), "[{\"enclaveId\":\"%s\",\"from\":1,\"to\":8}]",
                   ts_hex(tn_id(k->net, 2)->b, 20, id));
    page = kit_call(k, "ten_lifecycle", params);
    events = json_object_get(page, "events");
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(member(json_object_get(json_array_get(events, 0), "event"), "enclaveId"),
                        id);
    json_decref(page);
    kit_expect(k, "ten_lifecycle", "[{\"from\":2}]", "{\"events\":[],\"next\":null}");
    kit_expect(k, "ten_lifecycle", "[{\"from\":9,\"to\":3}]", "{\"events\":[],\"next\":null}");
    kit_refused(k, "ten_lifecycle", "[{\"enclaveId\":\"0x1\"}]", -32602, "enclaveId");
    kit_refused(k, "ten_lifecycle", "[{\"from\":-1}]", -32602, "from");
}

/* Eight transactions of 120 KiB in each of n more batches. */
static void publish_large(struct kit *k, unsigned n)
{
    static const uint8_t bytes[120 * 1024];
    ts_bytes txs[8];
    for (size_t i = 0; i < TS_COUNT(txs); i++)
        txs[i] = ts_bytes_of(bytes, sizeof(bytes));
    for (unsigned i = 0; i < n; i++) {
        struct tn_draft *d = tn_draft(k->net, 0);
        d->txs = txs;
        d->n_txs = TS_COUNT(txs);
        tn_publish(k->net, d);
        kit_put(k, &(struct ts_store_op){.kind = TS_OP_PUT_BATCH,
                                         .number = k->net->chain.head.number,
                                         .hash = k->net->chain.head.hash,
                                         .status = TS_BATCH_COMMITTED,
                                         .data = tn_raw(k->net, k->net->chain.head.number)});
    }
}

/* However long batches are, one call reads so many bytes of them and no more. */
static void a_page_of_the_lifecycle_reads_so_much(void **state)
{
    struct kit *k = *state;
    publish_large(k, 40);
    uint64_t from = 1;
    unsigned pages = 0;
    for (; from != 0 && pages < 10; pages++) {
        char params[64];
        (void)snprintf(params, sizeof(params), "[{\"from\":%llu}]", (unsigned long long)from);
        json_t *page = kit_call(k, "ten_lifecycle", params);
        uint64_t next = (uint64_t)json_integer_value(json_object_get(page, "next"));
        assert_true(next == 0 || (next > from && next - from <= 8 + TS_TEN_WINDOW_BYTES / 983040));
        from = next;
        json_decref(page);
    }
    assert_int_equal(pages, 3);
}

static void the_registry_is_that_of_the_chain(void **state)
{
    struct kit *k = *state;
    json_t *r = kit_call(k, "ten_registry", "[]");
    char id[TS_ADDRESS_HEX_SIZE];
    assert_int_equal(json_integer_value(json_object_get(r, "number")), 8);
    assert_int_equal(json_integer_value(json_object_get(r, "term")), 1);
    assert_string_equal(member(r, "active"), ts_hex(tn_id(k->net, 0)->b, 20, id));
    const json_t *list = json_object_get(r, "enclaves");
    assert_int_equal(json_array_size(list), 3);
    const json_t *e = json_array_get(list, 0);
    assert_string_equal(member(e, "role"), "active");
    assert_int_equal(json_integer_value(json_object_get(e, "restarts")), 1);
    assert_true(json_is_object(json_object_get(e, "lastReport")));
    json_decref(r);
    kit_refused(k, "ten_registry", "[9]", -32000, "the newest is 8");
}

/* An older registry, folded, is the one the chain had then. */
static void check_folded(struct kit *k, uint64_t number)
{
    struct ts_chain then;
    char hex[TS_HASH_HEX_SIZE];
    tn_fold(k->net, number, &then);
    json_t *r = kit_answer(k);
    assert_non_null(r);
    assert_int_equal(json_integer_value(json_object_get(r, "number")), number);
    assert_string_equal(member(r, "hash"), ts_hex(then.head.hash.b, 32, hex));
    assert_string_equal(member(r, "protocolRoot"), ts_hex(then.head.protocol_root.b, 32, hex));
    json_decref(r);
    ts_chain_free(&then);
}

static void older_registries_are_folded(void **state)
{
    struct kit *k = *state;
    for (uint64_t n = 0; n < 8; n++) {
        char params[32];
        (void)snprintf(params, sizeof(params), "[%u]", (unsigned)n);
        kit_start(k, "ten_registry", params);
        check_folded(k, n);
    }
    /* From a snapshot as well. */
    struct ts_chain five;
    struct ts_buf b;
    ts_buf_init(&b, 0);
    tn_fold(k->net, 5, &five);
    ts_chain_snapshot_put(&b, &five);
    ts_chain_free(&five);
    struct ts_store_op op = {.kind = TS_OP_PUT_META, .key = "chain", .data = ts_buf_bytes(&b)};
    kit_put(k, &op);
    ts_buf_free(&b);
    for (uint64_t n = 4; n < 8; n++) {
        char params[32];
        (void)snprintf(params, sizeof(params), "[%u]", (unsigned)n);
        kit_start(k, "ten_registry", params);
        check_folded(k, n);
    }
}

static void folding_leaves_the_loop_free(void **state)
{
    struct kit *k = *state;
    kit_start(k, "ten_registry", "[3]");
    kit_start(k, "ten_registry", "[7]");
    assert_int_equal(k->answer.n, 0);
    (void)uv_run(&k->loop, UV_RUN_DEFAULT);
    check_folded(k, 7);
    assert_int_equal(k->n_answers, 2);
    for (unsigned i = 0; i < 16; i++)
        kit_start(k, "ten_registry", "[3]");
    kit_refused(k, "ten_registry", "[3]", -32005, "try again");
    /* Those still waiting are answered when the program ends. */
}

static void a_transactions_fate_is_told(void **state)
{
    struct kit *k = *state;
    kit_expect(k, "ten_transaction", with_text(kit_hash(k, 2)),
               "{\"batch\":2,\"index\":2,\"state\":\"included\"}");
    size_t i = kit_tx(k, TS_TX_LEGACY, 500);
    kit_expect(k, "ten_transaction", with_text(kit_hash(k, i)), "{\"state\":\"unknown\"}");
    k->pending = kit_raw(k, i);
    kit_expect(k, "ten_transaction", with_text(kit_hash(k, i)), "{\"state\":\"pending\"}");
    k->pending = ts_bytes_of(NULL, 0);
    struct ts_store_op op = {.kind = TS_OP_PUT_REJECTED,
                             .number = 7,
                             .code = TS_E_TX_FUNDS,
                             .text = "insufficient funds: balance 1, cost 2"};
    ts_tx_hash(kit_raw(k, i), &op.hash);
    kit_put(k, &op);
    kit_expect(k, "ten_transaction", with_text(kit_hash(k, i)),
               "{\"batch\":7,\"code\":\"TS_E_TX_FUNDS\",\"reason\":\"insufficient funds: balance "
               "1, cost 2\",\"state\":\"rejected\"}");
    kit_expect(k, "eth_getTransactionByHash", with_text(kit_hash(k, i)), "null");
    kit_refused(k, "ten_transaction", "[\"0x12\"]", -32602, "parameter 1");
}

static void health_tells_network_and_head(void **state)
{
    struct kit *k = *state;
    json_t *h = kit_call(k, "ten_health", "[]");
    assert_string_equal(member(h, "client"), "tenseq-test/1");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(h, "head"), "number")), 8);
    json_decref(h);
}

/* Whoever has only the hash can check it. */
static void the_genesis_is_told_whole(void **state)
{
    struct kit *k = *state;
    static uint8_t raw[65536];
    char hex[TS_HASH_HEX_SIZE];
    struct ts_genesis g;
    size_t n = 0;
    json_t *o = kit_call(k, "ten_genesis", "[]");
    const char *text = member(o, "raw");
    assert_int_equal(ts_unhex_any(text, raw, sizeof(raw), &n), TS_OK);
    assert_int_equal(ts_genesis_decode(ts_bytes_of(raw, n), &g), TS_OK);
    assert_string_equal(member(o, "hash"), ts_hex(g.hash.b, sizeof(g.hash.b), hex));
    ts_genesis_free(&g);
    json_decref(o);
}

static size_t findings(struct kit *k, const char *params)
{
    json_t *o = kit_call(k, "ten_findings", params);
    assert_non_null(o);
    size_t n = json_array_size(json_object_get(o, "findings"));
    json_decref(o);
    return n;
}

static void findings_are_told_by_severity_and_number(void **state)
{
    struct kit *k = *state;
    const struct ts_finding proof = {.kind = TS_F_EQUIVOCATION,
                                     .severity = TS_SEVERITY_PROOF,
                                     .has_enclave = true,
                                     .enclave = *tn_id(k->net, 1),
                                     .evidence = {{1}},
                                     .first = 5,
                                     .last = 5,
                                     .text = "two"};
    const struct ts_finding withheld = {.kind = TS_F_PAYLOAD_WITHHELD,
                                        .severity = TS_SEVERITY_OMISSION,
                                        .about = TS_ABOUT_PEER,
                                        .first = 3,
                                        .last = 3};
    assert_int_equal(findings(k, "[]"), 0);
    assert_true(ts_audit_add(k->audit, &proof, NULL));
    assert_true(ts_audit_add(k->audit, &withheld, NULL));
    assert_int_equal(findings(k, "[]"), 2);
    assert_int_equal(findings(k, "[4]"), 1);
    assert_int_equal(findings(k, "[3, \"omission\"]"), 2);
    assert_int_equal(findings(k, "{\"severity\": \"proof\"}"), 1);
    assert_int_equal(findings(k, "[6, \"notice\"]"), 0);
    json_t *o = kit_call(k, "ten_findings", "[4]");
    assert_int_equal(json_integer_value(json_object_get(o, "number")),
                     0); /* it stands at genesis */
    const json_t *f = json_array_get(json_object_get(o, "findings"), 0);
    assert_string_equal(member(f, "name"), "equivocation");
    assert_string_equal(member(f, "severity"), "proof");
    assert_string_equal(member(f, "about"), "operator");
    assert_string_equal(member(f, "state"), "once");
    assert_string_equal(member(f, "text"), "two");
    assert_true(json_is_null(json_object_get(f, "serial")));
    assert_true(json_is_string(json_object_get(f, "evidence")));
    assert_true(json_is_string(json_object_get(f, "enclave")));
    assert_int_equal(json_integer_value(json_object_get(f, "first")), 5);
    json_decref(o);
    kit_refused(k, "ten_findings", "[0, \"worst\"]", -32602, "severity must be");
    kit_refused(k, "ten_findings", "[\"x\"]", -32602, "from");
    static const char unknown[] =
        "there is no parameter \"sevrity\"; there are \"from\", \"severity\"";
    kit_refused(k, "ten_findings", "{\"sevrity\": \"proof\"}", -32602, unknown);
    kit_refused(k, "ten_findings", "[{\"from\": 4, \"sevrity\": \"proof\"}]", -32602, unknown);
    kit_refused(k, "ten_findings", "[3, \"proof\", 1]", -32602, "at most 2 are taken");
    assert_int_equal(findings(k, "{\"from\": 3, \"severity\": \"omission\"}"), 2);
    assert_int_equal(findings(k, "[{}]"), 2);
}

/* A payload that somebody gave for batch 2, as a node stores it; b holds what put refers to. */
static void edited_payload(struct kit *k, struct ts_store_op *put, struct ts_buf *b)
{
    static const uint8_t edited[] = {0xc4, 0xc0, 0xc0, 0xc0, 0xc0};
    struct ts_record r = {
        .kind = TS_RECORD_PAYLOAD, .number = 2, .payload = ts_bytes_of(edited, sizeof(edited))};
    struct ts_chain at;
    ts_hash root;
    tn_fold(k->net, 1, &at);
    r.parent_root = at.head.protocol_root;
    ts_chain_free(&at);
    tn_fold(k->net, 2, &at);
    r.own_hash = at.head.hash;
    ts_chain_free(&at);
    ts_protocol_root(&r.parent_root, r.payload, &root);
    ts_buf_init(b, 0);
    ts_record_put(b, &r);
    *put = (struct ts_store_op){.kind = TS_OP_PUT_EVIDENCE, .data = ts_buf_bytes(b)};
    ts_keccak256_pair(&r.own_hash, &root, &put->hash);
}

static void evidence_is_given_whole(void **state)
{
    struct kit *k = *state;
    struct ts_evidence_file file;
    struct ts_evidence_verdict *v = calloc(1, sizeof(*v));
    char hex[TS_HASH_HEX_SIZE], params[100];
    struct ts_store_op put;
    struct ts_buf b;
    assert_non_null(v);
    edited_payload(k, &put, &b);
    ts_hash id = put.hash;
    assert_int_equal(ts_store_apply(k->store, &put, 1), TS_OK);
    ts_buf_free(&b);
    (void)snprintf(params, sizeof(params), "[\"%s\"]", ts_hex(id.b, 32, hex));
    json_t *o = kit_call(k, "ten_evidence", params);
    assert_string_equal(member(o, "kind"), "payload-edited");
    assert_string_equal(member(o, "id"), hex);
    char *text = json_dumps(o, 0);
    assert_int_equal(ts_evidence_verify(text, strlen(text), k->net->crypto, NULL, &file, v), TS_OK);
    assert_string_equal(v->finding.text, member(json_object_get(o, "finding"), "text"));
    ts_evidence_file_free(&file);
    free(text);
    json_decref(o);
    free(v);
    id.b[0] ^= 1;
    (void)snprintf(params, sizeof(params), "[\"%s\"]", ts_hex(id.b, 32, hex));
    o = kit_call(k, "ten_evidence", params);
    assert_true(json_is_null(o));
    json_decref(o);
    kit_refused(k, "ten_evidence", "[1]", -32602, "id");
    kit_refused(k, "ten_evidence", "[]", -32602, "id");
    assert_int_equal(k->n_settles, 0);
}

/* A proof is told a moment before its file is stored: who asks at once is given it all the same,
 * and who asks for what nobody found does not wait. */
static void evidence_that_is_being_stored_is_waited_for(void **state)
{
    struct kit *k = *state;
    struct ts_finding f = {
        .kind = TS_F_PAYLOAD_EDITED, .severity = TS_SEVERITY_PROOF, .first = 2, .last = 2};
    char hex[TS_HASH_HEX_SIZE], params[100];
    struct ts_store_op put;
    struct ts_buf b;
    edited_payload(k, &put, &b);
    f.evidence = put.hash;
    (void)snprintf(params, sizeof(params), "[\"%s\"]", ts_hex(put.hash.b, 32, hex));
    json_t *o = kit_call(k, "ten_evidence", params);
    assert_true(json_is_null(o));
    json_decref(o);
    assert_int_equal(k->n_settles, 0);
    assert_true(ts_audit_add(k->audit, &f, NULL));
    o = kit_call(k, "ten_evidence", params); /* it was not kept at all */
    assert_true(json_is_null(o));
    json_decref(o);
    assert_int_equal(k->n_settles, 1);
    k->settle_err = TS_E_TIMEOUT;
    kit_refused(k, "ten_evidence", params, -32000, "not yet");
    k->settle_err = TS_OK;
    k->settles = &put;
    o = kit_call(k, "ten_evidence", params);
    assert_string_equal(member(o, "id"), hex);
    json_decref(o);
    assert_int_equal(k->n_settles, 3);
    o = kit_call(k, "ten_evidence", params);
    assert_string_equal(member(o, "id"), hex);
    json_decref(o);
    assert_int_equal(k->n_settles, 3);
    ts_buf_free(&b);
}

/* The audit of the whole chain. */
static void follow(struct kit *k)
{
    struct ts_effect *e = ts_effect_new();
    struct ts_chain chain;
    struct ts_arena arena;
    struct ts_batch b;
    assert_non_null(e);
    ts_arena_init(&arena, 0);
    assert_int_equal(ts_chain_init(&chain, &k->net->genesis, k->net->crypto, &k->net->genesis_root),
                     TS_OK);
    for (uint64_t n = 1; n <= k->net->chain.head.number; n++) {
        ts_arena_reset(&arena);
        tn_decode(k->net, n, &arena, &b);
        assert_int_equal(ts_batch_check(&chain, &b, NULL, e, NULL), TS_OK);
        assert_int_equal(ts_chain_apply(&chain, e), TS_OK);
        ts_audit_batch(k->audit, &chain, &b, NULL);
    }
    ts_arena_free(&arena);
    ts_chain_free(&chain);
    ts_effect_free(e);
}

static const json_t *at(const json_t *o, const char *path)
{
    char part[64];
    while (*path != 0) {
        size_t n = strcspn(path, ".");
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        o = json_object_get(o, part);
        path += n + (path[n] == '.');
    }
    return o;
}

static void an_assessment_is_told_with_its_parameters(void **state)
{
    struct kit *k = *state;
    json_t *o = kit_call(k, "ten_assessment", "[]");
    assert_int_equal(json_integer_value(at(o, "number")), 0); /* nothing is followed yet */
    assert_int_equal(json_array_size(at(o, "enclaves")), 0);
    json_decref(o);
    follow(k);
    o = kit_call(k, "ten_assessment", "{}");
    assert_int_equal(json_integer_value(at(o, "number")), k->net->chain.head.number);
    assert_true(json_real_value(at(o, "parameters.alpha")) == 0.001);
    assert_true(json_real_value(at(o, "parameters.lambda0PerDay")) == 0.1);
    assert_int_equal(json_integer_value(at(o, "parameters.mergeWindowMs")), 600000);
    assert_int_equal(json_integer_value(at(o, "parameters.maxReportLag")),
                     k->net->genesis.params.max_report_lag);
    assert_int_equal(json_integer_value(at(o, "operator.restarts")), 0);
    assert_int_equal(json_integer_value(at(o, "operator.takeovers.unclean")), 0);
    assert_true(json_is_false(at(o, "operator.likelihood.raw.alarm")));
    assert_true(json_is_null(at(o, "operator.likelihood.merged.alarmAt")));
    assert_true(json_is_null(at(o, "operator.longestSilence")));
    const json_t *enclaves = at(o, "enclaves");
    assert_int_equal(json_array_size(enclaves), k->net->n);
    const json_t *e = json_array_get(enclaves, 0);
    assert_string_equal(member(e, "state"), "active");
    assert_true(json_is_true(at(e, "whitelisted")));
    assert_true(json_real_value(at(e, "uptime.share")) == 1);
    assert_true(json_real_value(at(e, "lag.mean")) == 1);
    const json_t *open = at(o, "open");
    assert_true(json_array_size(open) >= 5);
    assert_int_equal(json_integer_value(at(json_array_get(open, 0), "row")), 4);
    json_decref(o);
    kit_refused(k, "ten_assessment", "[1]", -32602, "");
    kit_refused(k, "ten_assessment", "{\"alpha\": 1}", -32602, "alpha");
}

static void put_rollup(struct kit *k, uint64_t first, uint64_t last, uint64_t l1_block, bool wrong)
{
    struct ts_rollup_record r = {.rollup = {.first_number = first, .last_number = last},
                                 .l1_block = l1_block,
                                 .bytes = 77,
                                 .verdict = wrong ? TS_ROLLUP_WRONG : TS_ROLLUP_EQUAL,
                                 .text = "has another time"};
    struct ts_buf b;
    ts_hash digest;
    ts_rollup_hash(&k->net->genesis.domain, &r.rollup, &digest);
    assert_int_equal(ts_sign(k->net->crypto, &k->net->enclaves[0].key, &digest, &r.rollup.sig),
                     TS_OK);
    ts_buf_init(&b, 0);
    ts_rollup_record_put(&b, &r);
    struct ts_store_op op = {
        .kind = TS_OP_PUT_ROLLUP, .seq = first, .number = last, .data = ts_buf_bytes(&b)};
    kit_put(k, &op);
    ts_buf_free(&b);
}

/* Batches 1 to 8: 1 and 2 final, 3 published, 4 and 5 in a wrong rollup, 6 left out, 7 published.
 */
static void a_batchs_finality_is_that_of_its_rollup(void **state)
{
    struct kit *k = *state;
    kit_refused(k, "ten_finality", "[1]", -32000, "only a node that follows L1");
    kit_refused(k, "ten_rollups", "[]", -32000, "only a node that follows L1");
    k->has_rollups = true;
    kit_expect(k, "ten_rollups", "[]", "[]");
    kit_expect(k, "ten_finality", "[1]", "\"soft\"");
    put_rollup(k, 1, 2, 110, false);
    put_rollup(k, 3, 3, 111, false);
    put_rollup(k, 4, 5, 109, true);
    put_rollup(k, 7, 7, 120, false);
    kit_expect(k, "ten_finality", "[1]", "\"published\"");
    k->l1_final = 110;
    static const char *const want[] = {"final", "final", "published", "soft",
                                       "soft",  "soft",  "published", "soft"};
    for (unsigned n = 1; n <= TS_COUNT(want); n++) {
        char params[16], result[32];
        (void)snprintf(params, sizeof(params), "[%u]", n);
        (void)snprintf(result, sizeof(result), "\"%s\"", want[n - 1]);
        kit_expect(k, "ten_finality", params, result);
    }
    kit_expect(k, "ten_finality", "[9]", "null");
    kit_expect(k, "ten_finality", "[\"latest\"]", "\"soft\"");
    kit_refused(k, "ten_finality", "[{}]", -32602, "number");
    k->l1_final = 120;
    kit_expect(k, "ten_finality", "[\"0x7\"]", "\"final\"");
}

static void rollups_are_listed_from_a_batch_on(void **state)
{
    struct kit *k = *state;
    k->has_rollups = true;
    put_rollup(k, 1, 2, 110, false);
    put_rollup(k, 3, 5, 111, true);
    put_rollup(k, 6, 8, 112, false);
    json_t *all = kit_call(k, "ten_rollups", "[]");
    assert_int_equal(json_array_size(all), 3);
    const json_t *r = json_array_get(all, 1);
    assert_int_equal(json_integer_value(json_object_get(r, "firstNumber")), 3);
    assert_int_equal(json_integer_value(json_object_get(r, "lastNumber")), 5);
    assert_int_equal(json_integer_value(json_object_get(r, "l1Block")), 111);
    assert_int_equal(json_integer_value(json_object_get(r, "bytes")), 77);
    assert_string_equal(member(r, "finality"), "soft");
    assert_string_equal(member(r, "wrong"), "has another time");
    char id[TS_ADDRESS_HEX_SIZE];
    assert_string_equal(member(r, "signer"), ts_hex(tn_id(k->net, 0)->b, 20, id));
    assert_true(json_is_null(json_object_get(json_array_get(all, 0), "wrong")));
    json_decref(all);
    json_t *some = kit_call(k, "ten_rollups", "[5, 1]");
    assert_int_equal(json_array_size(some), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(some, 0), "firstNumber")),
                     3);
    json_decref(some);
    kit_expect(k, "ten_rollups", "{\"from\": 9}", "[]");
    kit_expect(k, "ten_rollups", "{\"count\": 0}", "[]");
    kit_refused(k, "ten_rollups", "{\"form\": 9}", -32602, "there is no parameter \"form\"");
}

static void subscriptions_need_a_connection(void **state)
{
    struct kit *k = *state;
    kit_start(k, "eth_subscribe", "[\"newHeads\"]");
    assert_null(kit_answer(k));
    kit_start(k, "ten_subscribe", "[\"batches\"]");
    assert_null(kit_answer(k));
    /* Nobody listens: nothing is asked of the enclave. */
    k->n_queries = 0;
    ts_api_new_head(k->api, 8, &k->net->chain.head.hash, tn_raw(k->net, 8));
    assert_int_equal(k->n_queries, 0);
}

/* A name that was mistyped never gives the answer to another question. */
static void no_method_ignores_a_parameter(void **state)
{
    struct kit *k = *state;
    size_t n;
    const struct ts_rpc_method *methods = ts_api_methods(k->api, &n);
    for (size_t i = 0; i < n; i++) {
        if (methods[i].flags & TS_RPC_WS_ONLY) {
            assert_non_null(methods[i].params);
            continue;
        }
        bool by_position = methods[i].flags & TS_RPC_BY_POSITION;
        const char *why =
            by_position ? "parameters are taken by position" : "there is no parameter \"misspelt\"";
        kit_refused(k, methods[i].name, "{\"misspelt\":7}", -32602, why);
        if (!by_position)
            kit_refused(k, methods[i].name, "[{\"misspelt\":7}]", -32602, why);
        kit_refused(k, methods[i].name, "[1,2,3,4,5]", -32602, "5 parameters are given, at most");
    }
    kit_refused(k, "ten_getBatch", "{\"blockHash\":\"0x1\"}", -32602,
                "there is no parameter \"blockHash\"; there is \"number\"");
    kit_refused(k, "ten_getBatch", "[{\"blockNumber\":\"0x2\",\"number\":3}]", -32602,
                "there is no parameter \"number\"");
    kit_refused(k, "ten_registry", "[{\"nubmer\":5}]", -32602, "there is \"number\"");
    json_t *b = kit_call(k, "ten_getBatch", "[{\"blockNumber\":\"0x2\"}]");
    json_t *same = kit_call(k, "ten_getBatch", "[{\"number\":\"0x2\"}]");
    assert_true(json_equal(b, same));
    json_decref(same);
    json_decref(b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_batch_is_shown_whole),
        T(a_range_of_batches_is_bounded),
        T(lifecycle_pages_follow_each_other),
        T(a_page_of_the_lifecycle_reads_so_much),
        T(the_registry_is_that_of_the_chain),
        T(older_registries_are_folded),
        cmocka_unit_test_setup_teardown(folding_leaves_the_loop_free, setup_with_loop, teardown),
        T(a_transactions_fate_is_told),
        T(a_batchs_finality_is_that_of_its_rollup),
        T(rollups_are_listed_from_a_batch_on),
        T(health_tells_network_and_head),
        T(the_genesis_is_told_whole),
        T(findings_are_told_by_severity_and_number),
        T(evidence_is_given_whole),
        T(evidence_that_is_being_stored_is_waited_for),
        T(an_assessment_is_told_with_its_parameters),
        T(subscriptions_need_a_connection),
        T(no_method_ignores_a_parameter),
    };
#undef T
    return cmocka_run_group_tests_name("rpc_ten", tests, NULL, NULL);
}
