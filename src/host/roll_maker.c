/* SPDX-License-Identifier: Apache-2.0 */
/* Which enclave makes a rollup, and how much one that is active is given at once: it makes nothing
 * else meanwhile, and the next batch is due. */
#include "host/internal.h"

#define FORGIVE_US 600000000u /* so long after a failure the others come first */

/* What it takes, as measured with bench_enclave and bench_rollup on one core of a 2.5 GHz machine,
 * for what is dearest: times without a step, bytes in columns of just below 16 KiB. */
#define COST_US        1000u
#define COST_BATCH_NS  12000u
#define COST_BYTE_NS   2500u
#define COST_ABOVE_NS  3000u /* of a header above the range, which is only hashed */
#define SLOWNESS       1000u /* that of this machine */
#define SLOWNESS_FIRST 8000u /* before anything is known of an enclave */
#define SLOWNESS_MAX   1000000u
#define SHARE          4u /* of the interval between batches */
#define BUDGET_MIN_US  2000u

/* ---- who ---- */

/* On L1's list and on the chain's: who is only on L1's yet may be gone from it before any batch
 * names it, and nodes would find the rollup to be signed by nobody. */
static bool can_make(const struct ts_host *h, const struct member *m)
{
    return is_up(h, m) && l1_lists(h, m) && member_whitelisted(h, m) &&
           m->fifo_n <= TS_MAX_REQUESTS / 2 &&
           m->head.number + TS_ROLL_NEAR / 2 >= h->chain.head.number &&
           (m->state == TS_ENC_PASSIVE || m->state == TS_ENC_ACTIVE);
}

static bool failed_lately(const struct ts_host *h, const struct member *m)
{
    return m->roll_failed_us != 0 && h->now.mono_us < m->roll_failed_us + FORGIVE_US;
}

/* Who still makes one that is no longer wanted comes last. Who has not failed lately comes first,
 * then who is passive; of those who have, who failed longest ago: so all get their turn. */
static bool is_better(const struct ts_host *h, const struct member *a, const struct member *b)
{
    if (a->rolling != b->rolling)
        return b->rolling;
    bool a_failed = failed_lately(h, a), b_failed = failed_lately(h, b);
    if (a_failed != b_failed)
        return b_failed;
    if (a_failed && a->roll_failed_us != b->roll_failed_us)
        return a->roll_failed_us < b->roll_failed_us;
    return a->state == TS_ENC_PASSIVE && b->state == TS_ENC_ACTIVE;
}

int roll_choose_maker(const struct ts_host *h)
{
    int best = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (can_make(h, m) && (best == TS_NOBODY || is_better(h, m, &h->members[best])))
            best = (int)i;
    }
    return best;
}

void roll_maker_failed(struct ts_host *h, struct member *m)
{
    m->roll_failed_us = h->now.mono_us + 1;
    if (m->roll_slowness == 0)
        m->roll_slowness = SLOWNESS_FIRST;
    if (m->roll_slowness < SLOWNESS_MAX)
        m->roll_slowness *= 2;
}

/* ---- how much ---- */

uint64_t roll_cost(size_t batches, size_t bytes)
{
    return COST_US + ((uint64_t)batches * COST_BATCH_NS + (uint64_t)bytes * COST_BYTE_NS) / 1000;
}

uint64_t roll_work(const struct roll *r)
{
    return roll_cost(r->n_range, r->bytes) + (uint64_t)r->n_above * COST_ABOVE_NS / 1000;
}

uint64_t roll_time_us(const struct member *m, uint64_t work)
{
    return work * (m->roll_slowness != 0 ? m->roll_slowness : SLOWNESS_FIRST) / SLOWNESS;
}

void roll_learn(struct member *m, uint64_t work, uint64_t took_us)
{
    uint64_t now = took_us * SLOWNESS / work;
    uint64_t was = m->roll_slowness != 0 ? m->roll_slowness : SLOWNESS_FIRST;
    uint64_t next = now > was ? now : (now + was) / 2; /* up at once, down by steps */
    m->roll_slowness = next < SLOWNESS ? SLOWNESS : next > SLOWNESS_MAX ? SLOWNESS_MAX : next;
}

uint64_t roll_cost_max(const struct ts_host *h, const struct member *m)
{
    uint64_t budget = h->set.interval_us / SHARE;
    if (m->state != TS_ENC_ACTIVE)
        return UINT64_MAX;
    if (budget < BUDGET_MIN_US)
        budget = BUDGET_MIN_US;
    return budget * SLOWNESS / roll_time_us(m, SLOWNESS);
}

bool roll_is_too_much(const struct ts_host *h, const struct member *m)
{
    const struct roll *r = &h->roll;
    return r->n_range > 1 && r->cost_max > roll_cost_max(h, m) &&
           roll_cost(r->n_range, r->bytes) > roll_cost_max(h, m);
}

/* Right after a batch there is most of it. Who makes no batches has time. */
bool roll_has_time(const struct ts_host *h, const struct member *m)
{
    uint64_t need = 2 * roll_time_us(m, roll_work(&h->roll));
    if (m->state != TS_ENC_ACTIVE || (h->paused && h->line == L_IDLE && h->prep.stage == P_NONE))
        return true;
    if (need > h->set.interval_us / 2)
        need = h->set.interval_us / 2; /* one batch that takes longer is still to be published */
    return h->line == L_IDLE && h->prep.stage == P_NONE &&
           h->now.mono_us + need <= h->next_batch_us;
}
