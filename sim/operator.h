/* SPDX-License-Identifier: Apache-2.0 */
/* A lying operator: owns the host, its disk, the wires to its enclaves and what its nodes are
 * given. It works around the honest host core: asks enclaves behind its back, edits and holds back
 * frames, shows nodes what it likes. One file for each act in sim/operators/, which begins with the
 * row of the table of attacks in docs/threat-model.md. */
#ifndef TS_SIM_OPERATOR_H
#define TS_SIM_OPERATOR_H

#include "expect.h"
#include "world.h"

/* As what a node is shown a batch. */
enum sim_showing { SIM_AS_HELLO, SIM_AS_PUSH, SIM_AS_ANSWER };

struct sim_operator {
    const char *name; /* as in tenseq-sim --attack NAME */
    unsigned row;     /* of the table of attacks */
    const char *what; /* what is done, in a few words */
    const struct sim_expect *expects;
    unsigned tail; /* so many batches follow when all is done, at the least */
    /* What the act needs of a world: 0, or at least so many. */
    unsigned min_enclaves, min_nodes, min_lag;
    bool checkpoints;
    bool steady_nodes;      /* no fault befalls nodes and feeds: they give on what they get once */
    bool steady_enclaves;   /* nor enclaves */
    bool has_l1;            /* the network is on an L1, and each node has the host as a peer */
    unsigned spares;        /* so many enclaves of the host that L1 does not list */
    uint64_t max_l1_age_ms; /* 0: the default */
    void (*begin)(struct sim_world *w);
    /* Of sim_op_wake. */
    void (*wake)(struct sim_world *w, uint64_t token);
    /* NULL: everything passes. False: it does not reach the other side. */
    bool (*to_enclave)(struct sim_world *w, unsigned enclave, ts_bytes frame);
    bool (*to_host)(struct sim_world *w, unsigned enclave, ts_bytes frame);
    /* What node is shown for the host's batch; b itself, another, or NULL for nothing. */
    const struct sim_batch *(*show)(struct sim_world *w, int node, enum sim_showing as,
                                    const struct sim_batch *b);
    /* A batch the host broadcasts, before anyone sees it. */
    void (*sees)(struct sim_world *w, const struct sim_batch *b);
    /* What L1 says of a block, before the host hears it: its list may be another one. */
    void (*l1_tells)(struct sim_world *w, struct ts_l1_block *b);
    /* L1 has a new block. */
    void (*l1_mined)(struct sim_world *w);
    /* A rollup that the host publishes; returns its data, which last until the next call. */
    ts_bytes (*publishes)(struct sim_world *w, struct ts_rollup *r, ts_bytes data);
    void (*end)(struct sim_world *w); /* frees what op_state points to, not itself; may be NULL */
};

/* All of them, by row; ends with NULL. */
extern const struct sim_operator *const sim_operators[];
/* NULL: none has that name. */
const struct sim_operator *sim_operator_named(const char *name);
/* Draws a world for o->op. */
void sim_draw_lie(struct sim_options *o);

/* ---- operator.c: what operators share ---- */

/* wake comes after so long. */
void sim_op_wake(struct sim_world *w, uint64_t after_us, uint64_t token);
/* Zeroed op_state of that size. */
void *sim_op_state(struct sim_world *w, size_t size);
/* wake comes with token 0 after a few batches; and after one more. */
void sim_op_begin(struct sim_world *w);
void sim_op_later(struct sim_world *w, uint64_t token);
/* What is told: that what setting->expects[i] speaks of is done now. */
void sim_op_lie(struct sim_world *w, unsigned i, int who, const struct sim_batch *b,
                const char *text);
/* All is done: faults end, and the world after the tail. */
void sim_op_done(struct sim_world *w);

/* Everybody is up and where he should be: all enclaves are listed as present in the newest batch,
 * and all nodes have it. */
bool sim_op_is_calm(struct sim_world *w);
/* The enclave whose state is ACTIVE at the newest batch; -1: none, or two. */
int sim_op_active(struct sim_world *w);
/* Any other than a and b that is whitelisted, up and PASSIVE; -1: none. */
int sim_op_spare(struct sim_world *w, int a, int b);
/* No fault befalls the enclave from now on, and the host makes it the active one no more. */
void sim_op_spare_it(struct sim_world *w, unsigned enclave);
uint64_t sim_op_head(const struct sim_world *w);

/* From now on nothing passes between the host and the enclave; or again. */
void sim_op_hide(struct sim_world *w, unsigned enclave, bool hide);

/* An answer that the operator got behind the host's back. */
struct sim_answer {
    struct ts_buf raw;
    struct ts_arena arena;
    struct ts_msg msg; /* points into the two */
    ts_err err;        /* of an error answer; TS_E_CLOSED: nobody answered */
};
void sim_answer_init(struct sim_answer *a);
void sim_answer_free(struct sim_answer *a);
/* True: it was done. */
bool sim_op_ask(struct sim_world *w, unsigned enclave, struct ts_msg *request,
                struct sim_answer *a);
bool sim_op_ask_for(struct sim_world *w, unsigned enclave, uint64_t type, struct sim_answer *a);
bool sim_op_accept(struct sim_world *w, unsigned enclave, const struct sim_batch *b,
                   struct sim_answer *a);
bool sim_op_activate(struct sim_world *w, unsigned enclave, uint64_t term, struct sim_answer *a);
/* A CREATE on the enclave's own head without others' events, and with n transactions. */
bool sim_op_create(struct sim_world *w, unsigned enclave, unsigned n, struct sim_answer *a);
/* The same with others' events and notices; on with->parent unless that is number 0. */
bool sim_op_create_with(struct sim_world *w, unsigned enclave, const struct ts_msg_create *with,
                        unsigned n, struct sim_answer *a);
/* The batch of a CREATE's answer. */
const struct sim_batch *sim_op_created(struct sim_world *w, const struct sim_answer *a);
/* An enclave with the identity and the checkpoints of another, which no wire leads to. Booted. */
unsigned sim_op_clone(struct sim_world *w, unsigned enclave);
/* Gives it all committed batches up to number that it lacks, from genesis if it has nothing. */
bool sim_op_catch_up(struct sim_world *w, unsigned enclave, uint64_t number, struct sim_answer *a);

/* The request in a frame, in an arena that lasts until the next call; NULL: none. */
struct ts_msg *sim_op_read(struct sim_world *w, ts_bytes frame);
/* Takes all of the enclave out of what the host wants in a batch. */
void sim_op_leave_out(struct ts_msg_create *c, const ts_address *id);
/* A request in place of the host's. */
void sim_op_send(struct sim_world *w, unsigned enclave, const struct ts_msg *request);
/* b with some of it changed by the caller and no seal of its own; sealed by key unless NULL. */
const struct sim_batch *sim_op_forge(struct sim_world *w, const struct sim_batch *parent,
                                     struct ts_batch *b, const ts_secret *key);

#endif
