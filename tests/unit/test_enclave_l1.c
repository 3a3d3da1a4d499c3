/* SPDX-License-Identifier: Apache-2.0 */
/* L1 headers as evidence: hash, number and age. */
#include <string.h>

#include "codec/eip712.h"
#include "codec/schema.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "enclave_kit.h"

#define L1_CHAIN 31337u

/* A header as L1 has it, as far as it is looked at; extra items follow as later forks add them. */
static ts_bytes header_of(struct ek *k, uint64_t number, uint64_t seconds, size_t extra)
{
    struct ts_buf b;
    static const uint8_t filler[32];
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    for (size_t i = 0; i < 8; i++)
        ts_put_bytes(&b, ts_bytes_of(filler, sizeof(filler)));
    ts_put_u64(&b, number);
    ts_put_u64(&b, 30000000);
    ts_put_u64(&b, 21000);
    ts_put_u64(&b, seconds);
    for (size_t i = 0; i < extra; i++)
        ts_put_bytes(&b, ts_bytes_of(filler, sizeof(filler)));
    ts_put_list_end(&b, mark);
    uint8_t *p = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(p);
    memcpy(p, b.p, b.n);
    ts_bytes kept = ts_bytes_of(p, b.n);
    ts_buf_free(&b);
    return kept;
}

/* One active enclave on a network with L1, at genesis. */
static struct ek *with_l1(void)
{
    struct ts_params params;
    ts_params_default(&params);
    params.max_l1_age_ms = 60000;
    struct ek *k = ek_open_with(2, 1, &params, L1_CHAIN);
    k->now = 1000000;
    ek_start(k, 0);
    ek_promote(k, 0);
    return k;
}

static struct ts_msg create_at(struct ek *k, uint64_t number, ts_bytes header)
{
    struct ts_msg req = ek_create_request(k, 0, 0);
    req.u.create.l1_number = number;
    ts_keccak256(header, &req.u.create.l1_hash);
    req.u.create.l1_header = header;
    return req;
}

static void a_batch_needs_the_header_it_names(void **state)
{
    (void)state;
    struct ek *k = with_l1();
    ts_bytes header = header_of(k, 7, 990, 8);
    struct ts_msg req = create_at(k, 7, header);
    struct ts_msg bad = req;
    bad.u.create.l1_header.n = 0;
    struct ts_msg m = ek_ask(k, 0, &bad);
    assert_code(m, TS_E_L1);
    assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "block 7 is missing", 18));
    bad = req;
    bad.u.create.l1_hash.b[0] ^= 1;
    m = ek_ask(k, 0, &bad);
    assert_code(m, TS_E_L1);
    bad = req;
    bad.u.create.l1_number = 8;
    m = ek_ask(k, 0, &bad);
    assert_code(m, TS_E_L1);
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    /* So does whoever accepts it. */
    ek_boot(k, 1);
    ek_load(k, 1, NULL);
    ts_bytes batch = m.u.created.batch;
    m = ek_accept(k, 1, batch);
    assert_code(m, TS_E_L1);
    struct ts_msg accept = {.type = TS_MSG_ACCEPT};
    accept.u.accept = (struct ts_msg_accept){.batch = batch, .l1_header = header};
    m = ek_ask(k, 1, &accept);
    assert_code(m, TS_OK);
    ek_close(k);
}

static void a_header_that_is_none_is_refused(void **state)
{
    (void)state;
    struct ek *k = with_l1();
    static const char *const junk[] = {"", "x", "\xc0", "\xc3\x01\x02\x03"};
    for (size_t i = 1; i < 4; i++) {
        struct ts_msg req = create_at(k, 7, ts_bytes_of(junk[i], strlen(junk[i])));
        struct ts_msg m = ek_ask(k, 0, &req);
        assert_code(m, TS_E_L1);
    }
    struct ts_msg req = create_at(k, 7, header_of(k, 7, UINT64_MAX / 1000 + 1, 0));
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_L1);
    assert_state(k, 0, TS_ENC_ACTIVE);
    ek_close(k);
}

static void an_old_l1_block_is_refused(void **state)
{
    (void)state;
    struct ek *k = with_l1();
    struct ts_msg req = create_at(k, 7, header_of(k, 7, 1000 - 61, 0));
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_V1_LINKS);
    req = create_at(k, 7, header_of(k, 7, 1000 - 60, 0));
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    ek_close(k);
}

static void a_notice_before_its_batch_needs_its_header(void **state)
{
    (void)state;
    struct ek *k = with_l1();
    ts_bytes header = header_of(k, 7, 990, 0);
    struct ts_whitelist_change c = {.l1_number = 7, .added = &k->enclaves[1].id, .n_added = 1};
    struct ts_buf b;
    ts_keccak256(header, &c.l1_hash);
    ts_buf_init(&b, 0);
    ts_whitelist_change_put(&b, &c);
    ek_boot(k, 1);
    ek_load(k, 1, NULL);
    struct ts_msg req = {.type = TS_MSG_SYNCED};
    req.u.synced = (struct ts_msg_synced){.time = k->now, .notice = ts_buf_bytes(&b)};
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_L1);
    assert_state(k, 1, TS_ENC_SYNCING);
    req.u.synced.l1_header = header;
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    assert_state(k, 1, TS_ENC_PASSIVE);
    ts_buf_free(&b);
    ek_close(k);
}

/* What the management contract takes: by the identity, for this network alone, the same each time.
 */
static void an_enclave_registers(void **state)
{
    (void)state;
    struct ek *k = with_l1();
    struct ts_msg req = {.type = TS_MSG_REGISTER};
    ts_hash digest;
    ek_boot(k, 1);
    ek_load(k, 1, NULL);
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_STATE); /* SYNCING signs nothing */
    struct ts_msg synced = {.type = TS_MSG_SYNCED};
    synced.u.synced.time = k->now;
    m = ek_ask(k, 1, &synced);
    assert_state(k, 1, TS_ENC_VALIDATING);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    struct ts_msg_registered first = m.u.registered;
    assert_true(ts_address_equal(&first.registration.enclave_id, &k->enclaves[1].id));
    ts_eip712_digest(&k->genesis.domain, &ts_enclave_registration_type, &first.registration,
                     &digest);
    assert_int_equal(ts_verify_signer(k->crypto, &digest, &first.sig, &k->enclaves[1].id), TS_OK);
    m = ek_ask(k, 1, &req);
    assert_memory_equal(&m.u.registered, &first, sizeof(first));
    assert_state(k, 1, TS_ENC_VALIDATING);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_needs_the_header_it_names),
        cmocka_unit_test(a_header_that_is_none_is_refused),
        cmocka_unit_test(an_old_l1_block_is_refused),
        cmocka_unit_test(a_notice_before_its_batch_needs_its_header),
        cmocka_unit_test(an_enclave_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
