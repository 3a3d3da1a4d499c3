/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/accounts.h"

#include "base/check.h"
#include "base/siphash.h"

#define CHUNK      1024u /* accounts in a chunk: 64 KiB */
#define FIRST_CAP  64u
#define KEEP_SLOTS 16384u      /* clear keeps an index up to this size */
#define MAX_COUNT  0x7fffffffu /* so that a place counted from 1 fits 32 bits */

_Static_assert(sizeof(struct ts_account) == 64, "an account is 64 bytes");
_Static_assert(sizeof(struct ts_account_slot) == 8, "a slot is 8 bytes");

/* The most accounts that cap slots find: three of four, so that probes stay short. */
static size_t room_of(size_t cap)
{
    return cap / 4 * 3;
}

void ts_accounts_init(struct ts_accounts *a, const uint64_t seed[2])
{
    *a = (struct ts_accounts){.seed = {seed[0], seed[1]}};
}

static void drop_chunks(struct ts_accounts *a, size_t keep)
{
    while (a->n_chunks > keep)
        free(a->chunks[--a->n_chunks]);
}

void ts_accounts_free(struct ts_accounts *a)
{
    drop_chunks(a, 0);
    free(a->chunks);
    free(a->slots);
    ts_accounts_init(a, (const uint64_t[2]){a->seed[0], a->seed[1]});
}

void ts_accounts_clear(struct ts_accounts *a)
{
    if (a->cap > KEEP_SLOTS) {
        ts_accounts_free(a);
        return;
    }
    if (a->cap > 0)
        memset(a->slots, 0, a->cap * sizeof(*a->slots));
    a->n = 0;
}

static uint32_t tag_of(const struct ts_accounts *a, const ts_address *address)
{
    return (uint32_t)ts_siphash13(a->seed, address->b, sizeof(address->b));
}

struct ts_account *ts_accounts_at(const struct ts_accounts *a, size_t i)
{
    TS_CHECK(i < a->n);
    return &a->chunks[i / CHUNK][i % CHUNK];
}

struct ts_account *ts_accounts_find(const struct ts_accounts *a, const ts_address *address)
{
    if (a->n == 0)
        return NULL;
    uint32_t tag = tag_of(a, address);
    for (size_t i = tag & (a->cap - 1); a->slots[i].at != 0; i = (i + 1) & (a->cap - 1)) {
        if (a->slots[i].tag != tag)
            continue;
        struct ts_account *account = ts_accounts_at(a, a->slots[i].at - 1);
        if (ts_address_equal(&account->address, address))
            return account;
    }
    return NULL;
}

static void put_slot(struct ts_account_slot *slots, size_t cap, struct ts_account_slot slot)
{
    size_t i = slot.tag & (cap - 1);
    while (slots[i].at != 0)
        i = (i + 1) & (cap - 1);
    slots[i] = slot;
}

/* The tags hold all that a larger index needs, so the accounts are not looked at. */
static ts_err grow_index(struct ts_accounts *a, size_t count)
{
    size_t cap = a->cap != 0 ? a->cap : FIRST_CAP;
    while (room_of(cap) < count)
        cap *= 2;
    if (cap == a->cap)
        return TS_OK;
    struct ts_account_slot *slots = calloc(cap, sizeof(*slots));
    if (slots == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < a->cap; i++) {
        if (a->slots[i].at != 0)
            put_slot(slots, cap, a->slots[i]);
    }
    free(a->slots);
    a->slots = slots;
    a->cap = cap;
    return TS_OK;
}

static ts_err add_chunk(struct ts_accounts *a)
{
    if (a->n_chunks == a->cap_chunks) {
        size_t cap = a->cap_chunks != 0 ? a->cap_chunks * 2 : 4;
        struct ts_account **chunks = realloc(a->chunks, cap * sizeof(struct ts_account *));
        if (chunks == NULL)
            return TS_E_NOMEM;
        a->chunks = chunks;
        a->cap_chunks = cap;
    }
    struct ts_account *chunk = malloc(CHUNK * sizeof(*chunk));
    if (chunk == NULL)
        return TS_E_NOMEM;
    a->chunks[a->n_chunks++] = chunk;
    return TS_OK;
}

ts_err ts_accounts_reserve(struct ts_accounts *a, size_t count)
{
    if (count > MAX_COUNT)
        return TS_E_NOMEM;
    ts_err err = grow_index(a, count);
    while (err == TS_OK && a->n_chunks * CHUNK < count)
        err = add_chunk(a);
    return err;
}

struct ts_account *ts_accounts_add(struct ts_accounts *a, const ts_address *address)
{
    if (ts_accounts_reserve(a, a->n + 1) != TS_OK)
        return NULL;
    a->n++;
    struct ts_account *account = ts_accounts_at(a, a->n - 1);
    *account = (struct ts_account){.address = *address};
    put_slot(a->slots, a->cap,
             (struct ts_account_slot){.at = (uint32_t)a->n, .tag = tag_of(a, address)});
    return account;
}

bool ts_account_is_empty(const struct ts_account *account)
{
    return account->nonce == 0 && ts_u256_is_zero(&account->balance);
}
