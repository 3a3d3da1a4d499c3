/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the rules ask: that a draft is refused, by which rule, and who is to blame. */
#ifndef TS_TESTS_REFUSED_H
#define TS_TESTS_REFUSED_H

#include <string.h>

#include "testnet.h"
#include "unit.h"

#define NOBODY SIZE_MAX

static inline void assert_fault(const struct testnet *net, const struct ts_fault *fault,
                                ts_err rule, size_t who)
{
    assert_int_equal(fault->rule, rule);
    assert_true(strlen(fault->what) > 10);
    assert_int_equal(fault->has_enclave, who != NOBODY);
    if (who != NOBODY)
        assert_memory_equal(&fault->enclave, tn_id(net, who), sizeof(ts_address));
}

/* The batch is refused by this rule, which names this enclave; the chain stays as it was. */
static inline void assert_refused(struct testnet *net, struct tn_draft *d, ts_err rule, size_t who)
{
    ts_err err = tn_check(net, d);
    if (err != rule)
        print_error("%s: %s\n", ts_err_name(err), net->fault.what);
    assert_int_equal(err, rule);
    assert_fault(net, &net->fault, rule, who);
}

/* The same, and the producer that was given these events is told the same before it builds. */
static inline void assert_refused_early(struct testnet *net, struct tn_draft *d, ts_err rule,
                                        size_t who)
{
    struct ts_fault fault = {0};
    uint64_t term = 0;
    assert_refused(net, d, rule, who);
    ts_err err = ts_payload_check(&net->chain, &d->payload, &d->header.producer, NULL, net->effect,
                                  &term, &fault);
    assert_int_equal(err, rule);
    assert_fault(net, &fault, rule, who);
}

static inline void assert_passes(struct testnet *net, struct tn_draft *d)
{
    ts_err err = tn_check(net, d);
    if (err != TS_OK)
        print_error("%s: %s\n", ts_err_name(err), net->fault.what);
    assert_int_equal(err, TS_OK);
}

#endif
