/* SPDX-License-Identifier: Apache-2.0 */
#include "checker.h"

#include <stdarg.h>
#include <stdio.h>

const struct sim_checker *const sim_checkers[] = {NULL};
const size_t n_sim_checkers = 0;

void sim_violate(struct sim_verdict *v, const struct sim_event *e, const char *invariant,
                 const char *format, ...)
{
    if (v->violated)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(v->text, sizeof(v->text), format, args);
    va_end(args);
    snprintf(v->invariant, sizeof(v->invariant), "%s", invariant);
    v->at_us = e->at_us;
    v->violated = true;
}
