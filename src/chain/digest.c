/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/eip712.h"
#include "crypto/sign.h"
#include "tenseq/verify.h"

void ts_header_hash(const struct ts_domain *d, const struct ts_batch_header *h, ts_hash *out)
{
    ts_eip712_digest(d, &ts_batch_header_type, h, out);
}

void ts_seal_digest(const struct ts_domain *d, const struct ts_batch_seal *s, ts_hash *out)
{
    ts_eip712_digest(d, &ts_batch_seal_type, s, out);
}

void ts_transition_hash(const struct ts_domain *d, const struct ts_lifecycle_event *e, ts_hash *out)
{
    ts_eip712_digest(d, &ts_lifecycle_event_type, e, out);
}

void ts_report_hash(const struct ts_domain *d, const struct ts_restart_event *e, ts_hash *out)
{
    ts_eip712_digest(d, &ts_restart_event_type, e, out);
}

ts_err ts_transition_verify(const struct ts_crypto *c, const struct ts_domain *d,
                            const struct ts_lifecycle_event *e)
{
    ts_hash digest;
    ts_transition_hash(d, e, &digest);
    return ts_verify_signer(c, &digest, &e->sig, &e->enclave_id);
}

ts_err ts_report_verify(const struct ts_crypto *c, const struct ts_domain *d,
                        const struct ts_restart_event *e)
{
    ts_hash digest;
    ts_report_hash(d, e, &digest);
    return ts_verify_signer(c, &digest, &e->sig, &e->enclave_id);
}
