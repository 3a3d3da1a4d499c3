/* SPDX-License-Identifier: Apache-2.0 */
/* Forgeries whose signatures all hold: whoever has keys of his own can make them. Each is refused
 * for what is wrong with it, and its file kept in tests/data/evidence/forged, for the other checker
 * (tests/evidence/agree.py). With TENSEQ_WRITE_SAMPLES=1 the files are written instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/evidence_json.h"
#include "chain/batch.h"
#include "chain/lists.h"
#include "chain/rollup.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "evidence_kit.h"
#include "unit.h"

/* One in the making. */
struct forged {
    struct ek_proof *p;
    struct ts_evidence e;
    struct ts_sealed grants[2];
    ts_address list[2];
    struct ts_buf payload;
};

static const ts_secret *key_of(const struct forged *f, const ts_address *id)
{
    return &f->p->s.net->enclaves[tn_index(f->p->s.net, id)].key;
}

/* By its producer, whoever that is now. */
static void seal(struct forged *f, struct ts_sealed *s)
{
    const struct ts_domain *d = &f->e.genesis->domain;
    struct ts_batch_seal seal;
    ts_hash digest;
    ts_header_hash(d, &s->header, &seal.batch_hash);
    ts_protocol_root(&s->parent_root, s->payload, &seal.protocol_root);
    ts_seal_digest(d, &seal, &digest);
    assert_int_equal(
        ts_sign(f->p->s.net->crypto, key_of(f, &s->header.producer), &digest, &s->seal), TS_OK);
}

static void sign_rollup(struct forged *f)
{
    ts_hash digest;
    ts_rollup_hash(&f->e.genesis->domain, &f->e.rollup, &digest);
    assert_int_equal(
        ts_sign(f->p->s.net->crypto, &f->p->s.net->enclaves[1].key, &digest, &f->e.rollup.sig),
        TS_OK);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static void own_grant(struct forged *f)
{
    f->grants[0].header.producer = *tn_id(f->p->s.net, 3); /* whom it lists */
    seal(f, &f->grants[0]);
}

static void later_grant(struct forged *f)
{
    f->grants[0].header.number = f->e.batch.header.number + 1;
    seal(f, &f->grants[0]);
}

/* The later one lists the same enclave, and so does all there is to do. */
static void second_grant(struct forged *f)
{
    f->grants[1] = f->grants[0];
    f->grants[1].header.number++;
    seal(f, &f->grants[1]);
    f->e.n_grants = 2;
}

/* A grant of one's own making that lists some and removes others. */
static void grant(struct forged *f, struct ts_sealed *g, size_t added, size_t removed)
{
    struct ts_notice notice = {.type = TS_NOTICE_WHITELIST};
    struct ts_whitelist_change c = {.added = (ts_address *)(uintptr_t)tn_id(f->p->s.net, added),
                                    .n_added = 1,
                                    .removed = (ts_address *)(uintptr_t)tn_id(f->p->s.net, removed),
                                    .n_removed = 1};
    struct ts_payload payload = {.notices = &notice, .n_notices = 1};
    struct ts_buf body;
    ts_buf_init(&body, 0);
    ts_whitelist_change_put(&body, &c);
    notice.body = ts_buf_bytes(&body);
    ts_buf_reset(&f->payload);
    ts_payload_put(&f->payload, &payload);
    assert_int_equal(f->payload.err, TS_OK);
    ts_buf_free(&body);
    g->payload = ts_buf_bytes(&f->payload);
    g->header.producer = *tn_id(f->p->s.net, 1);
    seal(f, g);
}

/* One who is not listed lists another, who signs. */
static void strangers_grant(struct forged *f)
{
    grant(f, &f->grants[0], 2, 1);
    f->grants[0].header.producer = *tn_id(f->p->s.net, 3);
    seal(f, &f->grants[0]);
}

/* The batches are by 0, which the grant before them removes. */
static void removed_before(struct forged *f)
{
    f->grants[0] = f->e.batch;
    f->grants[0].header.number = 6;
    grant(f, &f->grants[0], 3, 0);
    f->e.grants = f->grants;
    f->e.n_grants = 1;
}

/* The same of the last of all numbers, where another signs whom the grant lists. */
static void removed_before_the_end(struct forged *f)
{
    removed_before(f);
    f->e.batch.header.number = f->e.other.header.number = UINT64_MAX;
    f->e.other.header.producer = *tn_id(f->p->s.net, 3);
    seal(f, &f->e.batch);
    seal(f, &f->e.other);
}

/* ---- grants that are none in the protocol's form ---- */

/* [[], [], [], [[1, [103, hash, added, []]]], more]: added as they are. */
static void put_grant(struct forged *f, const ts_address *added, size_t n, bool has_more)
{
    static const ts_hash hash = {{7}};
    struct ts_buf body, *b = &f->payload;
    ts_buf_init(&body, 0);
    size_t change = ts_put_list(&body);
    ts_put_u64(&body, 103);
    ts_put_hash(&body, &hash);
    ts_addresses_put(&body, added, n);
    ts_addresses_put(&body, NULL, 0);
    ts_put_list_end(&body, change);
    ts_buf_reset(b);
    size_t payload = ts_put_list(b);
    for (size_t i = 0; i < 3; i++)
        ts_addresses_put(b, NULL, 0);
    size_t notices = ts_put_list(b), notice = ts_put_list(b);
    ts_put_u64(b, TS_NOTICE_WHITELIST);
    ts_put_bytes(b, ts_buf_bytes(&body));
    ts_put_list_end(b, notice);
    ts_put_list_end(b, notices);
    if (has_more)
        ts_put_u64(b, 0);
    ts_put_list_end(b, payload);
    assert_int_equal(b->err, TS_OK);
    ts_buf_free(&body);
    f->grants[0].payload = ts_buf_bytes(b);
}

static void grant_with_more(struct forged *f)
{
    put_grant(f, tn_id(f->p->s.net, 3), 1, true);
    seal(f, &f->grants[0]);
}

static void grant_in_disorder(struct forged *f)
{
    ts_address two[2] = {*tn_id(f->p->s.net, 3), *tn_id(f->p->s.net, 3)};
    two[1].b[0] ^= 0xff;
    if (ts_address_compare(&two[0], &two[1]) < 0) {
        two[0] = two[1];
        two[1] = *tn_id(f->p->s.net, 3);
    }
    put_grant(f, two, 2, false);
    seal(f, &f->grants[0]);
}

/* The length of the payload in two bytes, of which the first is 0. */
static void grant_in_long_form(struct forged *f)
{
    put_grant(f, tn_id(f->p->s.net, 3), 1, false);
    struct ts_buf *b = &f->payload;
    assert_int_equal(b->p[0], 0xf8);
    ts_buf_put_byte(b, 0);
    memmove(b->p + 2, b->p + 1, b->n - 2);
    b->p[0] = 0xf9;
    b->p[1] = 0;
    f->grants[0].payload = ts_buf_bytes(b);
    seal(f, &f->grants[0]);
}

/* A transition that is none stands beside the notice. */
static void grant_beside_nonsense(struct forged *f)
{
    put_grant(f, tn_id(f->p->s.net, 3), 1, false);
    struct ts_buf *b = &f->payload;
    ts_buf_put_byte(b, 0);
    memmove(b->p + 4, b->p + 3, b->n - 4);
    b->p[1]++;
    b->p[2] = 0xc1;
    b->p[3] = 0x01;
    f->grants[0].payload = ts_buf_bytes(b);
    seal(f, &f->grants[0]);
}

/* ---- two batches ----------------------------------------------------------------------------- */

static void other_parent(struct forged *f)
{
    f->e.other.header.parent_hash.b[0] ^= 1;
    seal(f, &f->e.other);
}

static void other_parent_root(struct forged *f)
{
    f->e.other.parent_root.b[0] ^= 1;
    seal(f, &f->e.other);
}

static void number_zero(struct forged *f)
{
    f->e.batch.header.number = f->e.other.header.number = 0;
    seal(f, &f->e.batch);
    seal(f, &f->e.other);
}

/* ---- rollups --------------------------------------------------------------------------------- */

static void no_range(struct forged *f)
{
    f->e.rollup.first_number = f->e.rollup.last_number + 1;
    sign_rollup(f);
}

static void from_zero(struct forged *f)
{
    f->e.rollup.first_number = 0;
    sign_rollup(f);
}

static void below_the_batch(struct forged *f)
{
    f->e.rollup.last_number = f->e.batch.header.number - 1;
    sign_rollup(f);
}

static void too_long(struct forged *f)
{
    f->e.rollup.last_number = f->e.rollup.first_number + TS_EVIDENCE_ROLLUP_BATCHES;
    sign_rollup(f);
}

static void not_too_long(struct forged *f)
{
    f->e.rollup.last_number = f->e.rollup.first_number + TS_EVIDENCE_ROLLUP_BATCHES - 1;
    sign_rollup(f);
}

static void agrees(struct forged *f)
{
    ts_hash root;
    assert_int_equal(ts_sealed_verify(f->p->s.net->crypto, &f->e.genesis->domain, &f->e.batch,
                                      &f->e.rollup.last_hash, &root),
                     TS_OK);
    sign_rollup(f);
}

/* ---- whitelists ------------------------------------------------------------------------------ */

static void other_l1_number(struct forged *f)
{
    f->e.batch.header.l1_number++;
    seal(f, &f->e.batch);
}

static void list_in_disorder(struct forged *f)
{
    assert_int_equal(f->e.n_l1_list, 2);
    f->list[0] = f->e.l1_list[1];
    f->list[1] = f->e.l1_list[0];
    f->e.l1_list = f->list;
}

static void with_payload(struct forged *f, const struct ts_payload *p)
{
    ts_payload_put(&f->payload, p);
    assert_int_equal(f->payload.err, TS_OK);
    f->e.batch.payload = ts_buf_bytes(&f->payload);
    seal(f, &f->e.batch);
}

static void no_reports(struct forged *f)
{
    with_payload(f, &(struct ts_payload){.absent = f->list, .n_absent = 0});
}

static void told_twice(struct forged *f)
{
    struct ts_arena arena;
    struct ts_payload p;
    struct ts_reader r = ts_reader_of(f->e.batch.payload);
    ts_arena_init(&arena, 0);
    ts_payload_read(&r, &arena, &p);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    f->list[0] = p.reports[0].enclave_id;
    p.absent = f->list;
    p.n_absent = 1;
    with_payload(f, &p);
    ts_arena_free(&arena);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct {
    const char *name; /* of its file */
    const char *of;   /* the sample it is made of */
    void (*forge)(struct forged *f);
    const char *why;
} forgeries[] = {
    {"grant-by-whom-it-lists", "equivocation-granted", own_grant, "nobody that was listed before"},
    {"grant-by-a-stranger", "equivocation-new-list", strangers_grant,
     "nobody that was listed before"},
    {"grant-too-late", "equivocation-granted", later_grant, "neither the genesis nor a grant"},
    {"grant-too-many", "equivocation-granted", second_grant, "lists nobody that counts"},
    {"grant-that-removes", "equivocation-batch", removed_before, "neither the genesis nor a grant"},
    {"grant-that-removes-at-the-end", "equivocation-batch", removed_before_the_end,
     "neither the genesis nor a grant"},
    {"grant-with-more", "equivocation-granted", grant_with_more, "lists nobody"},
    {"grant-in-disorder", "equivocation-granted", grant_in_disorder, "lists nobody"},
    {"grant-in-long-form", "equivocation-granted", grant_in_long_form, "lists nobody"},
    {"grant-beside-nonsense", "equivocation-granted", grant_beside_nonsense, "lists nobody"},
    {"equivocation-parents", "equivocation-batch", other_parent, "not for one number on one"},
    {"equivocation-roots", "equivocation-batch", other_parent_root, "not for one number on one"},
    {"equivocation-zero", "equivocation-batch", number_zero, "the number 0"},
    {"rollup-no-range", "rollup-mismatch-hash", no_range, "the rollup has no range"},
    {"rollup-from-zero", "rollup-mismatch-hash", from_zero, "the rollup has no range"},
    {"rollup-elsewhere", "rollup-mismatch-hash", below_the_batch, "not in the rollup's range"},
    {"rollup-too-long", "rollup-mismatch-hash", too_long, "names more batches than one may hold"},
    {"rollup-long", "rollup-mismatch-range", not_too_long, "neither a batch nor data are there"},
    {"rollup-in-order", "rollup-mismatch-hash", agrees, "do not contradict each other"},
    {"l1-number", "whitelist-mismatch-block", other_l1_number, "another block than the batch"},
    {"l1-list", "whitelist-mismatch-list", list_in_disorder, "L1's list is not ascending"},
    {"l1-no-reports", "whitelist-mismatch-list", no_reports, "does not account for the whitelist"},
    {"l1-twice", "whitelist-mismatch-list", told_twice, "does not account for the whitelist"},
};

static void is_refused(const struct forged *f, const char *name, const char *why,
                       struct ts_evidence_verdict *v)
{
    if (ts_evidence_check(&f->e, f->p->s.net->crypto, ts_rollup_said, v) != TS_E_EVIDENCE ||
        strstr(v->why, why) == NULL)
        fail_msg("%s: %s", name, v->why);
}

/* As its maker would write it: with the finding of the sample. */
static void is_kept(const struct forged *f, const char *name, const struct ts_evidence_verdict *v)
{
    char path[300];
    json_t *json = ts_evidence_to_json(&f->e, v);
    char *made = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    assert_non_null(made);
    (void)snprintf(path, sizeof(path), TS_EVIDENCE_DATA "/forged/%s.json", name);
    char *kept = ek_kept(path, made);
    assert_string_equal(made, kept);
    free(made);
    free(kept);
    json_decref(json);
}

static void what_is_signed_may_be_false(void **state)
{
    static struct ts_evidence_verdict good, v;
    (void)state;
    for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
        struct ek_proof p;
        ek_open(&p, forgeries[i].of);
        struct forged f = {.p = &p, .e = p.built.evidence};
        assert_int_equal(ts_evidence_check(&f.e, p.s.net->crypto, ts_rollup_said, &good), TS_OK);
        ts_buf_init(&f.payload, 0);
        if (f.e.n_grants > 0) {
            f.grants[0] = f.e.grants[0];
            f.e.grants = f.grants;
        }
        forgeries[i].forge(&f);
        is_refused(&f, forgeries[i].name, forgeries[i].why, &v);
        is_kept(&f, forgeries[i].name, &good);
        ts_buf_free(&f.payload);
        ek_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_may_be_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
