/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier run has made is gone on with only while L1 still has its rollups: governance can
 * take the newest ones back. Each names the one before it, so that the last one speaks for all. */
#include "chain/rollup.h"
#include "cli/rebuild.h"
#include "codec/rlp.h"
#include "crypto/sign.h"
#include "l1/client.h"
#include "l1/contract.h"

#define ANSWER_MS 10000u

/* rollups.rlp is one item after the other. */
static int last_rollup(struct rebuild *b, struct ts_rollup *out)
{
    struct ts_buf body, list;
    ts_buf_init(&body, 0);
    ts_buf_init(&list, 0);
    ts_err err = ts_dir_get(&b->dir, "rollups.rlp", &body);
    size_t mark = ts_put_list(&list);
    ts_put_raw(&list, ts_buf_bytes(&body));
    ts_put_list_end(&list, mark);
    err = err == TS_OK ? list.err : err;
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&list));
    ts_bytes last = {NULL, 0};
    ts_read_list(&r);
    while (err == TS_OK && ts_read_more(&r))
        last = ts_read_raw(&r);
    if (err == TS_OK)
        err = r.err != TS_OK ? r.err : ts_rollup_read(last, out);
    ts_buf_free(&body);
    ts_buf_free(&list);
    if (err == TS_OK && out->last_number == b->before)
        return TS_EXIT_OK;
    return cli_fail("%s/rollups.rlp is damaged: begin with an empty directory", b->o.out);
}

static int ask(struct rebuild *b, uint64_t first, struct ts_arena *arena, ts_hash *out)
{
    struct ts_buf data;
    struct ts_l1_answer a;
    ts_buf_init(&data, 0);
    ts_l1_put_rollup_hash(&data, first);
    TS_CHECK(data.err == TS_OK);
    const struct ts_l1_call call = {.method = TS_L1_VIEW,
                                    .tag = TS_L1_LATEST,
                                    .to = b->o.registry,
                                    .data = ts_buf_bytes(&data)};
    ts_l1_client_ask(b->o.l1, &call, ANSWER_MS, arena, &a);
    ts_buf_free(&data);
    if (a.err != TS_OK)
        return cli_fail("cannot ask the contract for a rollup: %s", a.text);
    if (ts_l1_read_hash(a.u.bytes, out) != TS_OK)
        return cli_fail("rollupHash() of the contract gives no hash");
    return TS_EXIT_OK;
}

int rebuild_check_kept(struct rebuild *b)
{
    struct ts_rollup last = {0};
    struct ts_arena arena;
    ts_hash digest, now;
    if (b->before == 0)
        return TS_EXIT_OK;
    int code = last_rollup(b, &last);
    if (code != TS_EXIT_OK)
        return code;
    ts_arena_init(&arena, 0);
    code = ask(b, last.first_number, &arena, &now);
    ts_arena_free(&arena);
    ts_rollup_hash(&b->genesis.domain, &last, &digest);
    if (code != TS_EXIT_OK || ts_hash_equal(&now, &digest))
        return code;
    return cli_fail("%s holds batches %llu to %llu of a rollup that governance has taken back on "
                    "L1: begin with an empty directory",
                    b->o.out, (unsigned long long)last.first_number,
                    (unsigned long long)last.last_number);
}
