/* SPDX-License-Identifier: Apache-2.0 */
/* The switch-over as a model for Spin: one host, E enclaves, one node, and what can befall them.
 *
 * Two configurations. Without LIAR the host does what src/host does, and it and the enclaves crash
 * at any point. With LIAR the host is whoever holds the enclaves' wires: it sends them anything in
 * any order, hides what they sign, and shows the node whatever was sealed; it cannot sign.
 *
 * Every option of a process below is one step of a core: one input, its outputs, no time between.
 * The cores are written so (src/host/core.h, src/enclave/core.h), thus nothing is lost by it. The
 * comment at a step says which function it stands for.
 *
 * What is left out: transactions, the L1, whitelist changes, validators, checkpoints (a boot starts
 * from genesis and is fed, in one step), timers (whatever a timer ends may end at any time), loads
 * from the store. "alone for the length of disputeHold" is left out too, so that the model may do
 * more than the host.
 *
 * The invariants are assertions; each names itself in the comment before it: I1, I2, I3, I5, I8 of
 * docs/protocol.md, and of the honest host alone D (what is discarded is never sent), H (who
 * follows it is never stopped by it) and V (a node finds valid what it sends). M_… are mutations,
 * one rule left out each, which Spin must catch (run.py). docs/simulation.md tells bounds and
 * results.
 *
 *   switchover.pml  bounds, what was signed, what an enclave remembers, who takes part
 *   chain.pml       validity, and what must hold of a chain
 *   enclave.pml     the requests as an enclave handles them
 *   host.pml        the honest host, and the enclaves on its links
 *   liar.pml        the lying one, and the node
 *
 * A loop is not the last statement of a d_step: Spin loses its way out. Hence some `skip`. */

/* ---- bounds ---- */
#ifndef E
#define E 2 /* enclaves */
#endif
#ifndef MAXNUM
#define MAXNUM 2 /* batch numbers */
#endif
#ifndef NB
#define NB 4 /* seals in all; at most 7 */
#endif
#ifndef MAXTERM
#define MAXTERM 3
#endif
#ifndef MAXBOOT
#define MAXBOOT 2 /* processes of one enclave */
#endif
#ifndef MAXT
#define MAXT 7 /* transitions one enclave signs; at most 7 */
#endif
#ifndef HOST_CRASHES
#define HOST_CRASHES 1
#endif
#ifndef LINK_LOSSES
#define LINK_LOSSES 1
#endif
#ifndef DISPUTES
#define DISPUTES 1 /* times that an enclave refuses a batch */
#endif
#ifndef LAG
#define LAG 1 /* maxReportLag */
#endif

#define NOBODY  E
#define Q(e, i) ((e) * (MAXT + 1) + (i)) /* transition i of enclave e */
#define C(b, e) ((b) * E + (e))          /* what batch b holds of enclave e */

/* ---- what was signed: never changes, whoever knows it ---- */

/* Transitions, numbered from 1 for each enclave in the order of signing. */
#define STARTED 1
#define ACTIVE  2
#define PASSIVE 3
byte n_t[E];
byte t_kind[E * (MAXT + 1)];
byte t_boot[E * (MAXT + 1)];
byte t_term[E * (MAXT + 1)];
byte t_head[E * (MAXT + 1)];
byte t_prev[E * (MAXT + 1)]; /* the transition it links to; 0: none */

#ifdef LIAR
/* Reports: for each enclave and head, bit i: one with tip i was signed. */
byte reports[E * (NB + 1)];
#endif

/* Batches, numbered from 1 in the order of sealing; 0 is genesis. */
byte n_b;
byte b_par[NB + 2];
byte b_num[NB + 2];
byte b_prod[NB + 2];
byte b_boot[NB + 2];         /* of the producer */
byte b_term[NB + 2];
byte b_tip[E * (NB + 1)];    /* published tip after it */
byte b_tr[E * (NB + 1)];     /* bits: transitions it carries */
byte b_rep[NB + 2];          /* bits: enclaves with a report in it */
byte b_abs[NB + 2];          /* bits: enclaves listed as absent */
byte b_rhead[E * (NB + 1)];  /* of the report: head and tip */
byte b_rtip[E * (NB + 1)];

/* ---- enclaves ---- */

/* A process that ended is one that was started anew and has not been connected to yet. */
#define SYNCING    0
#define IS_PASSIVE 1
#define IS_ACTIVE  2
#define HALTED     3
byte e_state[E];
byte e_boot[E];
byte e_head[E];
byte e_tip[E]; /* newest own transition */
byte e_pub[E]; /* newest own that the line publishes */
bool e_shown[E]; /* the line publishes this boot's Started */

#define has_signed(e) (e_state[e] == IS_PASSIVE || e_state[e] == IS_ACTIVE)
#define room(e, n)    (n_t[e] + (n) <= MAXT)

/* Chosen in the middle of a step; zero between steps. */
byte x, y, z;
byte x_tip[E], x_rhead[E], x_rtip[E];
byte x_tr[E], x_rep;

/* Scratch of one deterministic step. */
hidden byte k, j, o, at, from, to, last, par, act, term, bits, own, again, old_tip, it;
hidden byte good, is_on, links;
hidden byte accepted, refused, waiting;

#include "chain.pml"
#include "enclave.pml"
#ifdef LIAR
#include "liar.pml"
#else
#include "host.pml"
#endif

init {
    atomic {
        b_prod[0] = NOBODY;
        e_boot[0] = 1;
        e_boot[1] = 1;
#ifdef LIAR
        run node();
#else
        run host();
#endif
        run member(0);
        run member(1);
#if E > 2
        e_boot[2] = 1;
        run member(2);
#endif
    }
}
