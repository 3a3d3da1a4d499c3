/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of batches beside the host's, for operators that show different nodes different ones. */
#ifndef TS_SIM_SECOND_LINE_H
#define TS_SIM_SECOND_LINE_H

#include "sim/operator.h"

#define SIM_LINE_MAX 128
#define SIM_HOSTS    2 /* of a node: the host's line */

struct sim_second {
    uint64_t fork; /* number of the first batches; 0: there is only the host's line */
    struct {
        const struct sim_batch *b[SIM_LINE_MAX]; /* fork + i at i */
        size_t n;
        int enclave; /* who makes its next batches; -1: nobody */
    } lines[2];
    uint8_t line_of[SIM_MAX_NODES]; /* 0, 1 or SIM_HOSTS */
};

/* The first batch of a line, and who goes on with it. */
void sim_second_begin(struct sim_second *s, unsigned line, const struct sim_batch *first,
                      int enclave);
/* Every node's line by chance; line 0 and the line other are both shown to somebody who follows the
 * host, but where there is one node alone. */
void sim_second_share(struct sim_world *w, struct sim_second *s, uint8_t other);
/* The hooks: the lines grow with the host's; a node is shown its own. */
void sim_second_grow(struct sim_world *w, struct sim_second *s, const struct sim_batch *b);
const struct sim_batch *sim_second_show(const struct sim_second *s, int node,
                                        const struct sim_batch *b);
/* The first batch of a line, to all nodes that are to see it. */
void sim_second_slip(struct sim_world *w, const struct sim_second *s);

/* ---- for an operator whose op_state is a struct sim_second and no more ---- */

/* Activates the enclave at the next term, and its first batch begins line 0. False: it did not. */
bool sim_second_seal(struct sim_world *w, unsigned enclave, struct sim_answer *a);
/* Line 0 is shown beside the host's, which is what expects[0] speaks of, and all is done. */
void sim_second_tell(struct sim_world *w, int who, const char *text);
/* Hooks. */
void sim_second_op_begin(struct sim_world *w);
void sim_second_op_sees(struct sim_world *w, const struct sim_batch *b);
const struct sim_batch *sim_second_op_show(struct sim_world *w, int node, enum sim_showing as,
                                           const struct sim_batch *b);

#endif
