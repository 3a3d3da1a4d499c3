/* SPDX-License-Identifier: Apache-2.0 */
/* The requests as an enclave handles them; what it refuses changes nothing. */

/* src/enclave/own.c:ts_own_sign */
inline sign(e, kind, newterm, head)
{
    n_t[e]++;
    t_kind[Q(e, n_t[e])] = kind;
    t_boot[Q(e, n_t[e])] = e_boot[e];
    t_term[Q(e, n_t[e])] = newterm;
    t_head[Q(e, n_t[e])] = head;
    t_prev[Q(e, n_t[e])] = e_tip[e];
    e_tip[e] = n_t[e]
}

/* The report that goes with every answer (src/enclave/events.c:ts_enclave_events). */
inline report(e)
{
#ifdef LIAR
    reports[C(e_head[e], e)] = reports[C(e_head[e], e)] | (1 << e_tip[e]);
#endif
    skip
}

inline move_head(e, b)
{
    /* I2: within one boot, once it has signed, the head only moves to a child of the head. */
    assert(!has_signed(e) || b_par[b] == e_head[e]);
    e_head[e] = b
}

/* LOAD and the ACCEPTs up to batch b, then SYNCED: src/enclave/load.c:ts_enclave_load and
 * src/enclave/events.c:ts_enclave_synced. */
inline join(e, b)
{
    d_step {
        move_head(e, b);
        e_tip[e] = b_tip[C(b, e)];
        e_pub[e] = e_tip[e];
        e_shown[e] = false;
        sign(e, STARTED, 0, b);
        e_state[e] = IS_PASSIVE;
        report(e)
    }
}

/* own: the newest term of its own, in this boot and on its line (src/enclave/events.c:
 * check_term). */
inline newest_own_term(e)
{
    own = 0;
    at = e_tip[e];
    do
    :: at != 0 ->
        own = (t_kind[Q(e, at)] == ACTIVE && t_term[Q(e, at)] > own -> t_term[Q(e, at)] : own);
        at = t_prev[Q(e, at)]
    :: else -> break
    od;
    skip
}

/* src/enclave/events.c:ts_enclave_activate; a refusal changes nothing. */
inline activate(e, newterm)
{
    d_step {
        newest_own_term(e);
        if
#ifdef M_TERM_UNCHECKED
        :: e_state[e] == IS_PASSIVE ->
#else
        :: e_state[e] == IS_PASSIVE && newterm > own && newterm > b_term[e_head[e]] ->
#endif
            sign(e, ACTIVE, newterm, e_head[e]);
            e_state[e] = IS_ACTIVE;
            report(e)
        :: else
        fi
    }
}

/* src/enclave/events.c:ts_enclave_step_down */
inline step_down(e)
{
    d_step {
        newest_own_term(e);
        sign(e, PASSIVE, own, e_head[e]);
        e_state[e] = IS_PASSIVE;
        report(e)
    }
}

/* The batch publishes a transition that this boot did not know: it signs its own anew on top
 * (src/enclave/own.c:ts_own_take). bits: its unpublished ones. */
inline sign_again(e, tip)
{
    again = bits;
    old_tip = e_tip[e];
    e_tip[e] = tip;
    j = 1;
    do
    :: j <= old_tip ->
        if
        :: (again >> j) & 1 -> sign(e, t_kind[Q(e, j)], t_term[Q(e, j)], t_head[Q(e, j)])
        :: else
        fi;
        j++
    :: else -> break
    od;
    skip
}

/* src/enclave/accept.c:ts_enclave_accept; what is refused changes nothing. */
inline accept(e, b)
{
    d_step {
        if
        :: b_par[b] == e_head[e] ->
            check(b);
            if
            :: good ->
                /* src/enclave/own.c:ts_own_scan */
                path(e, e_pub[e], e_tip[e]);
                is_on = (b_tr[C(b, e)] & (255 - bits)) != 0; /* one is foreign */
                j = e_pub[e] + 1; /* the first own one, Started until it is published */
                e_shown[e] = e_shown[e] || (b_tr[C(b, e)] & bits) != 0;
                if
                :: (is_on && e_shown[e]) || (e_shown[e] && b_prod[b] == e) ->
                    e_state[e] = HALTED /* src/enclave/accept.c:copy_at_work */
                :: else ->
                    move_head(e, b);
                    if
                    :: is_on -> sign_again(e, b_tip[C(b, e)])
                    :: else
                    fi;
                    e_pub[e] = b_tip[C(b, e)];
                    /* src/enclave/accept.c:follow */
                    if
                    :: e_state[e] == IS_ACTIVE ->
                        newest_own_term(e);
                        sign(e, PASSIVE, own, b);
                        e_state[e] = IS_PASSIVE
                    :: else
                    fi;
                    report(e)
                fi
            :: else
            fi
        :: else ->
            /* src/enclave/accept.c:not_a_child, src/enclave/conflict.c:ts_conflict_judge */
            ancestor(b_par[b], e_head[e]);
            good = is_on && b_num[b] <= b_num[e_head[e]];
            ancestor(b, e_head[e]);
            e_state[e] = (good && !is_on -> HALTED : e_state[e])
        fi
    }
}

/* The room that an accept may take: Started, Active, Passive again, and one Passive more. */
#define MAX_SIGNED 3

/* z: the batch that e sealed on its head or, asked again, the one it keeps; 0: refused. The
 * others' events are in x_tip, x_tr, x_rep, x_rhead, x_rtip.
 * src/enclave/build.c:ts_enclave_create with src/enclave/draft.c:ts_draft_make */
inline create(e, parent)
{
    d_step {
        z = 0;
        k = 1;
        do
        :: k <= n_b ->
            z = (b_prod[k] == e && b_boot[k] == e_boot[e] && b_par[k] == (parent) -> k : z);
            k++
        :: else -> break
        od;
#ifdef M_BUILT_TWICE
        z = 0;
        e_head[e] = parent;
#endif
        if
        :: z == 0 && e_state[e] == IS_ACTIVE && (parent) == e_head[e] && n_b < NB ->
            n_b++;
            b_par[n_b] = parent;
            b_num[n_b] = b_num[parent] + 1;
            b_prod[n_b] = e;
            b_boot[n_b] = e_boot[e];
            x_tip[e] = e_tip[e];
            path(e, b_tip[C(parent, e)], e_tip[e]);
            x_tr[e] = bits;
            x_rep = x_rep | (1 << e);
            x_rhead[e] = e_head[e];
            x_rtip[e] = e_tip[e];
            b_rep[n_b] = x_rep;
            k = 0;
            do
            :: k < E ->
                b_tip[C(n_b, k)] = x_tip[k];
                b_tr[C(n_b, k)] = x_tr[k];
                b_rhead[C(n_b, k)] = x_rhead[k];
                b_rtip[C(n_b, k)] = x_rtip[k];
#ifdef M_ABSENT_UNCHECKED
                skip; /* whom the host does not name is forgotten */
#else
                if /* src/enclave/draft.c:put_absent */
                :: !((x_rep >> k) & 1) -> b_abs[n_b] = b_abs[n_b] | (1 << k)
                :: else
                fi;
#endif
                k++
            :: else -> break
            od;
            check(n_b); /* leaves the term of the fold in `term` */
            if
            :: term != b_term[n_b] -> b_term[n_b] = term; check(n_b)
            :: else
            fi;
            if
            :: good ->
                z = n_b;
                /* I2: never two seals on one parent in one boot. */
                k = 1;
                do
                :: k < n_b ->
                    assert(b_prod[k] != e || b_boot[k] != e_boot[e] || b_par[k] != b_par[n_b]);
#ifndef LIAR
                    /* I5: an honest host gives no term to two, be it sealed in vain. */
                    assert(b_term[k] != b_term[n_b] || b_prod[k] == e);
#endif
                    k++
                :: else -> break
                od;
                move_head(e, n_b);
                e_pub[e] = e_tip[e];
                e_shown[e] = true;
                report(e)
            :: else -> /* refused before anything is opened */
                k = 0;
                do
                :: k < E ->
                    b_tip[C(n_b, k)] = 0;
                    b_tr[C(n_b, k)] = 0;
                    b_rhead[C(n_b, k)] = 0;
                    b_rtip[C(n_b, k)] = 0;
                    k++
                :: else -> break
                od;
                b_par[n_b] = 0;
                b_num[n_b] = 0;
                b_prod[n_b] = 0;
                b_boot[n_b] = 0;
                b_term[n_b] = 0;
                b_rep[n_b] = 0;
                b_abs[n_b] = 0;
                n_b--
            fi
        :: else
        fi;
        /* nothing is left of the choices */
        k = 0;
        do
        :: k < E ->
            x_tip[k] = 0;
            x_tr[k] = 0;
            x_rhead[k] = 0;
            x_rtip[k] = 0;
            k++
        :: else -> break
        od;
        x_rep = 0
    }
}
