/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the host's test world share.
 *
 *   hostworld.c        what happens when: the loop, enclaves, links, the host's inputs and outputs
 *   hostworld_disk.c   the host's disk and the enclaves' checkpoints
 *   hostworld_act.c    what tests do and look at
 *   hostworld_check.c  what must hold */
#ifndef TS_TESTS_HOSTWORLD_INTERNAL_H
#define TS_TESTS_HOSTWORLD_INTERNAL_H

/* cmocka's header wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "hostworld.h"
#include "l1_shelf.h"

#define WORLD_UNIX_START 1700000000000u
#define WORLD_ASK_TOKENS 1000000u /* tokens from here on are of what was asked, below of txs */

enum what {
    W_TO_ENCLAVE,
    W_TO_HOST,
    W_LINK_UP,
    W_LINK_DOWN,
    W_STORED,
    W_LOADED,
    W_BOOT,
    W_GONE,
    W_L1_BLOCK, /* L1 makes one */
    W_L1_TOLD,  /* the host is told of block from */
    W_L1_MINED  /* a rollup gets there: token, and from is its index among those sent */
};

struct happening {
    uint64_t at, order;
    enum what what;
    unsigned link; /* BOOT, GONE: the enclave */
    uint64_t conn; /* link generation it belongs to; for the host's own: host generation */
    uint64_t token, from, count;
    uint8_t *bytes;
    size_t n;
};

struct l1sim_block {
    struct ts_l1_block b;
    uint8_t *raw; /* of the header */
    ts_address whitelist[WORLD_MAX];
};

struct l1sim_rollup {
    struct ts_rollup r;
    uint8_t *data;
    size_t n;
    bool is_refused, is_withdrawn;
    uint64_t token, life; /* of the host that sent it */
};

struct l1sim {
    struct l1sim_block *blocks;
    size_t n_blocks;
    bool listed[WORLD_MAX];
    bool down, stands_still;
    struct l1sim_rollup *rollups; /* sent, in the order they were */
    size_t n_rollups;
    size_t *taken; /* those that the contract took */
    size_t n_taken, n_told, n_refused;
    uint64_t last_number; /* of the contract */
    ts_hash last_hash;
    struct ts_l1_rollback back; /* not told yet */
    bool has_back;
    size_t back_at;     /* after so many that stay taken */
    bool loses_rollups; /* transactions are not mined */
    bool refuses_next;  /* the contract says no to the next one */
    uint64_t salt;      /* of the line after so many reorgs */
    size_t n_asked;
    size_t n_corrupted; /* OUT_CORRUPTED; what the last said */
    ts_address corrupted, successor;
};

struct stored_batch {
    uint64_t number;
    ts_hash hash;
    enum ts_batch_status status;
    uint8_t *raw;
    size_t n;
};

struct stored_tx {
    struct ts_store_tx t;
    uint8_t *raw;
    bool there;
};

struct meta {
    char key[16];
    uint8_t *p;
    size_t n;
};

struct step {
    uint64_t token;
    struct ts_store_op *ops; /* the core's; valid until STORED */
    size_t n;
};

/* Two slots in memory. */
struct world_slots {
    struct world *world;
    struct ts_checkpoint_store ops;
    struct ts_buf slots[2];
    struct ts_buf writing;
    size_t slot, at;
};

/* Room for one element more in a list of n: memory grows by doubling. */
#define WORLD_GROW(list, n)                                                                        \
    do {                                                                                           \
        if (((n) & ((n)-1)) == 0)                                                                  \
            (list) = must(realloc((list), ((n) > 0 ? 2 * (n) : 1) * sizeof(*(list))));             \
    } while (0)

struct peer {
    ts_secret key;
    ts_address id;
    struct world_slots slots;
    struct ts_enclave *core;
    unsigned boots;
    uint64_t busy_until; /* it writes a checkpoint or makes a rollup */
    uint64_t rollup_cost_us;
    bool held_down, frozen, cut, broken;
    bool occupied, mute;
    uint64_t delay_us; /* 0: like all */
};

struct wlink {
    unsigned peer;
    uint64_t conn;               /* 0: none */
    uint64_t broken;             /* the connection on which nothing arrives any more */
    bool up;                     /* the enclave has accepted it */
    uint64_t last_to, last_from; /* frames keep their order */
};

struct tx_record {
    ts_hash hash;
    enum world_tx_state state;
    ts_err err;
    unsigned batches;
    bool rejected;
    ts_err rejected_code;
    char rejected_text[256];
};

struct asked {
    bool done;
    ts_err err;
    uint64_t host_gen; /* of the host that was asked */
    char text[256];
};

struct world {
    struct world_options o;
    struct ts_crypto *real; /* owned; NULL with fast_crypto */
    const struct ts_crypto *crypto;
    uint64_t n_loaded;
    struct ts_genesis genesis;
    uint8_t *genesis_raw;
    size_t n_genesis_raw;
    uint64_t now, order, rng, next_conn, host_gen;
    struct happening *q;
    size_t n_q, cap_q;
    struct peer peers[WORLD_MAX];
    struct wlink links[WORLD_MAX];
    struct ts_host *host;
    uint64_t wake;
    uint64_t host_asleep; /* until then */
    /* the disk */
    struct stored_batch *batches;
    size_t n_settled; /* the first so many batches are not prepared, and none comes before them */
    size_t n_batches;
    struct stored_tx *txs;
    size_t n_txs;
    struct meta metas[8];
    size_t n_metas;
    struct l1_shelf l1;
    struct l1sim l1sim;
    struct step *steps;
    size_t n_steps;
    ts_err disk;
    bool disk_lies, disk_lied;
    bool lose_loads;
    uint64_t steps_done, fail_step; /* which one; 0: none */
    ts_err fail_err;
    bool fail_applied;
    uint64_t frames[2], lose_frame[2];    /* to enclaves, to the host */
    uint64_t slot_calls[2], fail_slot[2]; /* writing, reading */
    uint64_t last_disk;
    enum ts_batch_status copied_status; /* of the newest in the copy */
    size_t copied_batches;              /* how many the copy holds: none is ever removed */
    /* what was seen */
    struct stored_batch *sent;
    size_t n_sent;
    struct tx_record *records;
    size_t n_records;
    struct asked *asked;
    size_t n_asked;
    ts_secret account[WORLD_ACCOUNTS];
    uint64_t nonce[WORLD_ACCOUNTS];
    struct {
        char name[40];
        unsigned n;
    } events[64];
    size_t n_events;
    world_tamper_fn tamper;
    void *tamper_ctx;
    uint8_t *room; /* for what it makes of a frame; NULL: not made yet, or in use */
    bool verbose;
};

void *must(void *p);
uint8_t *world_copy(ts_bytes b);
uint64_t world_random(struct world *w);
struct happening *world_schedule(struct world *w, uint64_t at, enum what what);
/* When something that takes base, up to twice that by chance, is done; not before *last. */
uint64_t world_later(struct world *w, uint64_t base, uint64_t *last);
struct ts_now world_clock(const struct world *w);
void world_input(struct world *w, const struct ts_host_input *in);
void world_outputs(struct world *w, const struct ts_host_outputs *out);
bool world_step(struct world *w, uint64_t until);
void world_boot(struct world *w, unsigned i);
void world_end_enclave(struct world *w, unsigned i);
void world_drop_links(struct world *w, unsigned i);
void world_add_sent(struct world *w, uint64_t number, const ts_hash *hash, ts_bytes raw);
struct tx_record *world_record_of(struct world *w, const ts_hash *hash);

/* hostworld_l1.c */
void world_l1_init(struct world *w); /* fills in genesis too */
void world_l1_free(struct world *w);
void world_l1_block(struct world *w);
void world_l1_greet(struct world *w); /* tells a host the newest block */
void world_l1_asked(struct world *w, uint64_t number);
void world_l1_told(struct world *w, size_t i);
void world_publish(struct world *w, const struct ts_host_output *o);
void world_withdraw(struct world *w, uint64_t token);
void world_l1_mined(struct world *w, const struct happening *h);
void world_l1_rollups(struct world *w); /* tells a host those it was not told of */

/* hostworld_disk.c */
struct stored_batch *world_disk_find(struct world *w, uint64_t number, const ts_hash *hash);
struct stored_batch *world_disk_committed(struct world *w, uint64_t number);
struct ts_store_batch world_disk_batch(const struct world *w, const struct stored_batch *b);
void world_disk_apply(struct world *w, const struct step *s);
void world_disk_done(struct world *w, uint64_t token);
ts_err world_disk_load(struct world *w);
void world_disk_free(struct world *w);
void world_slots_init(struct world_slots *s, struct world *w);
void world_slots_free(struct world_slots *s);

#endif
