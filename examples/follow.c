/* SPDX-License-Identifier: Apache-2.0 */
/* Follows a chain with nothing but libtenseq's public headers.
 *
 * usage: follow FILE
 *
 * The file's first line is a genesis as RLP in hex, each line after it a batch as RLP in hex, such
 * as the field raw of a node's ten_getBatch. Every batch is held against rules V1 to V8 and
 * audited; each transition and each finding is printed, and at the end what the chain says of every
 * enclave. Exit code 1: the sentence on standard error says which line is wrong and why.
 *
 *     cc follow.c $(pkg-config --cflags --libs tenseq) -o follow
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenseq/tenseq.h>

static int fail(unsigned line, const char *what, const char *detail)
{
    fprintf(stderr, "follow: line %u: %s: %s\n", line, what, detail);
    return 1;
}

/* The bytes of the next line, in fresh memory. False at the end of the file; err says whether the
 * line was hex. */
static bool next_line(FILE *file, uint8_t **raw, size_t *n, ts_err *err)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length = getline(&text, &room, file);
    *raw = NULL;
    *err = TS_OK;
    if (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    if (length >= 0) {
        *raw = malloc((size_t)length + 1);
        *err = *raw == NULL ? TS_E_NOMEM : ts_unhex_any(text, *raw, (size_t)length, n);
    }
    free(text);
    return length >= 0;
}

static void print_transitions(const struct ts_batch *batch)
{
    static const char *const kinds[] = {"?", "Started", "Active", "Passive"};
    char id[TS_ADDRESS_HEX_SIZE];
    for (size_t i = 0; i < batch->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *e = &batch->payload.transitions[i];
        printf("batch %" PRIu64 ": %s %s(%" PRIu64 ")\n", batch->header.number,
               ts_hex(e->enclave_id.b, sizeof(e->enclave_id.b), id), kinds[e->kind & 3], e->term);
    }
}

static void print_finding(void *ctx, const struct ts_finding *f)
{
    (void)ctx;
    printf("batch %" PRIu64 ": %s (%s): %s\n", f->last, ts_finding_name((int)f->kind),
           ts_severity_name((int)f->severity), f->text);
}

/* Checks one batch, moves the chain and audits it. */
static int take_batch(struct ts_chain *chain, struct ts_audit *audit, struct ts_effect *effect,
                      ts_bytes raw, unsigned line)
{
    const struct ts_audit_sink sink = {.emit = print_finding};
    struct ts_fault fault;
    struct ts_batch *batch;
    ts_err err = ts_batch_parse(raw, chain->genesis->params.max_batch_bytes, &batch);
    if (err != TS_OK)
        return fail(line, "not a batch", ts_err_text(err));
    err = ts_batch_check(chain, batch, NULL, effect, &fault);
    if (err == TS_OK) {
        err = ts_chain_apply(chain, effect);
        print_transitions(batch);
    }
    if (err == TS_OK)
        ts_audit_batch(audit, chain, batch, &sink);
    ts_batch_free(batch);
    if (err == TS_OK)
        return 0;
    return fail(line, ts_err_text(err), err == TS_E_NOMEM ? "batch not taken" : fault.what);
}

static void print_end(const struct ts_chain *chain)
{
    static const char *const roles[] = {"not started", "passive", "active"};
    char text[TS_HASH_HEX_SIZE];
    for (size_t i = 0; i < chain->registry.n; i++) {
        const struct ts_registry_entry *e = &chain->registry.entries[i];
        printf("%s %s%s, %" PRIu64 " boot%s, last report in batch %" PRIu64 "\n",
               ts_hex(e->id.b, sizeof(e->id.b), text), roles[e->role],
               e->whitelisted ? "" : ", removed", e->restarts, e->restarts == 1 ? "" : "s",
               e->last_report_in);
    }
    printf("head %" PRIu64 " %s term %" PRIu64 "\n", chain->head.number,
           ts_hex(chain->head.hash.b, sizeof(chain->head.hash.b), text), chain->head.term);
}

static int follow(FILE *file, struct ts_chain *chain, struct ts_audit *audit,
                  struct ts_effect *effect)
{
    uint8_t *raw;
    size_t n = 0;
    ts_err err;
    for (unsigned line = 2; next_line(file, &raw, &n, &err); line++) {
        int code = err == TS_OK ? take_batch(chain, audit, effect, ts_bytes_of(raw, n), line)
                                : fail(line, "not a batch", ts_err_text(err));
        free(raw);
        if (code != 0)
            return code;
    }
    print_end(chain);
    return 0;
}

static int run(FILE *file, struct ts_crypto *crypto, struct ts_effect *effect)
{
    /* Who executes nothing has no state root to start from; no rule looks at it. */
    const ts_hash no_state = {{0}};
    struct ts_genesis genesis;
    struct ts_chain chain;
    uint8_t *raw = NULL;
    size_t n = 0;
    ts_err err;
    if (!next_line(file, &raw, &n, &err))
        return fail(1, "no genesis", "the file is empty");
    if (err == TS_OK)
        err = ts_genesis_decode(ts_bytes_of(raw, n), &genesis);
    free(raw);
    if (err != TS_OK)
        return fail(1, "not a genesis", ts_err_text(err));
    err = ts_chain_init(&chain, &genesis, crypto, &no_state);
    struct ts_audit *audit = ts_audit_new(&genesis);
    int code = 1;
    if (err == TS_OK && audit != NULL)
        code = follow(file, &chain, audit, effect);
    else
        fail(1, "no chain", ts_err_text(err != TS_OK ? (int)err : (int)TS_E_NOMEM));
    if (err == TS_OK)
        ts_chain_free(&chain);
    ts_audit_free(audit);
    ts_genesis_free(&genesis);
    return code;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (file == NULL) {
        fprintf(stderr, argc == 2 ? "follow: the file cannot be opened\n" : "usage: follow FILE\n");
        return 2;
    }
    struct ts_crypto *crypto = ts_crypto_new();
    struct ts_effect *effect = ts_effect_new();
    int code = 1;
    if (crypto != NULL && effect != NULL)
        code = run(file, crypto, effect);
    else
        fprintf(stderr, "follow: out of memory\n");
    ts_effect_free(effect);
    ts_crypto_free(crypto);
    fclose(file);
    return code;
}
