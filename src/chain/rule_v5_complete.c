/* SPDX-License-Identifier: Apache-2.0 */
/* V5 complete: a batch reports when number mod reportEvery = 0, when it holds a transition or a
 * whitelist notice, or has a new term (which an Active in it brings, so that is the transition).
 * Then reports ∪ absent = the whitelist after the notice, disjoint, and the producer reports.
 * Otherwise both lists are empty. The absent are sorted. So an enclave that the notice removes
 * neither reports nor is absent, and one that it adds does or is. */
#include <inttypes.h>

#include "chain/rules.h"

static bool reports_now(const struct ts_check *c)
{
    return c->number % c->chain->genesis->params.report_every == 0 ||
           c->payload->n_transitions > 0 || c->effect->has_change;
}

static ts_err stray(const struct ts_check *c, const ts_address *id)
{
    return ts_fail(c->fault, TS_E_V5_COMPLETE, id,
                   "an enclave reports or is absent that is not whitelisted after the notice");
}

/* Whitelist and reports ascend (V4): walk them together with the absent, which then must as well.
 */
static ts_err accounts_for_all(const struct ts_check *c)
{
    const struct ts_payload *p = c->payload;
    const struct ts_effect *e = c->effect;
    size_t r = 0;
    size_t a = 0;
    for (size_t i = 0; i < e->n_whitelist; i++) {
        const ts_address *id = &e->whitelist[i];
        /* Where a list stands against the next one whitelisted; beyond its end it is above. */
        int report = r < p->n_reports ? ts_address_compare(&p->reports[r].enclave_id, id) : 1;
        int absent = a < p->n_absent ? ts_address_compare(&p->absent[a], id) : 1;
        if (report < 0)
            return stray(c, &p->reports[r].enclave_id);
        if (absent < 0)
            return stray(c, &p->absent[a]);
        if (report == 0 && absent == 0)
            return ts_fail(c->fault, TS_E_V5_COMPLETE, id, "an enclave reports and is absent");
        if (report != 0 && absent != 0)
            return ts_fail(c->fault, TS_E_V5_COMPLETE, id,
                           "an enclave neither reports nor is absent");
        r += report == 0;
        a += absent == 0;
    }
    if (r < p->n_reports)
        return stray(c, &p->reports[r].enclave_id);
    return a < p->n_absent ? stray(c, &p->absent[a]) : TS_OK;
}

static ts_err producer_reports(const struct ts_check *c)
{
    const struct ts_payload *p = c->payload;
    for (size_t i = 0; i < p->n_reports; i++) {
        if (ts_address_equal(&p->reports[i].enclave_id, c->producer))
            return TS_OK;
    }
    return ts_fail(c->fault, TS_E_V5_COMPLETE, c->producer, "the producer does not report");
}

ts_err ts_rule_v5_complete(const struct ts_check *c)
{
    const struct ts_payload *p = c->payload;
    if (!reports_now(c)) {
        if (p->n_reports == 0 && p->n_absent == 0)
            return TS_OK;
        return ts_fail(c->fault, TS_E_V5_COMPLETE, NULL,
                       "batch %" PRIu64 " does not report, yet holds %zu reports and %zu absent",
                       c->number, p->n_reports, p->n_absent);
    }
    ts_err err = accounts_for_all(c);
    return err != TS_OK ? err : producer_reports(c);
}
