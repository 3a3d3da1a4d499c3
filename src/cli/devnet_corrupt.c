/* SPDX-License-Identifier: Apache-2.0 */
/* devnet --corrupt: an enclave is corrupted before one's eyes, and replaced. A relay stands before
 * enclave-1 (tenseq-corrupt) and spoils its seals once it is told to; all else is done by the
 * programs as they are:
 *
 *     WAITING ─ it is active, SIGUSR1 ─▶ LYING ─ the host marks it, and asks on L1 ─▶ MARKED
 *       ─ governance approves: the devnet has its key ─▶ APPROVED ─ the list changes ─▶ IN
 *       ─ the old one is refused ─▶ DONE */
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"
#include "l1/contract.h"

#define LOOK_MS 250u
#define CALL_MS 5000u

int devnet_corrupt_check(const struct devnet *d)
{
    char path[PATH_MAX + 16];
    if (d->o.corrupt_ms == 0)
        return TS_EXIT_OK;
    snprintf(path, sizeof(path), "%s/tenseq-corrupt", d->bin);
    if (access(path, X_OK) != 0)
        return cli_fail("--corrupt: %s is not there: it is not installed, run the tenseq of the "
                        "build directory",
                        path);
    if (d->o.enclaves < 2)
        return cli_misused("--corrupt: with one enclave nobody is left to go on");
    return TS_EXIT_OK;
}

void devnet_corrupt_begin(struct devnet *d)
{
    if (d->o.corrupt_ms == 0)
        return;
    d->corrupt.stage = DEVNET_CORRUPT_WAITING;
    d->corrupt.at_ms = cli_mono_ms() + d->o.corrupt_ms;
}

static bool has_role(const json_t *e, const char *role)
{
    const char *is = json_string_value(json_object_get(e, "role"));
    return is != NULL && strcmp(is, role) == 0;
}

/* ---- the stages ---- */

static void end(struct devnet *d)
{
    d->corrupt.stage = DEVNET_CORRUPT_DONE;
}

static void lie(struct devnet *d)
{
    (void)devnet_kill(d, "corrupt-1", SIGUSR1);
    fprintf(stderr, "corrupt: enclave-1, %s, is active; its seals are not its own from now on\n",
            d->ids[0]);
    d->corrupt.stage = DEVNET_CORRUPT_LYING;
}

/* The one whose seals count is the active one. */
static void make_active(struct devnet *d, const json_t *status)
{
    const json_t *e = devnet_entry_of(status, d->ids[0]);
    json_t *result = NULL;
    char why[256];
    if (json_is_true(json_object_get(e, "corrupted")) || has_role(e, "validating")) {
        fprintf(stderr, "corrupt: enclave-1 has been replaced in an earlier run\n");
        end(d);
    } else if (has_role(e, "active")) {
        lie(d);
    } else if (has_role(e, "passive") &&
               devnet_ask_host(d, "sequencer_switchover", json_pack("[s]", d->ids[0]), CALL_MS,
                               &result, why)) {
        json_decref(result);
    }
}

static void see_mark(struct devnet *d, const json_t *status)
{
    const json_t *e = devnet_entry_of(status, d->ids[0]);
    const char *reason = json_string_value(json_object_get(e, "reason"));
    if (!json_is_true(json_object_get(e, "corrupted")))
        return;
    fprintf(stderr, "corrupt: the host marked it: %s. Another goes on; see tenseq status\n",
            reason != NULL ? reason : "corrupted");
    d->corrupt.stage = DEVNET_CORRUPT_MARKED;
    if (d->o.spares > 0 && d->l1.has_keys)
        return;
    fprintf(stderr, "corrupt: it stays on the list: %s\n",
            d->l1.kind == DEVNET_L1_NONE ? "without an L1 nobody can take it off"
            : d->o.spares == 0           ? "there is no spare to take its place"
                                         : "without --l1-key nobody asks for its replacement");
    end(d);
}

static bool open_request(struct devnet *d, struct ts_l1_replacement *out)
{
    struct ts_l1_replacement list[TS_L1_MAX_REPLACEMENTS];
    struct ts_buf b;
    ts_bytes result;
    ts_address id;
    size_t n = 0;
    TS_CHECK(ts_unhex(d->ids[0], id.b, sizeof(id.b)) == TS_OK);
    ts_buf_init(&b, 0);
    ts_l1_put_open_replacements(&b);
    bool good = cli_l1_view(&d->l1.rpc, "ask for open requests", &d->genesis.contract, 0,
                            ts_buf_bytes(&b), &result) == TS_EXIT_OK &&
                ts_l1_read_replacements(result, list, TS_L1_MAX_REPLACEMENTS, &n) == TS_OK;
    ts_buf_free(&b);
    for (size_t i = 0; good && i < n; i++) {
        if (!ts_address_equal(&list[i].faulty, &id))
            continue;
        *out = list[i];
        return true;
    }
    return false;
}

static void approve(struct devnet *d)
{
    struct ts_l1_replacement r;
    struct ts_l1_answer_receipt receipt;
    struct ts_buf b;
    ts_hash tx;
    char other[TS_ADDRESS_HEX_SIZE], hash[TS_HASH_HEX_SIZE];
    if (!open_request(d, &r))
        return;
    fprintf(stderr, "corrupt: the host asks for %s in its place: request %llu on L1: %.*s\n",
            ts_hex(r.replacement.b, sizeof(r.replacement.b), other), (unsigned long long)r.id,
            (int)r.reason.n, (const char *)r.reason.p);
    snprintf(d->corrupt.successor, sizeof(d->corrupt.successor), "%s", other);
    ts_buf_init(&b, 0);
    ts_l1_put_approve_replacement(&b, r.id);
    const struct cli_l1_tx call = {
        .what = "approve the replacement", .to = d->genesis.contract, .data = ts_buf_bytes(&b)};
    bool good =
        cli_l1_account_of(&d->l1.rpc, &d->l1.governance.key, &d->l1.governance) == TS_EXIT_OK &&
        cli_l1_send(&d->l1.rpc, &d->l1.governance, &call, &tx) == TS_EXIT_OK &&
        cli_l1_mined(&d->l1.rpc, call.what, &tx, &receipt) == TS_EXIT_OK;
    ts_buf_free(&b);
    if (!good)
        return; /* it was said why; again, unless it is there */
    fprintf(stderr, "corrupt: governance, which is this devnet, approves it: L1 transaction %s\n",
            ts_hex(tx.b, sizeof(tx.b), hash));
    d->corrupt.stage = DEVNET_CORRUPT_APPROVED;
}

static void see_successor(struct devnet *d, const json_t *status)
{
    const json_t *e = devnet_entry_of(status, d->corrupt.successor);
    uint64_t head = (uint64_t)json_integer_value(json_object_get(e, "head"));
    if (!has_role(e, "passive") && !has_role(e, "active"))
        return;
    fprintf(stderr, "corrupt: %s is in: %s at batch %llu\n", d->corrupt.successor,
            json_string_value(json_object_get(e, "role")), (unsigned long long)head);
    d->corrupt.stage = DEVNET_CORRUPT_IN;
}

static void refuse(struct devnet *d)
{
    json_t *result = NULL;
    char why[256];
    if (devnet_ask_host(d, "sequencer_switchover", json_pack("[s]", d->ids[0]), CALL_MS, &result,
                        why)) {
        json_decref(result);
        return; /* it would be wrong, and is seen */
    }
    fprintf(stderr, "corrupt: enclave-1 is out. A switchover to it is refused: %s\n", why);
    end(d);
}

unsigned devnet_corrupt(struct devnet *d)
{
    json_t *status = NULL;
    char why[256];
    if (d->corrupt.stage == DEVNET_CORRUPT_DONE)
        return 1000;
    if (d->corrupt.stage == DEVNET_CORRUPT_WAITING && cli_mono_ms() < d->corrupt.at_ms)
        return LOOK_MS;
    if (!devnet_ask_host(d, "sequencer_status", NULL, CALL_MS, &status, why))
        return LOOK_MS;
    switch (d->corrupt.stage) {
    case DEVNET_CORRUPT_WAITING:
        make_active(d, status);
        break;
    case DEVNET_CORRUPT_LYING:
        see_mark(d, status);
        break;
    case DEVNET_CORRUPT_MARKED:
        approve(d);
        break;
    case DEVNET_CORRUPT_APPROVED:
        see_successor(d, status);
        break;
    case DEVNET_CORRUPT_IN:
        refuse(d);
        break;
    case DEVNET_CORRUPT_DONE:
        break;
    }
    json_decref(status);
    return LOOK_MS;
}
