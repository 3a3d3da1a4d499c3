/* SPDX-License-Identifier: Apache-2.0 */
/* LOAD: the head a boot starts from. The cache is never the truth: what the host names is only
 * where it begins, and every batch from there on is checked. */
#include "base/check.h"
#include "enclave/state.h"

/* Where the own chain stands on a line that was just loaded. */
static void take_tip(struct ts_enclave *e)
{
    const struct ts_registry_entry *entry = ts_registry_find(&e->line->chain.registry, &e->own.id);
    TS_CHECK(!e->own.has_started && e->own.n_unpublished == 0);
    e->own.tip_seq = entry != NULL ? entry->tip_seq : 0;
    e->own.tip_hash = entry != NULL ? entry->tip_hash : e->line->genesis.hash;
}

static ts_err check_genesis(struct ts_enclave *e, const struct ts_line *line)
{
    if (e->line == NULL || ts_hash_equal(&e->line->genesis.hash, &line->genesis.hash))
        return TS_OK;
    return ts_enclave_refuse(e, TS_E_GENESIS, "another genesis was loaded in this boot");
}

static ts_err go_to(struct ts_enclave *e, const struct ts_msg_head *from, struct ts_line *line)
{
    if (from->number > 0)
        return ts_checkpoint_load(e, from, line);
    if (!ts_hash_is_zero(&from->hash) && !ts_hash_equal(&from->hash, &line->genesis.hash))
        return ts_enclave_refuse(e, TS_E_GENESIS,
                                 "the head at number 0 is not the hash of the genesis");
    return TS_OK;
}

ts_err ts_enclave_load(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    struct ts_line *line;
    ts_err err = ts_line_new(e, req->u.load.genesis, &line);
    if (err != TS_OK)
        return err;
    err = check_genesis(e, line);
    if (err == TS_OK)
        err = go_to(e, &req->u.load.from, line);
    if (err != TS_OK) {
        ts_line_free(e, line);
        return err;
    }
    ts_line_free(e, e->line);
    e->line = line;
    ts_enclave_move(e, TS_ON_LOADED);
    take_tip(e);
    ans->u.head = (struct ts_msg_head){line->chain.head.number, line->chain.head.hash};
    return TS_OK;
}
