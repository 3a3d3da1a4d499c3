/* SPDX-License-Identifier: Apache-2.0 */
/* The lying operators, in the order of the table of attacks. */
#include "operators.h"

#include <string.h>

const struct sim_operator *const sim_operators[] = {
    &sim_op_secret_activation,  /* 1 */
    &sim_op_hidden_transitions, /* 1 */
    &sim_op_withheld_batch,     /* 2 */
    &sim_op_copied_enclave,     /* 4 */
    &sim_op_copied_active,      /* 4 */
    &sim_op_rolled_back_state,  /* 5 */
    &sim_op_rewound_enclave,    /* 5 */
    &sim_op_left_out,           /* 6 */
    &sim_op_replayed_report,    /* 7 */
    &sim_op_hoarded_reports,    /* 8 */
    &sim_op_flap,               /* 10 */
    &sim_op_split_view,         /* 11 */
    &sim_op_settled_view,       /* 11 */
    &sim_op_two_actives,        /* 12 */
    &sim_op_passive_seals,      /* 12 */
    &sim_op_two_payloads,       /* 12 */
    &sim_op_cut_off,            /* 14 */
    &sim_op_mass_restart,       /* 15 */
    &sim_op_frozen,             /* 19 */
    &sim_op_edited_payload,     /* 23 */
    &sim_op_withheld_payload,   /* 23 */
    &sim_op_flood,              /* 24 */
    &sim_op_removed_enclave,    /* 25 */
    &sim_op_hidden_removal,     /* 25 */
    &sim_op_held_back_l1,       /* 26 */
    &sim_op_made_up_l1,         /* 27 */
    &sim_op_false_rollup,       /* 28 */
    &sim_op_rebuild,            /* 29 */
    &sim_op_burnt_terms,        /* 30 */
    NULL,
};

const struct sim_operator *sim_operator_named(const char *name)
{
    for (size_t i = 0; sim_operators[i] != NULL; i++)
        if (strcmp(sim_operators[i]->name, name) == 0)
            return sim_operators[i];
    return NULL;
}
