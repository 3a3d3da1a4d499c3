/* SPDX-License-Identifier: Apache-2.0 */
/* One host core and some enclave cores on virtual time: links with delay, processes that crash and
 * freeze, a disk that can fail. Deterministic: the same calls and seed give the same run. For tests
 * only. */
#ifndef TS_TESTS_HOSTWORLD_H
#define TS_TESTS_HOSTWORLD_H

#include "enclave/core.h"
#include "host/core.h"

#define WORLD_MAX      9
#define WORLD_ACCOUNTS 4

struct world;

struct world_options {
    unsigned enclaves;
    unsigned validators; /* the last so many of them are not on the whitelist */
    uint64_t seed;
    uint64_t interval_us;
    uint64_t delay_us;   /* of a frame, each way; up to twice that by chance */
    uint64_t disk_us;    /* of a durable step; likewise */
    uint64_t restart_us; /* a supervisor starts an ended enclave after so long; 0: never */
    uint64_t report_every, max_report_lag; /* 0: default, as in all that follow */
    uint64_t commit_quorum;
    uint64_t dispute_hold_us;
    uint64_t snapshot_every; /* batches between checkpoints; the enclaves keep two */
    uint64_t snapshot_us;    /* what one takes the enclave */
    uint64_t max_batch_bytes, max_tx_bytes, batch_gas_limit;
    uint64_t l1_block_us; /* between blocks of L1; 0: there is no L1 */
    uint64_t max_l1_age_ms;
    uint64_t rollup_batches; /* the host publishes rollups of so many; 0: none */
    uint64_t rollup_us;
    bool fast_crypto; /* the simulator's signatures: thousands of batches a second */
};

struct world *world_new(const struct world_options *o);
void world_free(struct world *w);
/* Lets virtual time pass. */
void world_run(struct world *w, uint64_t us);
/* Until the committed head is at least number; false when limit_us passed first. */
bool world_run_to(struct world *w, uint64_t number, uint64_t limit_us);

uint64_t world_now(const struct world *w);
struct ts_host *world_host(struct world *w);
uint64_t world_head(const struct world *w);       /* of the newest broadcast batch */
uint64_t world_broadcasts(const struct world *w); /* how many there were */
ts_address world_id(const struct world *w, unsigned i);
ts_secret world_key(const struct world *w, unsigned i);
/* Which enclave is active on the chain; -1: none. */
int world_active(const struct world *w);
struct ts_enclave *world_enclave(struct world *w, unsigned i); /* NULL while it is down */
unsigned world_boots(const struct world *w, unsigned i);
/* Of the host, which runs. */
struct ts_host_status world_host_status(const struct world *w);
struct ts_host_enclave_status world_status(const struct world *w, unsigned link);

void world_kill(struct world *w, unsigned i);
void world_start(struct world *w, unsigned i);
void world_hold_down(struct world *w, unsigned i, bool down); /* the supervisor leaves it down */
void world_freeze(struct world *w, unsigned i, bool frozen);
void world_cut(struct world *w, unsigned i, bool cut); /* the link drops and cannot be made */
/* Frames to and from enclave i take so long, each way, up to twice that by chance; 0: as all do. */
void world_slow(struct world *w, unsigned i, uint64_t delay_us);
/* It serves another host: every connection is told so, or just closed when it is mute. */
void world_occupy(struct world *w, unsigned i, bool occupied, bool mute);
/* Its process is asked to end: it says LEAVING, and ends by itself after four seconds. */
void world_leave(struct world *w, unsigned i);
/* Link l leads to enclave i from now on; at first link i to enclave i. */
void world_point(struct world *w, unsigned link, unsigned i);
void world_kill_host(struct world *w);
void world_start_host(struct world *w);
/* False: it ran out of memory on its way, and there is no host. */
bool world_try_start_host(struct world *w);
/* The host's process stands still for so long: nothing that happens reaches it meanwhile. */
void world_stop_host(struct world *w, uint64_t us);
/* IN_STOP; OUT_STOPPED counts as the event "stopped". */
void world_ask_stop(struct world *w);
/* The disk as it is now, and back to that: an operator who restores an old copy. */
void world_copy_disk(struct world *w);
void world_restore_disk(struct world *w);
/* Every durable step fails with err from now on; TS_OK: works again. */
void world_disk_error(struct world *w, ts_err err);
/* The same, but what is said to have failed was done: a flush whose answer was lost. Ended by
 * world_disk_error. */
void world_disk_lies(struct world *w, ts_err err);
/* The nth durable step from now fails with err, once. applied: it takes place all the same. n 0:
 * none. */
void world_fail_step(struct world *w, uint64_t n, ts_err err, bool applied);
/* The nth frame from now to the host (else: to the enclaves) is lost, and its link with it, once.
 * n 0: none. */
void world_lose_frame(struct world *w, uint64_t n, bool to_host);
/* The nth call from now on that keeps an enclave's checkpoint (begin, write, end) fails with
 * TS_E_DISK_FULL, once; of reading, with TS_E_IO. n 0: none. */
void world_fail_slot(struct world *w, uint64_t n, bool reading);
uint64_t world_slot_calls(const struct world *w, bool reading);
/* What happened since the start: durable steps, frames that arrived. */
uint64_t world_steps(const struct world *w);
uint64_t world_frames(const struct world *w, bool to_host);
/* What the host asks from its disk is lost: no answer ever comes. */
void world_lose_loads(struct world *w, bool lose);
/* Who sealed the batch that is prepared on the disk; -1: none is. */
int world_prepared_by(struct world *w);
/* A transaction on the disk of a host that is not running, as if acknowledged before. */
void world_put_tx(struct world *w, ts_bytes raw, const ts_address *sender, uint64_t nonce);
/* The address of account a. */
ts_address world_account(const struct world *w, unsigned a);
/* Overwrites a setting on the disk of a host that is not running. */
void world_set_meta(struct world *w, const char *key, ts_bytes value);
/* Sees each frame an enclave sends and may replace it (return a new length; out has room for cap
 * bytes) or swallow it (return 0). NULL: as it is. */
typedef size_t (*world_tamper_fn)(void *ctx, struct world *w, unsigned i, ts_bytes frame,
                                  uint8_t *out, size_t cap);
void world_tamper(struct world *w, world_tamper_fn fn, void *ctx);
/* A frame out of the blue, as if enclave i had sent it. */
void world_say(struct world *w, unsigned i, ts_bytes frame);

/* From its next boot on, the enclave's engine gives wrong state roots: what it seals is wrong, and
 * what others seal it refuses. */
void world_break_engine(struct world *w, unsigned i, bool broken);

/* A transfer of 1 wei by account a with its next nonce. Returns its index. */
unsigned world_send(struct world *w, unsigned a);
/* The same with so many bytes of data, all zero. */
unsigned world_send_data(struct world *w, unsigned a, size_t n);
/* Bytes of the caller's own; the same bookkeeping. */
unsigned world_send_raw(struct world *w, ts_bytes raw);
/* A signed legacy transfer in out; returns its length. */
size_t world_make_tx(struct world *w, unsigned a, uint64_t nonce, uint64_t gas_price, uint8_t *out,
                     size_t cap);
enum world_tx_state { WTX_WAITING, WTX_ACKED, WTX_REFUSED };
enum world_tx_state world_tx_state(const struct world *w, unsigned tx, ts_err *err);
/* In how many broadcast batches it is, as of the last world_check; rejected: with the text. */
unsigned world_tx_batches(const struct world *w, unsigned tx);
bool world_tx_rejected(const struct world *w, unsigned tx, ts_err *code, char *text, size_t size);

/* Gives an operator's order; the answer is waited for up to five virtual seconds. enclave -1: no
 * id; WORLD_MAX: an id that nobody has. */
ts_err world_admin(struct world *w, enum ts_host_admin what, int enclave, char *text, size_t size);
/* The same without waiting. Returns a number for world_asked. */
unsigned world_admin_later(struct world *w, enum ts_host_admin what, int enclave);
/* A balance query of account a, without waiting. */
unsigned world_query(struct world *w, unsigned a);
/* The same with an argument of the caller's own. */
unsigned world_query_raw(struct world *w, enum ts_query_kind kind, ts_bytes arg);
/* Whether it has been answered, and how. A host that was killed since answers nothing. */
bool world_asked(const struct world *w, unsigned n, ts_err *err);

/* How many EVENTs of this name the host gave since the start (over its restarts). */
unsigned world_events(const struct world *w, const char *event);

/* L1's whitelist from its next block on. */
void world_l1_list(struct world *w, unsigned i, bool listed);
/* The host hears nothing of L1, which goes on; or L1 itself makes no blocks. */
void world_l1_down(struct world *w, bool down);
/* Another block of that number, as L1's tip has it for a moment: told as what was asked for. */
void world_l1_tell_tip(struct world *w, uint64_t number);
void world_l1_stand_still(struct world *w, bool still);
/* The newest so many blocks are replaced, and the host is told of the first. */
void world_l1_reorg(struct world *w, unsigned depth);
/* The same, and the host is told of the newest told ones only: the follower says that the newest
 * confirmed block is gone, not how many below it. */
void world_l1_reorg_told(struct world *w, unsigned depth, unsigned told);
/* The newest block is told again, and the whitelist after it is another. */
void world_l1_tell_again(struct world *w, unsigned i, bool listed);
uint64_t world_l1_number(const struct world *w);
/* How often the host has asked for a block. */
size_t world_l1_asks(const struct world *w);
/* How often the host has named who could replace a corrupted enclave, and whom at last; and that
 * this was asked for on L1, or failed with err. */
size_t world_replacements(const struct world *w, ts_address *corrupted, ts_address *successor);
void world_replacement_asked(struct world *w, ts_err err);
/* Transactions that the host sends are not mined, until it is turned off. */
void world_l1_lose_rollups(struct world *w, bool lose);
/* The contract takes the next rollup that the host sends for wrong. */
void world_l1_refuse_rollup(struct world *w);
/* The host makes rollups of so many batches, or none, from its next start on. */
void world_publish_rollups(struct world *w, uint64_t batches);
/* What each batch in a ROLLUP takes enclave i, which does nothing else meanwhile; a header above
 * the range takes a quarter of that. */
void world_rollup_cost(struct world *w, unsigned i, uint64_t us);
/* So many batches of the store were given to the host since the start. */
uint64_t world_loaded(const struct world *w);
/* The contract takes a rollup of so many batches that are not this chain's. */
void world_l1_foreign_rollup(struct world *w, uint64_t batches);
/* Governance takes the newest n rollups back. The host is told, now or when it hears of L1 again;
 * of rollups among them that it was not told of it never is. */
void world_l1_roll_back(struct world *w, size_t n);
/* The last batch of the newest rollup that the contract took; 0: none. */
uint64_t world_l1_published(const struct world *w);
size_t world_l1_rollups_taken(const struct world *w);
/* How many the contract has refused, each of which was paid for. */
size_t world_l1_rollups_refused(const struct world *w);
const struct ts_rollup *world_l1_rollup(const struct world *w, size_t i, ts_bytes *data);

/* Asserts what must always hold: I1, I3 (durable before broadcast), I9 (acknowledged ones in at
 * most one batch), and that the broadcast chain is one chain that is valid by V1–V8 for a fresh
 * verifier. With settled: every acknowledged transaction is in exactly one batch or rejected with a
 * reason, and everything that was asked of a host that still runs has been answered. */
void world_check(struct world *w, bool settled);

#endif
