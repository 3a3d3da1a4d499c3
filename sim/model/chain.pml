/* SPDX-License-Identifier: Apache-2.0 */
/* What is valid, one function for enclave, host and node (src/chain/check.c:ts_batch_check); then
 * what must hold of every chain that a node may have. */

/* is_on: batch a is genesis, an ancestor of b, or b. */
inline ancestor(a, b)
{
    at = b;
    do
    :: at != (a) && at != 0 -> at = b_par[at]
    :: else -> break
    od;
    is_on = (at == (a))
}

/* bits: the transitions of e above `low` up to `high`; links: they link down to low. */
inline path(e, low, high)
{
    bits = 0;
    at = high;
    do
    :: at > (low) -> bits = bits | (1 << at); at = t_prev[Q(e, at)]
    :: else -> break
    od;
    links = (at == (low))
}

/* good: batch b is valid on its parent (src/chain/check.c:ts_batch_check). */
inline check(b)
{
    good = true;
    par = b_par[b];
    act = b_prod[par];
    term = b_term[par];
    k = 0;
    do
    :: k < E ->
        /* the producer's transitions come first (rule_v4_events.c) */
        o = (k == 0 -> b_prod[b] : (k <= b_prod[b] -> k - 1 : k));
        from = b_tip[C(par, o)];
        to = b_tip[C(b, o)];
        path(o, from, to);
#ifndef M_GAPS
        /* V4: they link, and none is left out (src/chain/rule_v4_events.c:ts_rule_v4_fits) */
        good = good && links && bits == b_tr[C(b, o)];
#endif
        last = from;
        j = from + 1;
        do
        :: j <= to ->
            if
            :: (b_tr[C(b, o)] >> j) & 1 ->
                if
                :: t_kind[Q(o, j)] == STARTED ->
                    good = good && (last == 0 || t_boot[Q(o, j)] > t_boot[Q(o, last)])
                :: else ->
                    good = good && last != 0 && t_boot[Q(o, j)] == t_boot[Q(o, last)]
                fi;
                ancestor(t_head[Q(o, j)], par);
                good = good && is_on;
                /* the fold (src/chain/registry.c) */
                if
                :: t_kind[Q(o, j)] == ACTIVE ->
                    if
#ifdef M_TERM_UNCHECKED
                    :: t_head[Q(o, j)] == par ->
#else
                    :: t_head[Q(o, j)] == par && t_term[Q(o, j)] > term ->
#endif
                        act = o; term = t_term[Q(o, j)]
                    :: else
                    fi
                :: else -> act = (act == o -> NOBODY : act)
                fi;
                last = j
            :: else
            fi;
            j++
        :: else -> break
        od;
        /* V5: each one reports or is listed as absent (src/chain/rule_v5_complete.c) */
#ifndef M_ABSENT_UNCHECKED
        good = good && ((b_rep[b] >> o) & 1) + ((b_abs[b] >> o) & 1) == 1;
#endif
        if
        :: (b_rep[b] >> o) & 1 ->
            /* V6: of the current boot, and fresh (src/chain/rule_v6_fresh.c) */
            ancestor(b_rhead[C(b, o)], par);
            good = good && is_on && to != 0 && t_boot[Q(o, b_rtip[C(b, o)])] == t_boot[Q(o, to)];
#ifndef M_LAG_UNCHECKED
            good = good && b_num[b_rhead[C(b, o)]] + LAG >= b_num[b];
#endif
            /* V8: with the published tip (src/chain/rule_v8_tip.c:ts_rule_v8_report) */
#ifndef M_TIP_UNCHECKED
            good = good && b_rtip[C(b, o)] == to;
#endif
        :: else
        fi;
        k++
    :: else -> break
    od;
    good = good && ((b_rep[b] >> b_prod[b]) & 1);
    /* V7 and V1 (src/chain/rule_v7_roles.c:ts_rule_v7_roles, rule_v1_links.c:ts_rule_v1_term) */
#ifndef M_ROLES_UNCHECKED
    good = good && act == b_prod[b];
#endif
    good = good && term == b_term[b]
}

/* ---- what must hold ---- */

inline assert_terms(b)
{
    good = false;
    o = b_prod[b];
    k = b;
    do
    :: k != 0 ->
        /* I5: each term has one producer, and terms only grow. */
        assert(b_term[k] <= b_term[b] && (b_term[k] != b_term[b] || b_prod[k] == o));
        j = 1;
        do
        :: j <= n_t[o] ->
            good = good || (((b_tr[C(k, o)] >> j) & 1) && t_kind[Q(o, j)] == ACTIVE &&
                            t_term[Q(o, j)] == b_term[b]);
            j++
        :: else -> break
        od;
        k = b_par[k]
    :: else -> break
    od;
    /* I5: its producer's Active is in the chain, at or before its first batch. */
    assert(good)
}

/* shown: transition q of o, or the same one signed again on top of another, is among `bits`. */
inline is_shown(q)
{
    good = false;
    j = 1;
    do
    :: j <= n_t[o] ->
        good = good || (((bits >> j) & 1) && t_boot[Q(o, j)] == t_boot[Q(o, q)] &&
                        t_kind[Q(o, j)] == t_kind[Q(o, q)] && t_term[Q(o, j)] == t_term[Q(o, q)] &&
                        t_head[Q(o, j)] == t_head[Q(o, q)]);
        j++
    :: else -> break
    od
}

inline assert_shown(b)
{
    o = 0;
    do
    :: o < E ->
        bits = 0; /* published up to b */
        k = b;
        do
        :: k != 0 -> bits = bits | b_tr[C(k, o)]; k = b_par[k]
        :: else -> break
        od;
        own = t_boot[Q(o, b_tip[C(b, o)])]; /* the boot whose Started is published; 0: none */
        k = 1;
        do
        :: k <= n_t[o] ->
            if
            :: own != 0 && t_boot[Q(o, k)] == own && b_num[t_head[Q(o, k)]] + LAG < b_num[b] ->
                is_shown(k);
                /* I8: what a boot signed whose Started is in the chain is published within LAG
                 * batches, or the chain shows another boot, or it lists the enclave as absent. */
                assert(good || ((b_abs[b] >> o) & 1))
            :: else
            fi;
            k++
        :: else -> break
        od;
        o++
    :: else -> break
    od
}
