/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER: the identity's statement for the management contract. It says nothing of heads or
 * events, so it may be signed at any time and as often as one likes. Source: docs/contracts.md. */
#include "codec/eip712.h"
#include "codec/schema.h"
#include "crypto/sign.h"
#include "enclave/state.h"

ts_err ts_enclave_register(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    struct ts_msg_registered *out = &ans->u.registered;
    ts_hash digest;
    (void)req;
    out->registration = (struct ts_enclave_registration){.enclave_id = e->own.id};
    ts_eip712_digest(&e->line->genesis.domain, &ts_enclave_registration_type, &out->registration,
                     &digest);
    return ts_sign(e->crypto, &e->own.key, &digest, &out->sig);
}
