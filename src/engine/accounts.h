/* SPDX-License-Identifier: Apache-2.0 */
/* A set of accounts that only grows, in few bytes each: the accounts lie in chunks that never move,
 * and an index of eight bytes a slot finds them. At most 64 + 8 / 0.375 = 86 bytes an account, and
 * 96 while the index doubles. Seeded against addresses that an attacker chose to collide. */
#ifndef TS_ENGINE_ACCOUNTS_H
#define TS_ENGINE_ACCOUNTS_H

#include "base/u256.h"

struct ts_account {
    ts_address address;
    uint64_t nonce; /* of the account's next transaction */
    ts_u256 balance;
};

struct ts_account_slot {
    uint32_t at;  /* place of the account, counted from 1; 0: the slot is free */
    uint32_t tag; /* low half of the address's hash: tells most others apart, and where home is */
};

struct ts_accounts {
    struct ts_account **chunks;
    size_t n_chunks;
    size_t cap_chunks;
    size_t n;                      /* accounts held */
    struct ts_account_slot *slots; /* open addressing, linear probing */
    size_t cap;                    /* of slots: a power of two, or 0 */
    uint64_t seed[2];
};

/* An empty set. Allocates nothing yet. */
void ts_accounts_init(struct ts_accounts *a, const uint64_t seed[2]);
void ts_accounts_free(struct ts_accounts *a);
/* Empties it; keeps a little memory for the next use and gives back what a large use took. */
void ts_accounts_clear(struct ts_accounts *a);

/* Makes room for count accounts in all, so that adding up to it cannot fail.
 * TS_E_NOMEM: what is held is unchanged. */
ts_err ts_accounts_reserve(struct ts_accounts *a, size_t count);
/* NULL: not there. The account stays where it is until clear or free. */
struct ts_account *ts_accounts_find(const struct ts_accounts *a, const ts_address *address);
/* A new account, zero but for its address, which must not be there yet. NULL: out of memory; never
 * after a reserve. */
struct ts_account *ts_accounts_add(struct ts_accounts *a, const ts_address *address);
/* Account i in the order of adding, i < n. */
struct ts_account *ts_accounts_at(const struct ts_accounts *a, size_t i);

/* True when it says no more than an account that was never named: nonce 0 and balance 0. */
bool ts_account_is_empty(const struct ts_account *account);

#endif
