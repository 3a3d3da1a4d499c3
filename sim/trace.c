/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what happens: to the hash, to the checkers, and to who reads. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tenseq/finding.h"
#include "world.h"

#define MAX_CHECKERS 16

struct sim_trace {
    bool verbose;
    uint64_t hash; /* FNV-1a */
    uint64_t events;
    unsigned findings;
    uint64_t takeovers, term;
    struct sim_verdict verdict;
    void *states[MAX_CHECKERS];
};

static void print_names(const struct sim_world *w)
{
    char id[TS_ADDRESS_HEX_SIZE];
    for (unsigned i = 0; i < w->n_enclaves; i++)
        printf("enclave %u is %s\n", i, ts_hex(w->enclaves[i].id.b, 20, id));
    printf("\n");
}

void sim_trace_init(struct sim_world *w, bool verbose)
{
    struct sim_trace *t = sim_must(calloc(1, sizeof(*t)));
    t->verbose = verbose;
    t->hash = UINT64_C(0xcbf29ce484222325);
    TS_CHECK(n_sim_checkers <= MAX_CHECKERS);
    w->trace = t;
    if (verbose)
        print_names(w);
    for (size_t i = 0; i < n_sim_checkers; i++)
        t->states[i] = sim_checkers[i]->make(&w->setting);
}

void sim_trace_free(struct sim_world *w)
{
    for (size_t i = 0; i < n_sim_checkers; i++)
        sim_checkers[i]->drop(w->trace->states[i]);
    free(w->trace);
}

bool sim_check_is_known(const char *invariant)
{
    for (size_t i = 0; i < n_sim_checkers; i++)
        if (strcmp(invariant, sim_checkers[i]->name) == 0)
            return true;
    return false;
}

bool sim_violated(const struct sim_world *w)
{
    return w->trace->verdict.violated;
}

void sim_trace_result(const struct sim_world *w, struct sim_result *r)
{
    const struct sim_trace *t = w->trace;
    *r = (struct sim_result){.ok = !t->verdict.violated,
                             .verdict = t->verdict,
                             .trace_hash = t->hash,
                             .events = t->events,
                             .takeovers = t->takeovers,
                             .findings = t->findings};
}

/* ---- the hash ---- */

static void mix(struct sim_trace *t, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        t->hash = (t->hash ^ b[i]) * UINT64_C(0x100000001b3);
}

static void hash_event(struct sim_trace *t, const struct sim_event *e)
{
    uint64_t words[5] = {(uint64_t)e->kind, e->at_us, (uint64_t)(int64_t)e->who, e->number,
                         (uint64_t)e->err};
    if (e->l1 != NULL)
        memcpy(&words[3], e->l1->hash.b, sizeof(words[3]));
    if (e->batch != NULL)
        memcpy(&words[3], e->batch->hash.b, sizeof(words[3]));
    if (e->msg != NULL)
        words[4] ^= e->msg->type << 32 ^ e->msg->id << 40;
    for (size_t i = 0; i < 5; i++)
        t->hash = (t->hash ^ words[i]) * UINT64_C(0x100000001b3);
    if (e->text != NULL)
        mix(t, e->text, strlen(e->text));
}

/* ---- for who reads ---- */

static const char *short_hash(const ts_hash *h, char out[16])
{
    snprintf(out, 16, "%02x%02x%02x%02x", h->b[0], h->b[1], h->b[2], h->b[3]);
    return out;
}

static void print_msg(const struct ts_msg *m)
{
    char h[16];
    if (m == NULL) {
        printf("(bytes that are no message)");
        return;
    }
    printf("%s", ts_msg_name(m->type));
    switch (m->type) {
    case TS_MSG_ERROR:
        printf(": %.*s", (int)m->u.error.text.n, (const char *)m->u.error.text.p);
        return;
    case TS_MSG_IDENTIFY:
        if (m->is_answer)
            printf(" %s at %" PRIu64, ts_enclave_state_name(m->u.identity.state),
                   m->u.identity.head.number);
        return;
    case TS_MSG_ACCEPT:
    case TS_MSG_SYNCED:
    case TS_MSG_REPORT:
    case TS_MSG_ACTIVATE:
    case TS_MSG_STEP_DOWN:
        if (m->is_answer)
            printf(" %s at %" PRIu64 " %s%s, %zu unpublished",
                   ts_enclave_state_name(m->u.events.state), m->u.events.head.number,
                   short_hash(&m->u.events.head.hash, h), m->u.events.has_report ? ", report" : "",
                   m->u.events.n_transitions);
        else if (m->type == TS_MSG_ACTIVATE)
            printf(" term %" PRIu64, m->u.activate.term);
        return;
    case TS_MSG_CREATE:
        if (m->is_answer)
            printf(" %s, %zu rejected", m->u.created.fresh ? "fresh" : "sealed before",
                   m->u.created.n_rejected);
        else
            printf(" on %" PRIu64 " %s: %zu transactions, %zu reports, %zu transitions",
                   m->u.create.parent.number, short_hash(&m->u.create.parent.hash, h),
                   m->u.create.n_txs, m->u.create.n_reports, m->u.create.n_transitions);
        return;
    default:
        return;
    }
}

static void print_batch(const struct sim_batch *b)
{
    char h[16];
    if (b != NULL)
        printf(" batch %" PRIu64 " %s (term %" PRIu64
               ", enclave %d, %zu transactions, %zu reports, "
               "%zu transitions, %zu absent)",
               b->number, short_hash(&b->hash, h), b->b->header.term, b->producer, b->b->n_txs,
               b->b->payload.n_reports, b->b->payload.n_transitions, b->b->payload.n_absent);
}

static void print_l1(const struct sim_world *w, const struct sim_l1_block *b)
{
    char h[16];
    printf("L1 block %" PRIu64 " %s, whitelist", b->number, short_hash(&b->hash, h));
    for (unsigned i = 0; i < w->n_enclaves; i++)
        for (size_t k = 0; k < b->n_whitelist; k++)
            if (ts_address_equal(&b->whitelist[k], &w->enclaves[i].id))
                printf(" %u", i);
    for (size_t i = 0; i < b->n_taken_back; i++)
        printf(", rollups of %" PRIu64 " to %" PRIu64 " taken back", b->taken_back[i].first,
               b->taken_back[i].last);
    for (size_t i = 0; i < b->n_rollups; i++)
        printf(", rollup of %" PRIu64 " to %" PRIu64, b->rollups[i].rollup.first_number,
               b->rollups[i].rollup.last_number);
}

static const char *const names[] = {
    [SIM_BOOT] = "boots",
    [SIM_END] = "ends",
    [SIM_HOST_UP] = "host starts",
    [SIM_HOST_DOWN] = "host is killed",
    [SIM_NODE_UP] = "starts",
    [SIM_NODE_DOWN] = "is killed",
    [SIM_PREPARED] = "host's disk: prepared",
    [SIM_COMMITTED] = "host's disk: committed",
    [SIM_DISCARDED] = "host's disk: discarded",
    [SIM_BROADCAST] = "host broadcasts",
    [SIM_NODE_TAKES] = "holds",
    [SIM_NODE_LEAVES] = "leaves its line, from batch",
    [SIM_NODE_EVIDENCE] = "keeps evidence",
    [SIM_FINDING] = "finds",
    [SIM_TX_SENT] = "transaction sent",
    [SIM_TX_STORED] = "host's disk: transaction",
    [SIM_TX_ACKED] = "transaction acknowledged",
    [SIM_TX_REFUSED] = "transaction refused",
    [SIM_TX_REJECTED] = "host's disk: transaction rejected",
    [SIM_L1_BLOCK] = "L1 block",
    [SIM_L1_REORG] = "L1 goes back to block",
    [SIM_NODE_ROLLUP] = "has looked at the rollup that ends at",
    [SIM_NODE_ROLLUPS_BACK] = "drops the rollups that end from here on:",
    [SIM_LIE] = "LIE:",
    [SIM_FAULT] = "FAULT",
    [SIM_CALM] = "CALM: no more faults",
    [SIM_LOG] = "log",
    [SIM_OVER] = "the end",
};

/* Host or node, or the operator behind the host's back. */
static const char *owner(const struct sim_world *w, int enclave, char out[16])
{
    int who = w->links[enclave].owner;
    if ((int)w->links[enclave].enclave != enclave)
        return "operator"; /* a copy: no wire leads to it */
    if (who == SIM_HOST)
        return "host";
    snprintf(out, 16, "node %d", who);
    return out;
}

static void print_event(const struct sim_world *w, const struct sim_event *e)
{
    char name[16];
    printf("%12.3f ms  ", (double)e->at_us / 1000);
    switch (e->kind) {
    case SIM_REQUEST:
        printf("%s → enclave %d  ", owner(w, e->who, name), e->who);
        print_msg(e->msg);
        break;
    case SIM_ANSWER:
        printf("enclave %d → %s  ", e->who, owner(w, e->who, name));
        print_msg(e->msg);
        break;
    case SIM_BOOT:
    case SIM_END:
        printf("enclave %d %s", e->who, names[e->kind]);
        break;
    case SIM_NODE_UP:
    case SIM_NODE_DOWN:
    case SIM_NODE_TAKES:
    case SIM_NODE_EVIDENCE:
    case SIM_FINDING:
        printf("node %d %s", e->who, names[e->kind]);
        if (e->finding != NULL)
            printf(" %s (%s)", ts_finding_name((int)e->finding->kind),
                   ts_severity_name((int)e->finding->severity));
        break;
    case SIM_TX_SENT:
    case SIM_TX_STORED:
    case SIM_TX_ACKED:
    case SIM_TX_REFUSED:
    case SIM_TX_REJECTED:
        printf("%s %" PRIu64 " 0x%s", names[e->kind], e->number, short_hash(&e->hash, name));
        if (e->kind == SIM_TX_SENT && e->who != SIM_HOST)
            printf(" over node %d", e->who);
        break;
    case SIM_L1_BLOCK:
        print_l1(w, e->l1);
        break;
    case SIM_L1_REORG:
        printf("%s %" PRIu64, names[e->kind], e->number);
        break;
    case SIM_NODE_ROLLUP:
    case SIM_NODE_ROLLUPS_BACK:
    case SIM_NODE_LEAVES:
        printf("node %d %s %" PRIu64, e->who, names[e->kind], e->number);
        break;
    case SIM_LOG:
        if (e->who == SIM_HOST)
            printf("log of host:");
        else
            printf("log of node %d:", e->who);
        break;
    default:
        printf("%s", names[e->kind]);
        break;
    }
    print_batch(e->batch);
    if ((e->kind == SIM_FAULT || e->kind == SIM_LIE) && e->who >= 0)
        printf(" %d", e->who);
    printf("%s%s\n", e->text != NULL ? "  " : "", e->text != NULL ? e->text : "");
}

/* ---- telling ---- */

void sim_tell(struct sim_world *w, struct sim_event *e)
{
    struct sim_trace *t = w->trace;
    if (t->verdict.violated)
        return;
    e->at_us = w->now;
    t->events++;
    hash_event(t, e);
    if (t->verbose)
        print_event(w, e);
    t->findings += e->kind == SIM_FINDING;
    if (e->kind == SIM_BROADCAST && e->batch->b->header.term > t->term) {
        t->term = e->batch->b->header.term;
        t->takeovers++;
    }
    for (size_t i = 0; i < n_sim_checkers && !t->verdict.violated; i++)
        if (w->o.check == NULL || strcmp(w->o.check, sim_checkers[i]->name) == 0)
            sim_checkers[i]->see(t->states[i], e, &t->verdict);
    if (t->verbose && t->verdict.violated)
        printf("\n%s is violated: %s\n", t->verdict.invariant, t->verdict.text);
}

void sim_tell_fault(struct sim_world *w, int who, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct sim_event ev = {.kind = SIM_FAULT, .who = who, .text = text};
    sim_tell(w, &ev);
}
