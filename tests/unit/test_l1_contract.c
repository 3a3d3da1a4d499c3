/* SPDX-License-Identifier: Apache-2.0 */
/* The management contract's artifact on anvil, by every call of l1/contract.h: deployed, set up, an
 * enclave replaced, rollups published, an equivocation proven. */
#include "codec/eip712.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "l1/abi.h"
#include "l1/contract.h"
#include "l1/tx.h"
#include "l1live.h"

struct chain {
    struct anvil anvil;
    struct live live;
    uint64_t last_job;
    ts_address contract;
    ts_address account;
    ts_hash genesis;
    struct ts_domain domain;
    ts_secret keys[2]; /* of two enclaves */
    ts_address ids[2];
    struct ts_arena arena;
    struct ts_buf b;
};

/* Sends what is in c->b. */
static const struct live_job *send_job(struct chain *c, uint64_t value, bool creates)
{
    struct live_job *job = &c->live.jobs[++c->last_job % LIVE_JOBS];
    memset(job, 0, sizeof(*job));
    assert_int_equal(c->b.err, TS_OK);
    live_step(&c->live, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_JOB,
                                                     .job = c->last_job,
                                                     .to = c->contract,
                                                     .creates = creates,
                                                     .value = ts_u256_of(value),
                                                     .data = ts_buf_bytes(&c->b)});
    ts_buf_reset(&c->b);
    live_until(&c->live, &job->done, 1);
    return job;
}

static const struct live_job *send_well(struct chain *c, uint64_t value)
{
    const struct live_job *job = send_job(c, value, false);
    if (job->err != TS_OK)
        fail_msg("job %u: %s", (unsigned)c->last_job, job->text);
    return job;
}

static void send_in_vain(struct chain *c, const char *why)
{
    char text[TS_L1_MAX_TEXT];
    const struct live_job *job = send_job(c, 0, false);
    snprintf(text, sizeof(text), "the contract refuses: %s", why);
    assert_int_equal(job->err, TS_E_L1_REVERT);
    assert_string_equal(job->text, text);
}

static struct ts_l1_answer ask(struct chain *c, struct ts_l1_call call)
{
    struct ts_l1_answer a;
    call.id = 1;
    ts_l1_client_ask(c->anvil.url, &call, 5000, &c->arena, &a);
    if (a.err != TS_OK)
        fail_msg("%s", a.text);
    return a;
}

/* The result of the view in c->b. */
static ts_bytes view(struct chain *c)
{
    const struct ts_l1_answer a = ask(c, (struct ts_l1_call){.method = TS_L1_VIEW,
                                                             .tag = TS_L1_LATEST,
                                                             .to = c->contract,
                                                             .data = ts_buf_bytes(&c->b)});
    ts_buf_reset(&c->b);
    return a.u.bytes;
}

static bool view_bool(struct chain *c)
{
    bool v = false;
    assert_int_equal(ts_l1_read_bool(view(c), &v), TS_OK);
    return v;
}

static void put_code(struct chain *c)
{
    const struct ts_l1_bond_params bond = {
        .minimum = ts_u256_of(1000),
        .slash = ts_u256_of(500),
        .reporter_share_bps = 1000,
        .withdrawal_delay = 86400,
        .treasury = address_of("0x7777777777777777777777777777777777777777")};
    json_t *artifact =
        json_load_file(TS_ROOT "/contracts/artifacts/TenseqManagement.json", 0, NULL);
    const char *hex = json_string_value(json_object_get(artifact, "bytecode"));
    assert_non_null(hex);
    uint8_t *code = malloc(strlen(hex));
    size_t n;
    assert_int_equal(ts_unhex_any(hex, code, strlen(hex) / 2, &n), TS_OK);
    ts_l1_put_deployment(&c->b, ts_bytes_of(code, n), &c->account, &c->account, &bond);
    free(code);
    json_decref(artifact);
}

static void deploy(struct chain *c)
{
    put_code(c);
    const struct live_job *job = send_job(c, 0, true);
    assert_int_equal(job->err, TS_OK);
    ts_l1_created_address(&c->account, 0, &c->contract);
    const struct ts_l1_answer a =
        ask(c, (struct ts_l1_call){.method = TS_L1_RECEIPT, .hash = job->tx});
    assert_true(ts_address_equal(&a.u.receipt.created, &c->contract));
}

static void set_up(struct chain *c)
{
    memset(&c->genesis, 0x47, sizeof(c->genesis));
    ts_l1_put_grant(&c->b, &c->ids[0]);
    send_well(c, 0);
    ts_l1_put_set_genesis(&c->b, &c->genesis);
    send_well(c, 0);
    ts_l1_put_set_genesis(&c->b, &c->genesis);
    send_in_vain(c, "GenesisAlreadySet");
    ts_l1_put_post_bond(&c->b);
    send_well(c, 1000);
    ts_l1_put_genesis_hash(&c->b);
    ts_hash seen;
    assert_int_equal(ts_l1_read_hash(view(c), &seen), TS_OK);
    assert_true(ts_hash_equal(&seen, &c->genesis));
    ts_eip712_domain(31337, &c->contract, &c->genesis, &c->domain);
}

struct registration {
    ts_address id;
    ts_hash measurement;
};

static void register_second(struct chain *c)
{
    static const struct ts_field fields[] = {
        {"enclaveId", TS_ADDRESS, offsetof(struct registration, id)},
        {"measurement", TS_BYTES32, offsetof(struct registration, measurement)},
    };
    const struct ts_type type = {.name = "EnclaveRegistration",
                                 .fields = fields,
                                 .n_fields = 2,
                                 .size = sizeof(struct registration)};
    const struct registration r = {c->ids[1], {{5}}};
    ts_hash digest;
    ts_sig sig;
    ts_eip712_digest(&c->domain, &type, &r, &digest);
    assert_int_equal(ts_sign(c->live.crypto, &c->keys[1], &digest, &sig), TS_OK);
    ts_l1_put_is_attested(&c->b, &c->ids[1]);
    assert_false(view_bool(c));
    ts_l1_put_register(&c->b, &c->ids[1], &r.measurement, &sig);
    send_well(c, 0);
    ts_l1_put_is_attested(&c->b, &c->ids[1]);
    assert_true(view_bool(c));
}

static void replace(struct chain *c)
{
    struct ts_l1_replacement open[2];
    ts_address list[2];
    size_t n;
    ts_l1_put_request_replacement(&c->b, &c->ids[0], &c->ids[1], "first");
    send_well(c, 0);
    ts_l1_put_cancel_replacement(&c->b, 1);
    send_well(c, 0);
    ts_l1_put_request_replacement(&c->b, &c->ids[0], &c->ids[1], "second");
    send_well(c, 0);
    ts_l1_put_reject_replacement(&c->b, 2, "no");
    send_well(c, 0);
    ts_l1_put_request_replacement(&c->b, &c->ids[0], &c->ids[1], "it lies");
    send_well(c, 0);
    ts_l1_put_open_replacements(&c->b);
    assert_int_equal(ts_l1_read_replacements(view(c), open, 2, &n), TS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(open[0].id, 3);
    assert_true(ts_address_equal(&open[0].faulty, &c->ids[0]));
    assert_true(ts_bytes_equal(open[0].reason, ts_bytes_of("it lies", 7)));
    ts_l1_put_approve_replacement(&c->b, 3);
    send_well(c, 0);
    ts_l1_put_sequencers(&c->b);
    assert_int_equal(ts_l1_read_addresses(view(c), list, 2, &n), TS_OK);
    assert_int_equal(n, 1);
    assert_true(ts_address_equal(&list[0], &c->ids[1]));
    ts_l1_put_is_sequencer(&c->b, &c->ids[0]);
    assert_false(view_bool(c));
}

static struct ts_rollup publish(struct chain *c)
{
    static const uint8_t data[100] = {1, 2, 3};
    const struct ts_l1_answer block =
        ask(c, (struct ts_l1_call){.method = TS_L1_BLOCK, .tag = TS_L1_LATEST});
    struct ts_rollup again;
    struct ts_rollup r = {.first_number = 1,
                          .last_number = 10,
                          .first_parent_hash = c->genesis,
                          .last_hash = {{9}},
                          .protocol_root = {{8}},
                          .l1_number = block.u.block.number,
                          .l1_hash = block.u.block.hash};
    ts_bytes data_again;
    ts_hash digest;
    uint64_t last;
    ts_keccak256(ts_bytes_of(data, sizeof(data)), &r.data_hash);
    ts_eip712_digest(&c->domain, &ts_rollup_type, &r, &digest);
    assert_int_equal(ts_sign(c->live.crypto, &c->keys[1], &digest, &r.sig), TS_OK);
    ts_l1_put_publish(&c->b, &r, ts_bytes_of(data, sizeof(data)));
    const struct live_job *job = send_well(c, 0);
    const struct ts_l1_answer tx = ask(c, (struct ts_l1_call){.method = TS_L1_TX, .hash = job->tx});
    assert_int_equal(ts_l1_read_publish(tx.u.tx.input, &again, &data_again), TS_OK);
    assert_int_equal(again.last_number, 10);
    assert_memory_equal(&again.sig, &r.sig, sizeof(r.sig));
    assert_true(ts_bytes_equal(data_again, ts_bytes_of(data, sizeof(data))));
    ts_l1_put_publish(&c->b, &r, ts_bytes_of(data, sizeof(data)));
    send_in_vain(c, "NotNext(1, 11)");
    ts_l1_put_last_number(&c->b);
    assert_int_equal(ts_l1_read_u64(view(c), &last), TS_OK);
    assert_int_equal(last, 10);
    ts_l1_put_last_hash(&c->b);
    assert_int_equal(ts_l1_read_hash(view(c), &digest), TS_OK);
    assert_true(ts_hash_equal(&digest, &r.last_hash));
    return r;
}

static void put_taken(struct chain *c, const struct ts_rollup *r)
{
    ts_abi_put_u64(&c->b, r->first_number);
    ts_abi_put_u64(&c->b, r->last_number);
    ts_abi_put_hash(&c->b, &r->first_parent_hash);
    ts_abi_put_hash(&c->b, &r->last_hash);
    ts_abi_put_hash(&c->b, &r->protocol_root);
    ts_abi_put_u64(&c->b, r->l1_number);
    ts_abi_put_hash(&c->b, &r->l1_hash);
    ts_abi_put_hash(&c->b, &r->data_hash);
}

/* Governance's call, which no program of the project makes. */
static void put_roll_back(struct chain *c, const struct ts_rollup *dropped)
{
    static const struct ts_rollup none;
    const size_t base = ts_abi_put_call(
        &c->b, "rollBackRollups((uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,bytes32),"
               "(uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,bytes32)[])");
    put_taken(c, &none);
    const size_t at = ts_abi_put_offset(&c->b);
    ts_abi_point(&c->b, base, at);
    ts_abi_put_u64(&c->b, 1);
    put_taken(c, dropped);
}

static void roll_back(struct chain *c, struct ts_rollup r)
{
    ts_hash digest, now;
    r.last_number--;
    put_roll_back(c, &r);
    send_in_vain(c, "NotTaken(1)");
    r.last_number++;
    ts_eip712_digest(&c->domain, &ts_rollup_type, &r, &digest);
    ts_l1_put_rollup_hash(&c->b, 1);
    assert_int_equal(ts_l1_read_hash(view(c), &now), TS_OK);
    assert_true(ts_hash_equal(&now, &digest));
    put_roll_back(c, &r);
    send_well(c, 0);
    ts_l1_put_rollup_hash(&c->b, 1);
    assert_int_equal(ts_l1_read_hash(view(c), &now), TS_OK);
    assert_true(ts_hash_is_zero(&now));
}

static struct ts_l1_sealed sealed(const struct chain *c, uint8_t tx_root)
{
    struct ts_l1_sealed s = {.header = {.parent_hash = c->genesis,
                                        .number = 1,
                                        .time = 5,
                                        .term = 1,
                                        .producer = c->ids[0],
                                        .tx_root = {{tx_root}}},
                             .protocol_root = {{3}}};
    struct ts_batch_seal seal = {.protocol_root = s.protocol_root};
    ts_hash digest;
    ts_eip712_digest(&c->domain, &ts_batch_header_type, &s.header, &seal.batch_hash);
    ts_eip712_digest(&c->domain, &ts_batch_seal_type, &seal, &digest);
    assert_int_equal(ts_sign(c->live.crypto, &c->keys[0], &digest, &s.seal), TS_OK);
    return s;
}

static void equivocate(struct chain *c)
{
    const struct ts_l1_sealed one = sealed(c, 1);
    const struct ts_l1_sealed other = sealed(c, 2);
    ts_l1_put_report_equivocation(&c->b, &one, &one);
    send_in_vain(c, "SameSeal");
    ts_l1_put_report_equivocation(&c->b, &one, &other);
    send_well(c, 0);
}

static void check_events(struct chain *c)
{
    static const enum ts_l1_event_kind wanted[] = {
        TS_L1_GRANTED,  TS_L1_REQUESTED, TS_L1_CANCELLED,  TS_L1_REQUESTED,
        TS_L1_REJECTED, TS_L1_REQUESTED, TS_L1_REVOKED,    TS_L1_GRANTED,
        TS_L1_APPROVED, TS_L1_PUBLISHED, TS_L1_ROLLED_BACK};
    ts_hash topics[TS_L1_EVENT_KINDS];
    for (unsigned i = 0; i < TS_L1_EVENT_KINDS; i++)
        ts_l1_event_topic((enum ts_l1_event_kind)i, &topics[i]);
    const struct ts_l1_answer a = ask(c, (struct ts_l1_call){.method = TS_L1_LOGS,
                                                             .to_block = 1000,
                                                             .address = c->contract,
                                                             .topics = topics,
                                                             .n_topics = TS_L1_EVENT_KINDS});
    assert_int_equal(a.u.logs.n, sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < a.u.logs.n; i++) {
        struct ts_l1_event e;
        assert_int_equal(ts_l1_read_event(&a.u.logs.log[i], &e), TS_OK);
        assert_int_equal(e.kind, wanted[i]);
        if (e.kind == TS_L1_ROLLED_BACK)
            assert_true(e.published.first_number == 1 && e.published.last_number == 10 &&
                        ts_hash_equal(&e.published.last_hash, &c->genesis) &&
                        ts_hash_is_zero(&e.published.protocol_root));
        if (e.kind == TS_L1_PUBLISHED)
            assert_true(e.published.last_number == 10 &&
                        ts_address_equal(&e.published.signer, &c->ids[1]));
    }
}

static void test_contract(void **state)
{
    (void)state;
    static struct chain c;
    const ts_secret key = anvil_key();
    ts_arena_init(&c.arena, 0);
    ts_buf_init(&c.b, 0);
    anvil_start(&c.anvil, 0, (const char *const[]){NULL});
    live_begin(&c.live, c.anvil.url, 1);
    assert_int_equal(ts_address_of_key(c.live.crypto, &key, &c.account), TS_OK);
    for (uint8_t i = 0; i < 2; i++) {
        c.keys[i].b[31] = (uint8_t)(i + 1);
        assert_int_equal(ts_address_of_key(c.live.crypto, &c.keys[i], &c.ids[i]), TS_OK);
    }
    deploy(&c);
    set_up(&c);
    register_second(&c);
    replace(&c);
    const struct ts_rollup r = publish(&c);
    roll_back(&c, r);
    equivocate(&c);
    check_events(&c);
    ts_l1_put_revoke(&c.b, &c.ids[1]);
    send_well(&c, 0);
    live_end(&c.live);
    anvil_end(&c.anvil, true);
    ts_buf_free(&c.b);
    ts_arena_free(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contract)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
