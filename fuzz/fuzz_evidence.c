/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence, as a file and as a node stores it. Who signed is what a signature's first 20 bytes say,
 * so that what is behind the signatures is reached. A file is refused with one line of text; or it
 * is just what is written for its evidence, and proves the same when read again. */
#include <stdlib.h>
#include <string.h>

#include "audit/evidence_json.h"
#include "audit/record.h"
#include "base/check.h"
#include "chain/rollup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ts_err recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    (void)ctx;
    (void)digest;
    memcpy(out->b, sig->b, sizeof(out->b));
    return sig->b[64] == 27 || sig->b[64] == 28 ? TS_OK : TS_E_SIGNATURE;
}

static const struct ts_crypto crypto = {.recover = recover};

static void check_sentence(const char *why)
{
    TS_CHECK(why[0] != '\0');
    for (; *why != '\0'; why++)
        TS_CHECK((unsigned char)*why >= 0x20);
}

static void check_again(const struct ts_evidence_file *f, const struct ts_evidence_verdict *v)
{
    struct ts_evidence_file back;
    struct ts_evidence_verdict *again = calloc(1, sizeof(*again));
    json_t *json = ts_evidence_to_json(&f->evidence, v);
    TS_CHECK(again != NULL && json != NULL);
    char *text = json_dumps(json, 0);
    TS_CHECK(ts_evidence_verify(text, strlen(text), &crypto, ts_rollup_said, &back, again) ==
             TS_OK);
    TS_CHECK(ts_finding_equal(&again->finding, &v->finding));
    TS_CHECK(v->finding.severity == TS_SEVERITY_PROOF && v->rests[0] != '\0');
    ts_evidence_file_free(&back);
    json_decref(json);
    free(text);
    free(again);
}

static void as_file(const uint8_t *data, size_t size, struct ts_evidence_verdict *v)
{
    struct ts_evidence_file f;
    ts_err err = ts_evidence_verify((const char *)data, size, &crypto, ts_rollup_said, &f, v);
    if (err == TS_OK)
        check_again(&f, v);
    else
        check_sentence(v->why);
    ts_evidence_file_free(&f);
}

/* Behind a byte that is no brace: a record, and nothing beside it. */
static void as_record(ts_bytes raw, struct ts_evidence_verdict *v)
{
    static const ts_address listed[] = {{{1}}};
    struct ts_genesis g = {.whitelist = (ts_address *)(uintptr_t)listed, .n_whitelist = 1};
    struct ts_arena arena;
    struct ts_record r;
    struct ts_evidence e;
    struct ts_buf again;
    g.params.max_batch_bytes = TS_MAX_BATCH_BYTES;
    ts_arena_init(&arena, 64u << 20);
    ts_buf_init(&again, 0);
    if (ts_record_read(raw, &arena, &r) == TS_OK) {
        ts_record_put(&again, &r);
        TS_CHECK(ts_bytes_equal(ts_buf_bytes(&again), raw));
        if (ts_record_evidence(&r, (ts_bytes){0}, &g, &arena, &e) == TS_OK &&
            ts_evidence_check(&e, &crypto, ts_rollup_said, v) != TS_OK)
            check_sentence(v->why);
    }
    ts_buf_free(&again);
    ts_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_evidence_verdict *v = calloc(1, sizeof(*v));
    TS_CHECK(v != NULL);
    if (size > 0 && data[0] == 'R')
        as_record(ts_bytes_of(data + 1, size - 1), v);
    else
        as_file(data, size, v);
    free(v);
    return 0;
}
