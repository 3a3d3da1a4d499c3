/* SPDX-License-Identifier: Apache-2.0 */
/* From peers to whole batches: each is compared with what L1 gave, its payload folded into the
 * running protocol root, its seal checked over that, and the root compared with each rollup's. What
 * a peer lacks or has edited is named, and asked of the next one. */
#include "cli/rebuild.h"

#include "chain/rollup.h"
#include "codec/rlp.h"

#define SAVE_MS  10000u
#define RETRY_MS 500u

struct payloads {
    struct rebuild *b;
    struct rebuild_peer **peers;
    size_t at; /* the peer that is asked */
    struct ts_runs rebuilt, whole;
    struct ts_buf rollups, item;
    ts_hash hash;
    bool has_item; /* item and hash are those of the batch that comes next */
    struct ts_reader reader;
    struct ts_rollup rollup; /* the one that the next batch is in */
    uint64_t saved_ms, said_ms, said_number;
};

/* ---- the rollups ---- */

/* rollups.rlp is one item after the other: as a list it reads as one. */
static int load_rollups(struct payloads *p)
{
    struct ts_dir *d = &p->b->dir;
    struct ts_buf body;
    ts_buf_init(&body, 0);
    ts_buf_init(&p->rollups, 0);
    ts_err err = ts_dir_get(d, "rollups.rlp", &body);
    size_t mark = ts_put_list(&p->rollups);
    ts_put_raw(&p->rollups, ts_buf_bytes(&body));
    ts_put_list_end(&p->rollups, mark);
    ts_buf_free(&body);
    if (err != TS_OK || p->rollups.err != TS_OK)
        return cli_fail("%s", d->why);
    p->reader = ts_reader_of(ts_buf_bytes(&p->rollups));
    ts_read_list(&p->reader);
    return TS_EXIT_OK;
}

/* The rollup that holds a batch. */
static int find_rollup(struct payloads *p, uint64_t number)
{
    while (p->rollup.last_number < number) {
        ts_bytes raw = ts_read_raw(&p->reader);
        if (p->reader.err != TS_OK || ts_rollup_read(raw, &p->rollup) != TS_OK)
            return cli_fail("%s/rollups.rlp is damaged: it ends before batch %llu", p->b->o.out,
                            (unsigned long long)number);
    }
    return TS_EXIT_OK;
}

/* ---- one batch ---- */

/* The rebuilt one that comes next. */
static int need_item(struct payloads *p)
{
    if (p->has_item)
        return TS_EXIT_OK;
    if (ts_runs_get(&p->rebuilt, &p->hash, &p->item) != TS_OK)
        return cli_fail("%s", p->rebuilt.why);
    p->has_item = true;
    return find_rollup(p, p->b->fold.number + 1);
}

/* TS_EXIT_OK, and *good says whether it is the batch; else it is no peer's fault. */
static int take(struct payloads *p, ts_bytes raw, bool *good, char why[TS_FOLD_WHY])
{
    struct ts_fold *f = &p->b->fold;
    int code = need_item(p);
    if (code != TS_EXIT_OK)
        return code;
    ts_err err = ts_fold_batch(f, raw, ts_buf_bytes(&p->item), &p->hash, why);
    *good = err == TS_OK;
    if (err == TS_E_NOMEM || err == TS_E_CORRUPT)
        return cli_fail("%s", why);
    if (!*good)
        return TS_EXIT_OK;
    p->has_item = false;
    if (f->number == p->rollup.last_number && ts_fold_rollup(f, &p->rollup, why) != TS_OK)
        return cli_fail("%s", why);
    return ts_runs_put(&p->whole, &p->hash, raw) == TS_OK ? TS_EXIT_OK
                                                          : cli_fail("%s", p->whole.why);
}

/* ---- peers ---- */

static void name_fault(struct payloads *p, size_t peer, const char *why)
{
    const char *name = rebuild_peer_name(p->peers[peer]);
    fprintf(stderr, "%s: %s\n", name, why);
    if (json_array_size(p->b->faults) < 1000)
        json_array_append_new(p->b->faults,
                              json_pack("{s:s,s:I,s:s}", "peer", name, "batch",
                                        (json_int_t)p->b->fold.number + 1, "what", why));
}

/* What a peer has from the next batch on. *took: how many of them were right. The code is
 * TS_EXIT_OK when it is a matter of the peer; why then says what, if none was. */
static int ask(struct payloads *p, size_t peer, uint64_t last, size_t *took, bool *is_silent,
               char why[TS_FOLD_WHY])
{
    const ts_bytes *list;
    size_t n = 0;
    bool good = true;
    struct ts_fold *f = &p->b->fold;
    *took = 0;
    *is_silent = false;
    ts_err err = rebuild_peer_get(p->peers[peer], f->number + 1, &list, &n, why, TS_FOLD_WHY);
    *is_silent = err == TS_E_IO || err == TS_E_TIMEOUT || err == TS_E_CLOSED;
    if (err != TS_OK)
        return TS_EXIT_OK;
    if (n == 0)
        (void)snprintf(why, TS_FOLD_WHY, "batch %llu: it is missing there",
                       (unsigned long long)f->number + 1);
    for (size_t i = 0; i < n && good && f->number < last; i++) {
        int code = take(p, list[i], &good, why);
        if (code != TS_EXIT_OK)
            return code;
        *took += good;
    }
    return TS_EXIT_OK;
}

/* Some more batches, of whichever peer has them right. */
static int advance(struct payloads *p, uint64_t last)
{
    char why[TS_FOLD_WHY] = "", first[TS_FOLD_WHY] = "";
    size_t n = p->b->o.payloads.n, took = 0;
    uint64_t until = cli_mono_ms() + p->b->o.patience_ms;
    bool is_silent = false;
    for (size_t i = 0; i < n; i++) {
        size_t peer = (p->at + i) % n;
        int code = ask(p, peer, last, &took, &is_silent, why);
        while (code == TS_EXIT_OK && is_silent && cli_mono_ms() < until) {
            const struct timespec t = {.tv_nsec = RETRY_MS * 1000000};
            nanosleep(&t, NULL);
            code = ask(p, peer, last, &took, &is_silent, why);
        }
        if (code != TS_EXIT_OK)
            return code;
        if (took > 0) {
            p->at = peer;
            return TS_EXIT_OK;
        }
        name_fault(p, peer, why);
        if (first[0] == 0)
            (void)snprintf(first, sizeof(first), "%s", why);
    }
    return cli_fail("no peer has the payload of batch %llu: %s",
                    (unsigned long long)p->b->fold.number + 1, first);
}

/* ---- all ---- */

static int save(struct payloads *p)
{
    struct ts_dir *d = &p->b->dir;
    p->saved_ms = cli_mono_ms();
    if (ts_runs_sync(&p->whole) != TS_OK)
        return cli_fail("%s", p->whole.why);
    return ts_dir_save_fold(d, &p->b->fold) == TS_OK ? TS_EXIT_OK : cli_fail("%s", d->why);
}

static void say(struct payloads *p, uint64_t last)
{
    uint64_t now = cli_mono_ms(), number = p->b->fold.number;
    if (now < p->said_ms + 1000)
        return;
    fprintf(stderr, "payload %llu of %llu, %.0f a second\n", (unsigned long long)number,
            (unsigned long long)last,
            (double)(number - p->said_number) * 1000 / (double)(now - p->said_ms));
    p->said_ms = now;
    p->said_number = number;
}

static int open_all(struct payloads *p)
{
    struct rebuild *b = p->b;
    char dir[512];
    if (ts_dir_load_fold(&b->dir, &b->fold) != TS_OK)
        return cli_fail("%s", b->dir.why);
    if (b->fold.number > b->head.number)
        return cli_fail("%s/payloads is of more batches than there are", b->o.out);
    p->said_number = b->fold.number;
    (void)snprintf(dir, sizeof(dir), "%s/batches", b->o.out);
    if (ts_runs_append(&p->whole, dir, b->fold.number) != TS_OK)
        return cli_fail("%s", p->whole.why);
    (void)snprintf(dir, sizeof(dir), "%s/rebuilt", b->o.out);
    if (ts_runs_read(&p->rebuilt, dir, b->fold.number + 1) != TS_OK)
        return cli_fail("%s", p->rebuilt.why);
    return load_rollups(p);
}

static int run(struct payloads *p)
{
    uint64_t last = p->b->head.number;
    int code = open_all(p);
    p->saved_ms = p->said_ms = cli_mono_ms();
    while (code == TS_EXIT_OK && p->b->fold.number < last) {
        code = advance(p, last);
        say(p, last);
        if (code == TS_EXIT_OK && cli_mono_ms() >= p->saved_ms + SAVE_MS)
            code = save(p);
    }
    /* What was right is kept, also when the next one was not. */
    int kept = p->whole.writes ? save(p) : TS_EXIT_OK;
    return code != TS_EXIT_OK ? code : kept;
}

int rebuild_payloads(struct rebuild *b)
{
    struct payloads p = {.b = b};
    size_t n = b->o.payloads.n;
    b->fold = (struct ts_fold){.genesis = &b->genesis, .crypto = b->crypto};
    p.peers = calloc(n, sizeof(*p.peers));
    TS_CHECK(p.peers != NULL);
    ts_buf_init(&p.item, 0);
    for (size_t i = 0; i < n; i++)
        p.peers[i] = rebuild_peer_new(b->o.payloads.items[i], &b->genesis);
    int code = run(&p);
    for (size_t i = 0; i < n; i++)
        rebuild_peer_free(p.peers[i]);
    free(p.peers);
    ts_runs_close(&p.rebuilt);
    ts_runs_close(&p.whole);
    ts_buf_free(&p.item);
    ts_buf_free(&p.rollups);
    return code;
}
