/* SPDX-License-Identifier: Apache-2.0 */
/* The whitelist after the newest block read, and its changes since genesis. Only changes that had
 * an effect are kept, so each can be undone: the list at any block is the newest one with the
 * changes above that block undone, which is cheap for the blocks that are asked for.
 *
 * Every party must come to the same list from the same logs: a grant of one that is listed, a
 * revoke of one that is not, and a grant beyond TS_MAX_WHITELIST have no effect. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "l1/follower_internal.h"

/* Where it is or belongs. */
static bool find(const struct l1f_list *l, const ts_address *who, size_t *at)
{
    size_t i = 0;
    while (i < l->n && ts_address_compare(&l->a[i], who) < 0)
        i++;
    *at = i;
    return i < l->n && ts_address_equal(&l->a[i], who);
}

static bool add(struct l1f_list *l, const ts_address *who)
{
    size_t at;
    if (find(l, who, &at) || l->n == TS_MAX_WHITELIST)
        return false;
    memmove(&l->a[at + 1], &l->a[at], (l->n - at) * sizeof(l->a[0]));
    l->a[at] = *who;
    l->n++;
    return true;
}

static bool take_out(struct l1f_list *l, const ts_address *who)
{
    size_t at;
    if (!find(l, who, &at))
        return false;
    l->n--;
    memmove(&l->a[at], &l->a[at + 1], (l->n - at) * sizeof(l->a[0]));
    return true;
}

bool ts_l1f_list_reserve(struct ts_l1_follower *f, size_t more)
{
    size_t want = f->n_changes + more;
    if (want <= f->cap_changes)
        return true;
    size_t cap = 2 * f->cap_changes > want ? 2 * f->cap_changes : want;
    struct l1f_change *p = realloc(f->changes, cap * sizeof(*p));
    if (p == NULL)
        return false;
    f->changes = p;
    f->cap_changes = cap;
    return true;
}

static void say_odd(struct ts_l1_follower *f, const struct l1f_change *c, bool *is_said,
                    const char *what)
{
    char who[TS_ADDRESS_HEX_SIZE];
    if (*is_said)
        return;
    *is_said = true;
    ts_l1f_event(f, TS_LOG_WARN, "l1-odd-log", "block=%llu enclave=%s reason=\"%s\"",
                 (unsigned long long)c->number, ts_hex(c->who.b, sizeof(c->who.b), who), what);
}

void ts_l1f_list_apply(struct ts_l1_follower *f, const struct l1f_change *c)
{
    bool has_room = f->list.n < TS_MAX_WHITELIST;
    TS_CHECK(f->n_changes < f->cap_changes);
    if (c->is_grant ? add(&f->list, &c->who) : take_out(&f->list, &c->who))
        f->changes[f->n_changes++] = *c;
    else if (!c->is_grant)
        say_odd(f, c, &f->is_odd_said, "revoked, and was not on the list: no effect");
    else if (!has_room)
        say_odd(f, c, &f->is_full_said, "granted beyond 64 on the list: no effect");
}

static void undo(struct l1f_list *l, const struct l1f_change *c)
{
    TS_CHECK(c->is_grant ? take_out(l, &c->who) : add(l, &c->who));
}

void ts_l1f_list_undo(struct ts_l1_follower *f, uint64_t number)
{
    while (f->n_changes > 0 && f->changes[f->n_changes - 1].number > number)
        undo(&f->list, &f->changes[--f->n_changes]);
}

void ts_l1f_list_at(const struct ts_l1_follower *f, uint64_t number, struct l1f_list *out)
{
    *out = f->list;
    for (size_t i = f->n_changes; i > 0 && f->changes[i - 1].number > number; i--)
        undo(out, &f->changes[i - 1]);
}

const struct l1f_change *ts_l1f_list_next(const struct ts_l1_follower *f, uint64_t number)
{
    size_t lo = 0, hi = f->n_changes;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->changes[mid].number > number)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < f->n_changes ? &f->changes[lo] : NULL;
}
