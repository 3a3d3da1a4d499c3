/* SPDX-License-Identifier: Apache-2.0 */
/* One for each act: sim/operators/. */
#ifndef TS_SIM_OPERATORS_H
#define TS_SIM_OPERATORS_H

#include "operator.h"

extern const struct sim_operator sim_op_secret_activation;
extern const struct sim_operator sim_op_hidden_transitions;
extern const struct sim_operator sim_op_withheld_batch;
extern const struct sim_operator sim_op_copied_enclave;
extern const struct sim_operator sim_op_copied_active;
extern const struct sim_operator sim_op_rolled_back_state;
extern const struct sim_operator sim_op_rewound_enclave;
extern const struct sim_operator sim_op_left_out;
extern const struct sim_operator sim_op_replayed_report;
extern const struct sim_operator sim_op_hoarded_reports;
extern const struct sim_operator sim_op_flap;
extern const struct sim_operator sim_op_split_view;
extern const struct sim_operator sim_op_settled_view;
extern const struct sim_operator sim_op_two_actives;
extern const struct sim_operator sim_op_passive_seals;
extern const struct sim_operator sim_op_two_payloads;
extern const struct sim_operator sim_op_cut_off;
extern const struct sim_operator sim_op_mass_restart;
extern const struct sim_operator sim_op_frozen;
extern const struct sim_operator sim_op_edited_payload;
extern const struct sim_operator sim_op_withheld_payload;
extern const struct sim_operator sim_op_flood;
extern const struct sim_operator sim_op_removed_enclave;
extern const struct sim_operator sim_op_hidden_removal;
extern const struct sim_operator sim_op_held_back_l1;
extern const struct sim_operator sim_op_made_up_l1;
extern const struct sim_operator sim_op_false_rollup;
extern const struct sim_operator sim_op_rebuild;
extern const struct sim_operator sim_op_burnt_terms;

#endif
