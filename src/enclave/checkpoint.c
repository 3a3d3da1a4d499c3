/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: what is in them, and which slot holds which. A checkpoint is a cache: one that is
 * damaged, foreign or old is never worse than none, since the chain alone says where an enclave is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/snapshot.h"
#include "enclave/checkpoint_io.h"
#include "enclave/state.h"

#define MAX_SLOTS     TS_MAX_SEALED
#define MAX_CHAIN_RLP (64u * 1024 * 1024)

/* What every slot holds, for one genesis. */
struct slots {
    size_t n;
    ts_err err[MAX_SLOTS]; /* TS_OK: head is one this enclave sealed */
    struct ts_checkpoint_head head[MAX_SLOTS];
};

static void look(const struct ts_enclave *e, const ts_hash *genesis, struct slots *s)
{
    s->n = 0;
    if (e->checkpoints == NULL)
        return;
    s->n = e->checkpoints->n_slots < MAX_SLOTS ? e->checkpoints->n_slots : MAX_SLOTS;
    for (size_t i = 0; i < s->n; i++) {
        s->err[i] = ts_checkpoint_peek(e->checkpoints, i, &e->checkpoint_key, &s->head[i]);
        if (s->err[i] == TS_OK && !ts_address_equal(&s->head[i].enclave, &e->own.id))
            s->err[i] = TS_E_FOREIGN;
        if (s->err[i] == TS_OK && genesis != NULL && !ts_hash_equal(&s->head[i].genesis, genesis))
            s->err[i] = TS_E_FOREIGN;
    }
}

/* A slot without a checkpoint of use, else the one with the oldest: the newest stays. */
static size_t choose(const struct slots *s, uint64_t *generation)
{
    size_t best = 0;
    *generation = 1;
    for (size_t i = 0; i < s->n; i++) {
        if (s->err[i] == TS_OK && s->head[i].generation >= *generation)
            *generation = s->head[i].generation + 1;
        if (s->err[best] != TS_OK)
            continue;
        if (s->err[i] != TS_OK || s->head[i].generation < s->head[best].generation)
            best = i;
    }
    return best;
}

/* The chain's part: [own term, roots, milestones, chain snapshot], behind its length. */
static ts_err write_chain(struct ts_checkpoint_stream *s, const struct ts_line *line)
{
    struct ts_buf b;
    uint8_t be[4];
    ts_buf_init(&b, MAX_CHAIN_RLP);
    size_t mark = ts_put_list(&b);
    ts_put_u64(&b, line->own_term);
    ts_put_bytes(&b, ts_bytes_of(line->roots, sizeof(line->roots)));
    ts_put_bytes(&b, ts_bytes_of(line->milestones, line->n_milestones * sizeof(ts_hash)));
    ts_chain_snapshot_put(&b, &line->chain);
    ts_put_list_end(&b, mark);
    ts_err err = b.err;
    for (size_t i = 0; i < sizeof(be); i++)
        be[i] = (uint8_t)(b.n >> (8 * (3 - i)));
    if (err == TS_OK)
        err = ts_checkpoint_write(s, be, sizeof(be));
    if (err == TS_OK)
        err = ts_checkpoint_write(s, b.p, b.n);
    ts_buf_free(&b);
    return err;
}

static ts_err decode_chain(struct ts_line *line, const struct ts_crypto *crypto, ts_bytes rlp)
{
    struct ts_reader r = ts_reader_of(rlp);
    struct ts_chain chain;
    ts_read_list(&r);
    line->own_term = ts_read_u64(&r);
    ts_read_fixed(&r, line->roots, sizeof(line->roots));
    ts_bytes milestones = ts_read_bytes(&r, MAX_CHAIN_RLP);
    ts_err err = ts_chain_snapshot_read(&r, &line->genesis, crypto, &chain);
    if (err != TS_OK)
        return err;
    ts_read_list_end(&r);
    ts_chain_free(&line->chain);
    line->chain = chain;
    err = ts_line_set_milestones(line, milestones);
    return err == TS_OK ? ts_reader_done(&r) : err;
}

static ts_err read_chain(struct ts_checkpoint_stream *s, const struct ts_crypto *crypto,
                         struct ts_line *line)
{
    uint8_t be[4];
    ts_err err = ts_checkpoint_read(s, be, sizeof(be));
    if (err != TS_OK)
        return err;
    size_t n = (size_t)be[0] << 24 | (size_t)be[1] << 16 | (size_t)be[2] << 8 | be[3];
    if (n > MAX_CHAIN_RLP)
        return TS_E_CORRUPT;
    uint8_t *p = malloc(n > 0 ? n : 1);
    if (p == NULL)
        return TS_E_NOMEM;
    err = ts_checkpoint_read(s, p, n);
    if (err == TS_OK)
        err = decode_chain(line, crypto, ts_bytes_of(p, n));
    free(p);
    return err;
}

ts_err ts_checkpoint_save(struct ts_enclave *e)
{
    const struct ts_head *head = &e->line->chain.head;
    struct ts_checkpoint_stream s;
    struct slots slots;
    uint8_t salt[8];
    struct ts_checkpoint_head h = {.enclave = e->own.id,
                                   .genesis = e->line->genesis.hash,
                                   .number = head->number,
                                   .hash = head->hash};
    look(e, &e->line->genesis.hash, &slots);
    if (slots.n == 0)
        return ts_enclave_refuse(e, TS_E_UNSUPPORTED, "this enclave keeps no checkpoints");
    size_t slot = choose(&slots, &h.generation);
    ts_err err = e->env.random(e->env.ctx, salt, sizeof(salt));
    if (err == TS_OK)
        err = ts_checkpoint_write_begin(&s, e->checkpoints, slot, &e->checkpoint_key, salt, &h);
    if (err == TS_OK) {
        struct ts_sink sink = {.ctx = &s, .write = ts_checkpoint_write};
        err = write_chain(&s, e->line);
        if (err == TS_OK)
            err = e->engine_ops->save(e->line->engine, &sink);
        err = ts_checkpoint_write_end(&s, err);
    }
    if (err != TS_OK)
        return ts_enclave_refuse(e, err, "no checkpoint was written to slot %zu: %s", slot,
                                 ts_err_text(err));
    return TS_OK;
}

/* What a slot holds instead of the checkpoint that is asked for. */
static void describe(const struct slots *s, size_t i, char *out, size_t size)
{
    if (s->err[i] == TS_E_NOT_FOUND)
        snprintf(out, size, "slot %zu is empty", i);
    else if (s->err[i] == TS_E_FOREIGN)
        snprintf(out, size, "slot %zu is of another network or enclave", i);
    else if (s->err[i] == TS_E_VERSION)
        snprintf(out, size, "slot %zu is of another version of this program", i);
    else if (s->err[i] != TS_OK)
        snprintf(out, size, "slot %zu is damaged or sealed under another key", i);
    else
        snprintf(out, size, "slot %zu holds batch %llu", i, (unsigned long long)s->head[i].number);
}

static ts_err not_found(struct ts_enclave *e, const struct slots *s, const struct ts_msg_head *head)
{
    char text[TS_MAX_MSG_TEXT];
    char one[80];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < s->n && n + sizeof(one) < sizeof(text); i++) {
        describe(s, i, one, sizeof(one));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i == 0 ? "" : ", ", one);
    }
    return ts_enclave_refuse(e, TS_E_NOT_FOUND,
                             "there is no checkpoint of this network at batch %llu with that "
                             "hash: %s",
                             (unsigned long long)head->number,
                             s->n == 0 ? "this enclave keeps none" : text);
}

static bool is_asked_for(const struct ts_checkpoint_head *h, const struct ts_msg_head *head)
{
    return h->number == head->number && ts_hash_equal(&h->hash, &head->hash);
}

/* Reads the content of one slot, whose head is asked for. */
static ts_err read_slot(struct ts_enclave *e, size_t slot, const struct ts_msg_head *head,
                        struct ts_line *line)
{
    struct ts_checkpoint_stream s;
    struct ts_checkpoint_head h;
    ts_hash root;
    struct ts_source source = {.ctx = &s, .read = ts_checkpoint_read};
    ts_err err = ts_checkpoint_read_begin(&s, e->checkpoints, slot, &e->checkpoint_key, &h);
    if (err != TS_OK)
        return err;
    err = is_asked_for(&h, head) ? read_chain(&s, e->crypto, line) : TS_E_CORRUPT;
    if (err == TS_OK)
        err = e->engine_ops->load(line->engine, &source);
    err = ts_checkpoint_read_end(&s, err);
    if (err != TS_OK)
        return err;
    e->engine_ops->root(line->engine, &root);
    bool fits = line->chain.head.number == head->number &&
                ts_hash_equal(&line->chain.head.hash, &head->hash) &&
                ts_hash_equal(&line->chain.head.state_root, &root);
    return fits ? TS_OK : TS_E_CORRUPT;
}

ts_err ts_checkpoint_load(struct ts_enclave *e, const struct ts_msg_head *head,
                          struct ts_line *line)
{
    struct slots slots;
    look(e, &line->genesis.hash, &slots);
    for (size_t i = 0; i < slots.n; i++) {
        if (slots.err[i] != TS_OK || !is_asked_for(&slots.head[i], head))
            continue;
        ts_err err = read_slot(e, i, head, line);
        if (err == TS_OK || err == TS_E_NOMEM)
            return err;
        if (err == TS_E_IO)
            return ts_enclave_refuse(e, err, "slot %zu cannot be read", i);
        return ts_enclave_refuse(e, TS_E_CORRUPT,
                                 "the checkpoint of batch %llu in slot %zu is cut off or changed",
                                 (unsigned long long)head->number, i);
    }
    return not_found(e, &slots, head);
}

size_t ts_checkpoint_list(struct ts_enclave *e, struct ts_msg_head *out, size_t max)
{
    struct slots slots;
    bool listed[MAX_SLOTS] = {false};
    size_t n = 0;
    look(e, e->line != NULL ? &e->line->genesis.hash : NULL, &slots);
    while (n < max) {
        size_t oldest = slots.n;
        for (size_t i = 0; i < slots.n; i++) {
            if (slots.err[i] == TS_OK && !listed[i] &&
                (oldest == slots.n || slots.head[i].generation < slots.head[oldest].generation))
                oldest = i;
        }
        if (oldest == slots.n)
            break;
        listed[oldest] = true;
        out[n++] = (struct ts_msg_head){slots.head[oldest].number, slots.head[oldest].hash};
    }
    return n;
}
