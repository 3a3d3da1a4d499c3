/* SPDX-License-Identifier: Apache-2.0 */
#include "checker.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "check_line.h"

const struct sim_checker *const sim_checkers[] = {
    &sim_check_i1,     &sim_check_i2,      &sim_check_i3,         &sim_check_i4,
    &sim_check_i5,     &sim_check_i6,      &sim_check_i7,         &sim_check_i8,
    &sim_check_i9,     &sim_check_i10,     &sim_check_i11,        &sim_check_i12,
    &sim_check_expect, &sim_check_rollups, &sim_check_i4_rollups, &sim_check_halt,
};
const size_t n_sim_checkers = TS_COUNT(sim_checkers);

void sim_violate(struct sim_verdict *v, const struct sim_event *e, const char *invariant,
                 const char *format, ...)
{
    va_list args;
    if (v->violated)
        return;
    v->violated = true;
    v->at_us = e->at_us;
    snprintf(v->invariant, sizeof(v->invariant), "%s", invariant);
    va_start(args, format);
    vsnprintf(v->text, sizeof(v->text), format, args);
    va_end(args);
}
