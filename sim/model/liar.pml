/* SPDX-License-Identifier: Apache-2.0 */
/* The lying host holds the wires, and the node asks it for batches. */

/* x: any batch there is, or genesis. */
inline any_batch()
{
    do
    :: x < n_b -> x++
    :: break
    od;
    skip
}

/* Any transitions of o that fit on the parent, and any report of it that was ever signed. y, z:
 * zero before and after. */
inline any_events(e, q)
{
    x_tip[q] = b_tip[C(e_head[e], q)];
    y = x_tip[q];
    do
    :: y < n_t[q] -> y++
    :: break
    od;
    skip;
    d_step {
        path(q, x_tip[q], y);
        if
        :: links -> x_tip[q] = y; x_tr[q] = bits
        :: else
        fi;
        y = 0
    };
#ifdef M_GAPS
    /* one of them is left out */
    do
    :: y < MAXT -> y++
    :: break
    od;
    x_tr[q] = x_tr[q] & (255 - (1 << y));
    y = 0;
#endif
    if
    :: true
    :: do
       :: y < n_b -> y++
       :: break
       od;
       z = 1;
       do
       :: z < n_t[q] -> z++
       :: break
       od;
       if
       :: (reports[C(y, q)] >> z) & 1 ->
            x_rep = x_rep | (1 << q);
            x_rhead[q] = y;
            x_rtip[q] = z
       :: else
       fi;
       y = 0;
       z = 0
    fi
}

proctype member(byte e)
{
    do
    /* the process ends, another boot starts */
    :: atomic { e_boot[e] < MAXBOOT && e_state[e] != SYNCING -> d_step {
            e_boot[e]++;
            e_state[e] = SYNCING;
            e_head[e] = 0;
            e_tip[e] = 0;
            e_pub[e] = 0;
            e_shown[e] = false } }

    /* LOAD, ACCEPTs, SYNCED: to wherever the host likes; refused by one that has signed
     * (src/enclave/lifecycle.c:ts_enclave_permits) */
#ifdef M_REWIND
    :: atomic { e_state[e] != HALTED && room(e, 1) ->
#else
    :: atomic { e_state[e] == SYNCING && room(e, 1) ->
#endif
            any_batch();
            join(e, x);
            x = 0 }

    /* They are alike: the first to be activated is enclave 0. */
    :: atomic { has_signed(e) && room(e, 2) && (e == 0 || n_t[0] > 1) ->
            x = 1;
            do
            :: x < MAXTERM -> x++
            :: break
            od;
            skip;
            activate(e, x);
            x = 0 }

    :: atomic { e_state[e] == IS_ACTIVE && room(e, 1) -> step_down(e) }

    :: atomic { has_signed(e) && n_b > 0 && room(e, MAX_SIGNED) ->
            any_batch();
            if
            :: x > 0 -> accept(e, x)
            :: else
            fi;
            x = 0 }

    :: atomic { e_state[e] == IS_ACTIVE && n_b < NB && b_num[e_head[e]] < MAXNUM ->
            any_events(e, (e == 0 -> 1 : 0));
#if E > 2
            any_events(e, (e == 2 -> 1 : 2));
#endif
            create(e, e_head[e]);
            z = 0 }

    /* once more on a parent that has a child */
    :: atomic { e_state[e] == IS_ACTIVE && n_b < NB && e_head[e] != 0 ->
            d_step { x = b_par[e_head[e]]; k = 0;
                do
                :: k < E -> x_tip[k] = b_tip[C(x, k)]; k++
                :: else -> break
                od;
                skip };
            create(e, x);
            x = 0;
            z = 0 }
    od
}

/* The host may show any of the lines there are to a node, which takes what is valid: so each batch
 * whose ancestors are valid is looked at as the head of a node (src/node/verify.c). */
proctype node()
{
    do
    :: atomic { n_b > 0 -> d_step {
            it = 1;
            again = 1; /* bits: valid, as all before it are */
            do
            :: it <= n_b ->
                check(it);
                if
                :: good && ((again >> b_par[it]) & 1) ->
                    assert_terms(it);
                    assert_shown(it);
                    again = again | (1 << it)
                :: else
                fi;
                it++
            :: else -> break
            od;
            skip } }
    od
}
