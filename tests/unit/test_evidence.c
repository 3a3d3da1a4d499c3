/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of each kind as a node keeps it: it proves what was found, its file is the one in
 * tests/data/evidence, and what is not so proves nothing.
 *
 * With TENSEQ_WRITE_SAMPLES=1 in the environment the files are written instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/evidence_json.h"
#include "base/check.h"
#include "chain/rollup.h"
#include "evidence_kit.h"
#include "unit.h"

static struct ts_evidence_verdict verdict;

/* The evidence of a sample, checked: it proves the very finding that was told. */
static char *file_of(struct ek_sample *s, const struct ek_case *c)
{
    struct ek_store store = {.w = s->w, .node = s->node};
    struct ts_evidence_source source = ek_source(&store);
    const struct ts_finding *f = ek_finding(s, c->kind);
    struct ts_evidence_built built;
    assert_int_equal(f->severity, TS_SEVERITY_PROOF);
    assert_int_equal(
        ts_evidence_build(&source, &f->evidence, &s->net->genesis, s->net->crypto, &built), TS_OK);
    if (ts_evidence_check(&built.evidence, s->net->crypto, ts_rollup_said, &verdict) != TS_OK)
        fail_msg("%s: %s", c->name, verdict.why);
    assert_string_equal(verdict.finding.text, f->text);
    assert_memory_equal(&verdict.finding, f, sizeof(*f));
    json_t *json = ts_evidence_to_json(&built.evidence, &verdict);
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    assert_non_null(text);
    json_decref(json);
    ts_evidence_built_free(&built);
    return text;
}

static void each_kind_is_proven_and_its_file_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ek_n_cases; i++) {
        struct ek_sample s;
        char path[300];
        ek_begin(&s, &ek_cases[i]);
        char *made = file_of(&s, &ek_cases[i]);
        (void)snprintf(path, sizeof(path), TS_EVIDENCE_DATA "/%s.json", ek_cases[i].name);
        char *kept = ek_kept(path, made);
        if (strcmp(made, kept) != 0)
            fail_msg("%s is not what a node makes; TENSEQ_WRITE_SAMPLES=1 writes it anew", path);
        struct ts_evidence_file file;
        ts_err err =
            ts_evidence_verify(kept, strlen(kept), s.net->crypto, ts_rollup_said, &file, &verdict);
        if (err != TS_OK)
            fail_msg("%s: %s", path, verdict.why);
        ts_evidence_file_free(&file);
        free(made);
        free(kept);
        ek_end(&s);
    }
}

/* A node that was stopped and started knows its findings of evidence still. */
static void findings_of_evidence_outlive_the_node(void **state)
{
    (void)state;
    for (size_t i = 0; i < ek_n_cases; i++) {
        struct ek_sample s;
        ek_begin(&s, &ek_cases[i]);
        const struct ts_finding f = *ek_finding(&s, ek_cases[i].kind);
        nw_kill(s.w, s.node);
        nw_restart(s.w, s.node);
        const struct ts_audit *a = ts_node_audit(s.w->nodes[s.node].core);
        size_t same = 0;
        for (size_t k = 0; k < ts_audit_count(a); k++)
            same += ts_finding_equal(ts_audit_get(a, k), &f);
        bool is_waiting = ek_cases[i].kind == TS_F_ROLLUP_MISMATCH &&
                          s.w->nodes[s.node].store.n_rollups == 0; /* L1 tells it again */
        if (same != (is_waiting ? 0 : 1))
            fail_msg("%s: known %zu times", ek_cases[i].name, same);
        ek_end(&s);
    }
}

/* ---- what proves nothing --------------------------------------------------------------------- */

static void refused(const struct ek_proof *p, const struct ts_evidence *e, const char *why)
{
    assert_int_equal(ts_evidence_check(e, p->s.net->crypto, ts_rollup_said, &verdict),
                     TS_E_EVIDENCE);
    if (strstr(verdict.why, why) == NULL)
        fail_msg("%s", verdict.why);
}

static void the_same_seal_twice_proves_nothing(void **state)
{
    struct ek_proof p;
    (void)state;
    ek_open(&p, "equivocation-batch");
    struct ts_evidence e = p.built.evidence;
    e.other = e.batch;
    refused(&p, &e, "both seals are for the same batch");
    e = p.built.evidence;
    e.other.header.number++;
    refused(&p, &e, "not for one number");
    e = p.built.evidence;
    e.other.header.time++;
    refused(&p, &e, "the seal of the other batch");
    e.batch.header.time++;
    refused(&p, &e, "the seal of the batch");
    ek_close(&p);
}

static void another_network_proves_nothing(void **state)
{
    struct ek_proof p;
    (void)state;
    ek_open(&p, "equivocation-batch");
    struct testnet *other = tn_running(4);
    struct ts_evidence e = p.built.evidence;
    e.genesis = &other->genesis;
    refused(&p, &e, "of another network");
    tn_free(other);
    ek_close(&p);
}

static void strangers_and_their_grants_prove_nothing(void **state)
{
    struct ek_proof p;
    (void)state;
    ek_open(&p, "equivocation-granted");
    struct ts_evidence e = p.built.evidence;
    assert_int_equal(e.n_grants, 1);
    assert_int_equal(ts_evidence_check(&e, p.s.net->crypto, NULL, &verdict), TS_OK);
    assert_non_null(strstr(verdict.rests, "was listed by batch 6"));
    e.n_grants = 0;
    refused(&p, &e, "neither the genesis nor a grant lists");
    struct ts_sealed grants[2] = {e.grants[0], e.grants[0]};
    e.grants = grants;
    e.n_grants = 2;
    refused(&p, &e, "does not stand behind");
    e.n_grants = 1;
    grants[0].header.time++;
    refused(&p, &e, "the seal of grant 1");
    /* One's own batch grants nothing: it is sealed, and no payload lists anybody. */
    grants[0] = e.batch;
    refused(&p, &e, "lists nobody");
    ek_close(&p);
}

static void what_agrees_proves_nothing(void **state)
{
    struct ek_proof p;
    (void)state;
    ek_open(&p, "whitelist-mismatch-list");
    struct ts_evidence e = p.built.evidence;
    e.l1_list = p.s.net->genesis.whitelist;
    e.n_l1_list = 3;
    refused(&p, &e, "the batch and L1 agree");
    ek_close(&p);
    ek_open(&p, "whitelist-mismatch-block");
    e = p.built.evidence;
    e.l1_list = p.s.net->genesis.whitelist;
    e.n_l1_list = 3;
    refused(&p, &e, "has no list to compare with");
    ek_close(&p);
    ek_open(&p, "payload-edited");
    e = p.built.evidence;
    e.given = e.batch.payload;
    refused(&p, &e, "is the sealed one");
    ek_close(&p);
    ek_open(&p, "rollup-mismatch-time");
    e = p.built.evidence;
    e.has_data = false;
    refused(&p, &e, "do not contradict");
    e = p.built.evidence;
    e.has_batch = false;
    refused(&p, &e, "in order");
    e.data = ts_bytes_of(e.data.p, e.data.n - 1);
    refused(&p, &e, "not those that the rollup commits to");
    assert_int_equal(ts_evidence_check(&p.built.evidence, p.s.net->crypto, NULL, &verdict),
                     TS_E_UNSUPPORTED);
    ek_close(&p);
}

static struct ts_rollup_said said;

static ts_err say(ts_bytes data, size_t n, size_t at, struct ts_rollup_said *out)
{
    (void)data;
    (void)n;
    (void)at;
    *out = said;
    return TS_OK;
}

static void says(const struct ek_proof *p, const char *what)
{
    assert_int_equal(ts_evidence_check(&p->built.evidence, p->s.net->crypto, say, &verdict), TS_OK);
    assert_non_null(strstr(verdict.finding.text, what));
}

/* Whatever the data say of the batch, and the batch does not. */
static void each_part_of_the_data_is_compared(void **state)
{
    struct ek_proof p;
    (void)state;
    ek_open(&p, "rollup-mismatch-time");
    const struct ts_batch_header *h = &p.built.evidence.batch.header;
    const struct ts_rollup_said same = {.time = h->time,
                                        .term = h->term,
                                        .producer = h->producer,
                                        .l1_number = h->l1_number,
                                        .tx_root = h->tx_root};
    said = same;
    assert_int_equal(ts_evidence_check(&p.built.evidence, p.s.net->crypto, say, &verdict),
                     TS_E_EVIDENCE);
    said.time--;
    says(&p, "has another time in batch 4");
    said = same;
    said.term++;
    says(&p, "has another term in batch 4");
    said = same;
    said.producer = *tn_id(p.s.net, 1);
    says(&p, "has another producer in batch 4");
    said = same;
    said.l1_number++;
    says(&p, "has another L1 block in batch 4");
    said = same;
    said.tx_root.b[31] ^= 1;
    says(&p, "has other transactions in batch 4");
    ek_close(&p);
}

static void an_unknown_id_is_not_found(void **state)
{
    struct ek_proof p;
    struct ts_evidence_built built;
    ts_hash id = {{1}};
    (void)state;
    ek_open(&p, "equivocation-granted");
    struct ek_store store = {.w = p.s.w, .node = p.s.node};
    struct ts_evidence_source source = ek_source(&store);
    assert_int_equal(ts_evidence_build(&source, &id, &p.s.net->genesis, p.s.net->crypto, &built),
                     TS_E_NOT_FOUND);
    ts_record_grant_id(tn_id(p.s.net, 3), 1, &id); /* a grant alone is no evidence */
    assert_int_equal(ts_evidence_build(&source, &id, &p.s.net->genesis, p.s.net->crypto, &built),
                     TS_E_NOT_FOUND);
    ek_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_proven_and_its_file_is_kept),
        cmocka_unit_test(findings_of_evidence_outlive_the_node),
        cmocka_unit_test(the_same_seal_twice_proves_nothing),
        cmocka_unit_test(another_network_proves_nothing),
        cmocka_unit_test(strangers_and_their_grants_prove_nothing),
        cmocka_unit_test(what_agrees_proves_nothing),
        cmocka_unit_test(each_part_of_the_data_is_compared),
        cmocka_unit_test(an_unknown_id_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
