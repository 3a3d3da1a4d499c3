/* SPDX-License-Identifier: Apache-2.0 */
/* The honest host, its disk, and the enclaves on its links. */

/* On disk. */
byte d_committed; /* the newest committed batch */
byte d_prepared;
byte d_discarded; /* bits */
byte d_term;      /* reserved up to here */
/* In memory: all zero after a crash. */
#define IDLE       0
#define STORING    1
#define FEEDING    2
#define COMMITTED  3 /* on disk; the host has not been told yet */
#define DISCARDED  4 /* likewise */
bool h_up;
byte h_committed;
byte h_prepared;
byte h_stage;
byte h_discarded; /* bits */
byte h_term;      /* handed out */
bool h_creating;  /* a CREATE is under way */
byte h_producer;  /* with whom */

#define M_DOWN    0
#define M_READY   1 /* or it catches up: the next batch is the one after its head */
#define M_BENCHED 2 /* until its next process */
byte m_phase[E];
#define FED      0
#define ACCEPTED 1
#define REFUSED  2
byte m_vote[E];
byte m_suspect[E]; /* the boot that lost a dispute; 0: none */
byte m_answer[E];  /* a batch created and not taken yet: it is on the wire */

byte host_crashes, link_losses, disputes;
byte sent[MAXNUM + 1]; /* what was broadcast under each number */
byte node_head;

/* src/node/verify.c, then it is the node's head */
inline node_takes(b)
{
    assert_terms(b);
    assert_shown(b);
    node_head = b
}

/* OUT_BROADCAST, and what a subscriber may ask from the store. */
inline broadcast(b)
{
    ancestor(b, d_committed);
#ifndef WITHOUT_I3
    /* I3: it is on disk, and committed there, before anyone sees it. */
    assert(is_on);
#endif
    /* I1: no two batches are sent under one number. */
    assert(sent[b_num[b]] == 0 || sent[b_num[b]] == b);
    if
    :: sent[b_num[b]] == 0 ->
        sent[b_num[b]] = b;
        check(b);
        /* V: a node finds valid what an honest host sends. */
        assert(good && b_par[b] == node_head);
        node_takes(b)
    :: else
    fi
}

/* src/host/commit.c:prepared_clear */
inline prepared_clear()
{
    h_prepared = 0;
    h_stage = IDLE;
    o = 0;
    do
    :: o < E -> m_vote[o] = FED; o++
    :: else -> break
    od;
    skip
}

/* good: taken. src/host/commit.c:prepared_take */
inline prepared_take(b, is_late)
{
    check(b);
    good = good && b_par[b] == h_committed;
#ifndef M_SECOND_PREPARED
    good = good && h_stage == IDLE;
#endif
#ifndef M_DISCARDED_TAKEN
    good = good && (is_late || !((h_discarded >> b) & 1));
#endif
    if
    :: good ->
        prepared_clear();
        h_prepared = b;
        h_stage = STORING;
#ifdef M_SENT_BEFORE_STORED
        broadcast(b);
#endif
        skip
    :: else
    fi
}

/* The connection ends, whatever was on it is gone. src/host/member.c:member_link_down and
 * member_reset, src/host/produce.c:produce_member_lost */
inline lose_link(e)
{
    m_phase[e] = M_DOWN;
    m_vote[e] = FED;
#ifndef M_LATE_ANSWER
    m_answer[e] = 0;
#endif
    if
    :: h_creating && h_producer == e -> h_creating = false; h_producer = 0
    :: else
    fi
}

/* Told to exit; its supervisor starts it anew. src/host/member.c:member_bench */
inline bench(e)
{
    lose_link(e);
    m_phase[e] = M_BENCHED
}

#define settled   (h_up && h_stage == IDLE && !h_creating)
#define can_go_on(e) (m_phase[e] == M_READY && e_state[e] == IS_ACTIVE && \
                      e_head[e] == h_committed)
#define candidate(e) (m_phase[e] == M_READY && e_state[e] == IS_PASSIVE && \
                      e_head[e] == h_committed)

/* y: who produces; NOBODY: somebody is to be activated. src/host/failover.c:choose_producer */
inline choose_producer()
{
    y = NOBODY;
    o = 0;
    own = 0;
    last = 0;
    do
    :: o < E ->
        if
        :: can_go_on(o) && m_suspect[o] == 0 ->
            newest_own_term(o);
            if
            :: y == NOBODY || own > last -> y = o; last = own
            :: else
            fi
        :: else
        fi;
        o++
    :: else -> break
    od;
    skip
}

/* Whether another enclave than e may be activated. */
inline other_candidate(e)
{
    is_on = false;
    o = 0;
    do
    :: o < E -> is_on = is_on || (o != e && candidate(o)); o++
    :: else -> break
    od;
    skip
}

/* The events that the host gives with CREATE: src/host/produce.c:gather_from. */
inline gather(e)
{
    newest_own_term(e);
    term = own;
    o = 0;
    do
    :: o < E ->
        x_tip[o] = b_tip[C(h_committed, o)];
        if
        :: o != e && m_phase[o] == M_READY && has_signed(o) ->
            path(o, x_tip[o], e_tip[o]);
            good = links;
            j = 1;
            do
            :: j <= MAXT ->
                /* no Active that would take effect over the producer's */
                good = good && !(((bits >> j) & 1) && t_kind[Q(o, j)] == ACTIVE &&
                                 t_head[Q(o, j)] == h_committed && t_term[Q(o, j)] > term);
                ancestor(t_head[Q(o, j)], h_committed);
                good = good && (is_on || !((bits >> j) & 1));
                j++
            :: else -> break
            od;
            if
            :: good ->
                x_tip[o] = e_tip[o];
                x_tr[o] = bits;
                ancestor(e_head[o], h_committed);
                if
                :: is_on && b_num[e_head[o]] + LAG > b_num[h_committed] ->
                    x_rep = x_rep | (1 << o);
                    x_rhead[o] = e_head[o];
                    x_rtip[o] = e_tip[o]
                :: else
                fi
            :: else
            fi
        :: else
        fi;
        o++
    :: else -> break
    od;
    skip
}

/* Between the host and one enclave. */
proctype member(byte e)
{
    do
    /* the process ends: it crashes, or was told to; its supervisor starts it anew. What was on the
     * wire is lost: src/enclave/core.c:ts_enclave_new, src/host/member.c:member_link_down */
    :: atomic { e_boot[e] < MAXBOOT && e_state[e] != SYNCING -> d_step {
            e_boot[e]++;
            e_state[e] = SYNCING;
            e_head[e] = 0;
            e_tip[e] = 0;
            e_pub[e] = 0;
            e_shown[e] = false;
            lose_link(e) } }

    /* IDENTIFY of one that has signed, OFFERS, and the host's judgement: src/host/join.c:
     * join_identity, join_offered, judge */
    :: atomic { h_up && m_phase[e] == M_DOWN && e_state[e] != SYNCING -> d_step {
            if
            :: e_state[e] == HALTED -> m_phase[e] = M_BENCHED
            :: else ->
                /* src/host/join.c:take_offer; it: its own batch that would be the next */
                it = 0;
                k = e_head[e];
                do
                :: k != 0 && b_num[k] > b_num[h_committed] ->
                    it = (b_prod[k] == e && b_boot[k] == e_boot[e] -> k : it);
                    k = b_par[k]
                :: else -> break
                od;
                if
                :: it != 0 && !h_creating -> prepared_take(it, false)
                :: else
                fi;
                ancestor(e_head[e], h_committed);
                if
                :: is_on || (h_prepared != 0 && e_head[e] == h_prepared) ->
                    m_phase[e] = M_READY;
                    m_suspect[e] = (m_suspect[e] != e_boot[e] -> 0 : m_suspect[e])
                :: it != 0 && it == h_prepared -> skip /* it has more than one: once more */
#ifdef M_NOT_JUDGED
                :: else -> m_phase[e] = M_READY
#else
                :: else -> bench(e) /* src/host/join.c:off_chain */
#endif
                fi
            fi } }

    /* LOAD, ACCEPTs of committed batches, SYNCED: src/host/join.c:load_next_sealed, join_advance,
     * tell, join_told, ready */
    :: atomic { h_up && m_phase[e] == M_DOWN && e_state[e] == SYNCING && room(e, 1) ->
            join(e, h_committed);
            m_phase[e] = M_READY;
            m_suspect[e] = (m_suspect[e] != e_boot[e] -> 0 : m_suspect[e]) }

    /* an ACCEPT of the next committed batch: src/host/join.c:feed_one */
    :: atomic { h_up && m_phase[e] == M_READY && has_signed(e) &&
                b_num[e_head[e]] < b_num[h_committed] && room(e, MAX_SIGNED) ->
            d_step {
                k = h_committed;
                do
                :: b_num[k] > b_num[e_head[e]] + 1 -> k = b_par[k]
                :: else -> break
                od;
                x = k
            }
            accept(e, x);
            d_step {
                /* H: who follows an honest host is never stopped by it. */
                assert(e_head[e] == x);
                x = 0
            } }

    /* the prepared batch is fed and accepted: src/host/commit.c:prepared_feed, prepared_vote */
    :: atomic { h_up && h_stage == FEEDING && m_phase[e] == M_READY && m_vote[e] == FED &&
                has_signed(e) && e_head[e] == h_committed && b_par[h_prepared] == h_committed &&
                room(e, MAX_SIGNED) ->
            accept(e, h_prepared);
            d_step {
                /* H: as above. */
                assert(e_head[e] == h_prepared);
                m_vote[e] = ACCEPTED;
                m_suspect[e] = (m_suspect[e] != e_boot[e] -> 0 : m_suspect[e])
            } }

    /* or refused, by an enclave that executes otherwise: a dispute */
    :: atomic { h_up && h_stage == FEEDING && m_phase[e] == M_READY && m_vote[e] == FED &&
                has_signed(e) && e_head[e] == h_committed && disputes < DISPUTES -> d_step {
            disputes++;
            m_vote[e] = REFUSED } }

    /* a deadline passes, or the link breaks: src/host/member.c:member_link_down */
    :: atomic { h_up && m_phase[e] == M_READY &&
                link_losses < LINK_LOSSES -> d_step {
            link_losses++;
            lose_link(e) } }

    /* the answer to CREATE arrives: src/host/produce.c:produce_created */
    :: atomic { h_up && m_answer[e] != 0 -> d_step {
            it = m_answer[e];
            m_answer[e] = 0;
#ifdef M_LATE_ANSWER
            is_on = true;
#else
            is_on = (h_creating && h_producer == e);
#endif
            if
            :: h_creating && h_producer == e -> h_creating = false; h_producer = 0
            :: else
            fi;
            if
#ifdef M_LATE_ANSWER
            :: is_on -> prepared_take(it, true)
#else
            :: is_on -> prepared_take(it, false)
#endif
            :: else -> lose_link(e)
            fi } }
    od;
    skip
}

proctype host()
{
    do
    /* nobody can go on, so somebody is activated; or a planned switch begins:
     * src/host/produce.c:activate, start_switch, src/host/failover.c:choose_successor */
    :: atomic { settled && n_b < NB && b_num[h_committed] < MAXNUM ->
            if
            :: x = 0
            :: x = 1
#if E > 2
            :: x = 2
#endif
            fi;
            if
            /* They are alike: the first to be activated is enclave 0. */
            :: candidate(x) && room(x, 2) && (h_term > 0 || d_term > 0 || x == 0) ->
                d_step {
                    other_candidate(x);
                    good = m_suspect[x] == 0 || !is_on;
                    term = (h_term > b_term[h_committed] -> h_term : b_term[h_committed]) + 1;
                    y = (good && term <= MAXTERM -> term : 0);
#ifndef M_TERM_NOT_STORED
                    /* src/host/produce.c:produce_reserve_term, and its STORED, come first */
                    d_term = (y != 0 -> y : d_term);
#endif
                    h_term = (y != 0 -> y : h_term)
                };
                if
                :: y != 0 -> activate(x, y)
                :: else
                fi
            :: else
            fi;
            x = 0;
            y = 0 }

    /* planned: the old one steps down, or it does not answer. src/host/produce.c:
     * produce_activated */
    :: atomic { settled ->
            d_step { choose_producer(); x = y; y = 0 };
            if
            :: x != NOBODY && x != 0 && can_go_on(0) && room(0, 1) -> step_down(0)
            :: x != NOBODY && x != 1 && can_go_on(1) && room(1, 1) -> step_down(1)
#if E > 2
            :: x != NOBODY && x != 2 && can_go_on(2) && room(2, 1) -> step_down(2)
#endif
            :: else
            fi;
            x = 0 }

    /* src/host/produce.c:create */
    :: atomic { settled && n_b < NB && b_num[h_committed] < MAXNUM ->
            d_step {
                choose_producer();
                if
                :: y != NOBODY -> gather(y)
                :: else
                fi
            };
            if
            :: y != NOBODY ->
                create(y, h_committed);
                d_step {
                    if
                    :: z != 0 -> m_answer[y] = z; h_creating = true; h_producer = y
                    :: else
                    fi
                }
            :: else
            fi;
            y = 0;
            z = 0 }

    /* the store reports: src/host/commit.c:prepared_stored */
    :: atomic { h_up && h_stage == STORING -> d_step {
            d_prepared = h_prepared;
            h_stage = FEEDING;
#ifdef M_SENT_BEFORE_COMMITTED
            broadcast(h_prepared);
#endif
            skip } }

    /* enough is known: src/host/commit.c:prepared_evaluate, commit, discard */
    :: atomic { h_up && h_stage == FEEDING -> d_step {
            accepted = 0;
            refused = 0;
            waiting = 0;
            o = 0;
            do
            :: o < E ->
                if
                :: o == b_prod[h_prepared] || m_suspect[o] != 0 || m_phase[o] != M_READY
                :: else ->
                    accepted = accepted + (m_vote[o] == ACCEPTED || e_head[o] == h_prepared);
                    refused = refused + (m_vote[o] == REFUSED);
                    waiting = waiting + (m_vote[o] == FED && e_head[o] != h_prepared)
                fi;
                o++
            :: else -> break
            od;
            if
            :: refused > 0 && waiting > 0 -> skip
            :: refused > 0 && waiting == 0 && accepted == 0 ->
                d_discarded = d_discarded | (1 << h_prepared);
                d_prepared = 0;
                h_stage = DISCARDED
            :: refused == 0 && accepted == 0 && waiting > 0 -> skip
            :: else ->
                /* D: anything discarded is dropped and never sent. */
                assert(!((d_discarded >> h_prepared) & 1));
                d_committed = h_prepared;
                d_prepared = 0;
                h_stage = COMMITTED;
                o = 0;
                do /* src/host/commit.c:punish_refusers */
                :: o < E ->
                    if
                    :: m_vote[o] == REFUSED -> m_suspect[o] = e_boot[o]; bench(o)
                    :: else
                    fi;
                    o++
                :: else -> break
                od
            fi } }

    /* src/host/commit.c:committed */
    :: atomic { h_up && h_stage == COMMITTED -> d_step {
            h_committed = h_prepared;
            it = h_prepared;
            prepared_clear();
            h_discarded = 0;
            broadcast(it) } }

    /* src/host/commit.c:discarded */
    :: atomic { h_up && h_stage == DISCARDED -> d_step {
            it = h_prepared;
            h_discarded = h_discarded | (1 << it);
            m_suspect[b_prod[it]] = e_boot[b_prod[it]];
            prepared_clear();
            k = 0;
            do
            :: k < E ->
                if
                :: m_phase[k] == M_READY && e_head[k] == it -> bench(k)
                :: else
                fi;
                k++
            :: else -> break
            od;
                skip } }

    /* the host's process ends: its memory is gone, the links with it */
    :: atomic { h_up && host_crashes < HOST_CRASHES -> d_step {
            host_crashes++;
            prepared_clear();
            h_up = false;
            h_committed = 0;
            h_discarded = 0;
            h_term = 0;
            h_creating = false;
            h_producer = 0;
            k = 0;
            do
            :: k < E -> lose_link(k); m_suspect[k] = 0; k++
            :: else -> break
            od;
                skip } }

    /* and it starts from its disk: src/host/core.c:ts_host_load_committed, ts_host_load_prepared,
     * ts_host_load_discarded, src/host/switch.c:settings_load */
    :: atomic { !h_up -> d_step {
            h_up = true;
            h_committed = d_committed;
#ifndef M_DISCARD_FORGOTTEN
            h_discarded = d_discarded;
#endif
            h_term = d_term;
            h_prepared = d_prepared;
            h_stage = (d_prepared != 0 -> FEEDING : IDLE);
            /* subscribers ask for what they lack */
            k = d_committed;
            it = 0;
            do
            :: k != 0 && sent[b_num[k]] != k -> it = k; k = b_par[k]
            :: else -> break
            od;
            if
            :: it != 0 -> broadcast(it)
            :: else
            fi } }
    od;
    skip
}
