/* SPDX-License-Identifier: Apache-2.0 */
#include "tenseq/finding.h"

#include <string.h>

#include "base/check.h"

struct row {
    const char *name;
    enum ts_severity severity;
    enum ts_about about;
};

#define ROW(constant, name, severity, about) {name, severity, about},
static const struct row rows[] = {TS_FINDINGS(ROW)};
#undef ROW
_Static_assert(sizeof(rows) / sizeof(rows[0]) == TS_F_COUNT, "one row for each kind");

static const char *const severities[] = {"notice", "pattern", "omission", "proof"};

const char *ts_finding_name(int kind)
{
    return kind >= 0 && kind < (int)TS_F_COUNT ? rows[kind].name : NULL;
}

enum ts_severity ts_finding_severity(enum ts_finding_kind kind)
{
    TS_CHECK(kind < TS_F_COUNT);
    return rows[kind].severity;
}

enum ts_about ts_finding_about(enum ts_finding_kind kind)
{
    TS_CHECK(kind < TS_F_COUNT);
    return rows[kind].about;
}

bool ts_finding_kind_of(const char *name, enum ts_finding_kind *out)
{
    for (int i = 0; i < (int)TS_F_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = (enum ts_finding_kind)i;
            return true;
        }
    }
    return false;
}

const char *ts_severity_name(int severity)
{
    return severity >= 0 && severity < (int)TS_COUNT(severities) ? severities[severity] : NULL;
}

bool ts_severity_of(const char *name, enum ts_severity *out)
{
    for (int i = 0; i < (int)TS_COUNT(severities); i++) {
        if (strcmp(severities[i], name) == 0) {
            *out = (enum ts_severity)i;
            return true;
        }
    }
    return false;
}

const char *ts_about_name(enum ts_about about)
{
    return about == TS_ABOUT_PEER ? "peer" : "operator";
}

const char *ts_finding_state_name(enum ts_finding_state state)
{
    if (state == TS_FINDING_OPEN)
        return "open";
    return state == TS_FINDING_CLOSED ? "closed" : "once";
}

bool ts_finding_equal(const struct ts_finding *a, const struct ts_finding *b)
{
    return a->kind == b->kind && a->severity == b->severity && a->about == b->about &&
           a->state == b->state && a->serial == b->serial &&
           ts_hash_equal(&a->evidence, &b->evidence) && a->has_enclave == b->has_enclave &&
           ts_address_equal(&a->enclave, &b->enclave) && a->first == b->first &&
           a->last == b->last && ts_hash_equal(&a->hash, &b->hash) && a->time == b->time &&
           a->count == b->count && strcmp(a->text, b->text) == 0;
}
