/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq send: load. Signed transfers at a rate, from several accounts, each acknowledged one
 * counted. An account whose transaction failed asks for its nonce and goes on, after a wait that
 * grows from failure to failure, so it lives through failovers and restarts of the host and does
 * not press on one whose pool or disk is full. A refusal that no wait can change ends it. */
#include <errno.h>
#include <uv.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/devnet.h"
#include "cli/genesis.h"
#include "cli/refusal.h"
#include "codec/json.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "net/http_client.h"

#define MAX_ACCOUNTS 64
#define TICK_MS      5
#define ANSWER_MS    15000u
#define MAX_POSTS    64

struct options {
    struct cli_options base;
    uint64_t count, rate, batch, accounts, patience_ms;
    struct ts_cfg_list keys;
    ts_address to;
    const char *value, *hashes;
    bool wait, quiet;
};

static const struct ts_cfg_key keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, count, "count", TS_CFG_U64, .def = "1", .min = 1,
           .help = "transactions to have acknowledged"),
    TS_CFG(struct options, rate, "rate", TS_CFG_U64, .help = "transactions a second; 0: no limit"),
    TS_CFG(struct options, batch, "batch", TS_CFG_U64, .def = "20", .min = 1, .max = 200,
           .help = "transactions in one request at the most"),
    TS_CFG(struct options, accounts, "accounts", TS_CFG_U64, .def = "10", .min = 1,
           .max = DEVNET_ACCOUNTS, .help = "how many of the devnet's accounts send"),
    TS_CFG(struct options, keys, "key", TS_CFG_LIST, .item = TS_CFG_STRING, .flags = TS_CFG_SECRET,
           .check = cli_check_key, .value_name = "HEX",
           .help = "secret keys of the senders, instead of the devnet's"),
    TS_CFG(struct options, to, "to", TS_CFG_ADDRESS,
           .def = "0x7e57000000000000000000000000000000000001", .help = "who receives"),
    TS_CFG(struct options, value, "value", TS_CFG_STRING, .def = "1", .value_name = "WEI",
           .check = cli_check_amount, .help = "amount of each transfer"),
    TS_CFG(struct options, hashes, "hashes", TS_CFG_PATH,
           .help = "file that gets the hash of each acknowledged transaction"),
    TS_CFG(struct options, patience_ms, "patience", TS_CFG_MS, .def = "30s",
           .help = "give up after so long without an acknowledgement"),
    TS_CFG(struct options, wait, "wait", TS_CFG_BOOL,
           .help = "wait until the batches hold all of them"),
    TS_CFG(struct options, quiet, "quiet", TS_CFG_BOOL, .help = "no progress on stderr"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq send",
    .summary = "Makes load: signed transfers, counted when they are acknowledged.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
};

struct sender {
    ts_secret key;
    ts_address address;
    uint64_t nonce;     /* of the next one */
    unsigned in_flight; /* requests */
    bool lost;          /* the nonce must be asked for */
    bool asking;
    unsigned failures; /* answers in a row that acknowledged nothing */
    uint64_t wait_until_ms;
};

struct load {
    struct options o;
    uv_loop_t loop;
    uv_timer_t timer;
    struct ts_http_client *http;
    struct ts_crypto *crypto;
    struct sender senders[MAX_ACCOUNTS];
    unsigned n_senders, turn;
    uint64_t chain_id;
    ts_u256 gas_price, value;
    uint64_t sent, acked, refused, lost, waits;
    uint64_t start_ms, last_ack_ms, said_ms;
    unsigned posts;
    FILE *hashes;
    char first_refusal[256], newest_refusal[256];
    bool stopped; /* by a final refusal, of this transaction: */
    char final_refusal[256];
    const struct sender *final_sender;
    uint64_t final_nonce;
};

struct post {
    struct load *l;
    struct sender *s;
    unsigned n;
    uint64_t nonce; /* of the first; the one with id i has this plus i */
};

/* ---- one signed transfer (EIP-155) ---- */

static void put_fields(const struct load *l, const struct sender *s, struct ts_buf *b)
{
    ts_put_u64(b, s->nonce);
    ts_put_u256(b, &l->gas_price);
    ts_put_u64(b, 21000);
    ts_put_address(b, &l->o.to);
    ts_put_u256(b, &l->value);
    ts_put_bytes(b, ts_bytes_of(NULL, 0));
}

static void put_signed(const struct load *l, const struct sender *s, struct ts_buf *b)
{
    size_t mark = ts_put_list(b);
    put_fields(l, s, b);
    ts_put_u64(b, l->chain_id);
    ts_put_u64(b, 0);
    ts_put_u64(b, 0);
    ts_put_list_end(b, mark);
    ts_hash digest;
    ts_sig sig;
    ts_keccak256(ts_buf_bytes(b), &digest);
    TS_CHECK(ts_sign(l->crypto, &s->key, &digest, &sig) == TS_OK);
    ts_buf_reset(b);
    mark = ts_put_list(b);
    put_fields(l, s, b);
    ts_u256 r = ts_u256_from_be(sig.b, 32), v = ts_u256_from_be(sig.b + 32, 32);
    ts_put_u64(b, l->chain_id * 2 + 35 + (uint64_t)(sig.b[64] - 27));
    ts_put_u256(b, &r);
    ts_put_u256(b, &v);
    ts_put_list_end(b, mark);
    TS_CHECK(b->err == TS_OK);
}

/* ---- answers ---- */

static void note_refusal(struct load *l, const char *why)
{
    if (l->first_refusal[0] == 0)
        snprintf(l->first_refusal, sizeof(l->first_refusal), "%s", why ? why : "?");
    snprintf(l->newest_refusal, sizeof(l->newest_refusal), "%s", why ? why : "?");
}

/* No sense in pressing on: the next attempt of this account is put off. */
static void hold_back(struct load *l, struct sender *s)
{
    s->failures++;
    s->wait_until_ms = cli_unix_ms() + cli_backoff_ms(s->failures);
    l->waits++;
}

static void stop_at(struct load *l, const struct post *p, const json_t *answer, const char *why)
{
    if (l->stopped)
        return;
    l->stopped = true;
    l->final_sender = p->s;
    l->final_nonce = p->nonce + cli_u64(answer, "id");
    snprintf(l->final_refusal, sizeof(l->final_refusal), "%s", why ? why : "?");
}

/* What the answers to one request come to. */
struct tally {
    unsigned acked, nonce, passing;
};

static void note_answer(struct load *l, struct post *p, const json_t *answer, struct tally *t)
{
    const char *hash = json_string_value(json_object_get(answer, "result"));
    if (hash != NULL) {
        l->acked++;
        t->acked++;
        l->last_ack_ms = cli_unix_ms();
        if (l->hashes != NULL)
            fprintf(l->hashes, "%s\n", hash);
        return;
    }
    const json_t *error = json_object_get(answer, "error");
    const char *why = json_string_value(json_object_get(error, "message"));
    enum refusal kind = cli_refusal_of(error);
    /* Behind one that was refused the nonces have a gap, which says nothing new. */
    if (kind != REFUSAL_NONCE || (t->nonce == 0 && t->passing == 0))
        note_refusal(l, why);
    if (kind == REFUSAL_FINAL)
        stop_at(l, p, answer, why);
    t->nonce += kind == REFUSAL_NONCE;
    t->passing += kind == REFUSAL_PASSING;
    l->refused++;
    p->s->lost = true;
}

static void note_answers(struct load *l, struct post *p, const json_t *all)
{
    struct sender *s = p->s;
    struct tally t = {0};
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one) note_answer(l, p, one, &t);
    if (t.acked > 0)
        s->failures = 0;
    /* A nonce that was not right is asked for at once, the first time. */
    if (t.passing > 0 || (t.acked == 0 && t.nonce > 0 && s->failures > 0))
        hold_back(l, s);
    else if (t.acked == 0)
        s->failures++;
}

static void answered(void *ctx, ts_err err, ts_bytes body, const char *why)
{
    struct post *p = ctx;
    struct load *l = p->l;
    l->posts--;
    p->s->in_flight--;
    json_t *all = err == TS_OK ? json_loadb((const char *)body.p, body.n, 0, NULL) : NULL;
    if (json_is_array(all)) {
        note_answers(l, p, all);
    } else {
        note_refusal(l, err == TS_OK ? "the answer is no JSON-RPC batch" : why);
        l->lost += p->n; /* whether they were taken is not known */
        p->s->lost = true;
        hold_back(l, p->s);
    }
    json_decref(all);
    free(p);
}

static void got_nonce(void *ctx, ts_err err, json_t *result, json_t *rpc_error, const char *why)
{
    struct post *p = ctx;
    (void)rpc_error;
    p->s->asking = false;
    if (err == TS_OK && ts_json_read_u64(result, &p->s->nonce) == TS_OK) {
        p->s->lost = false;
    } else {
        note_refusal(p->l, err == TS_OK ? "the answer is no nonce" : why);
        hold_back(p->l, p->s);
    }
    free(p);
}

static struct post *new_post(struct load *l, struct sender *s, unsigned n)
{
    struct post *p = calloc(1, sizeof(*p));
    TS_CHECK(p != NULL);
    *p = (struct post){l, s, n, s->nonce};
    return p;
}

static void ask_nonce(struct load *l, struct sender *s)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    json_t *params = json_pack("[s,s]", ts_hex(s->address.b, 20, hex), "pending");
    struct post *p = new_post(l, s, 0);
    s->asking = true;
    if (ts_http_client_call(l->http, "eth_getTransactionCount", params, ANSWER_MS, got_nonce, p) !=
        TS_OK) {
        s->asking = false;
        free(p);
    }
}

/* ---- sending ---- */

static void send_some(struct load *l, struct sender *s, unsigned n)
{
    struct ts_buf body, tx;
    ts_buf_init(&body, 0);
    ts_buf_init(&tx, 0);
    char *hex = NULL;
    struct post *p = new_post(l, s, n);
    for (unsigned i = 0; i < n; i++) {
        ts_buf_reset(&tx);
        put_signed(l, s, &tx);
        s->nonce++;
        hex = realloc(hex, 2 * tx.n + 3);
        TS_CHECK(hex != NULL);
        ts_buf_printf(&body,
                      "%c{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"eth_sendRawTransaction\","
                      "\"params\":[\"",
                      i == 0 ? '[' : ',', i);
        ts_hex(tx.p, tx.n, hex);
        ts_buf_put(&body, hex, 2 * tx.n + 2);
        ts_buf_printf(&body, "\"]}");
    }
    ts_buf_put_byte(&body, ']');
    TS_CHECK(body.err == TS_OK);
    if (ts_http_client_post(l->http, ts_buf_bytes(&body), ANSWER_MS, answered, p) == TS_OK) {
        l->sent += n;
        l->posts++;
        s->in_flight++;
    } else {
        s->nonce -= n;
        free(p);
    }
    free(hex);
    ts_buf_free(&body);
    ts_buf_free(&tx);
}

/* The next account that may send; NULL: none now. One request at a time for each, so that its
 * nonces arrive in order. */
static struct sender *next_sender(struct load *l, uint64_t now)
{
    for (unsigned k = 0; k < l->n_senders; k++) {
        struct sender *s = &l->senders[l->turn++ % l->n_senders];
        if (now < s->wait_until_ms)
            continue;
        if (s->lost && !s->asking && s->in_flight == 0)
            ask_nonce(l, s);
        if (!s->lost && !s->asking && s->in_flight == 0)
            return s;
    }
    return NULL;
}

static void say(struct load *l, uint64_t now)
{
    if (l->o.quiet || now - l->said_ms < 1000)
        return;
    l->said_ms = now;
    fprintf(stderr, "acknowledged %llu of %llu, refused %llu, unknown %llu",
            (unsigned long long)l->acked, (unsigned long long)l->o.count,
            (unsigned long long)l->refused, (unsigned long long)l->lost);
    unsigned waiting = 0;
    for (unsigned i = 0; i < l->n_senders; i++)
        waiting += now < l->senders[i].wait_until_ms;
    if (waiting > 0)
        fprintf(stderr, "; %u of %u accounts wait before they try again: %s", waiting, l->n_senders,
                l->newest_refusal);
    fputc('\n', stderr);
}

static void tick(uv_timer_t *timer)
{
    struct load *l = timer->data;
    uint64_t now = cli_unix_ms();
    say(l, now);
    if (l->stopped || l->acked >= l->o.count || now - l->last_ack_ms > l->o.patience_ms) {
        if (l->posts == 0)
            uv_stop(&l->loop);
        return;
    }
    uint64_t due = l->o.rate ? (now - l->start_ms) * l->o.rate / 1000 + 1 : UINT64_MAX;
    for (;;) {
        /* What failed is sent anew, so that the acknowledged ones reach the count. */
        uint64_t good = l->sent - l->refused - l->lost;
        uint64_t want = l->o.count > good ? l->o.count - good : 0;
        if (due <= l->sent || want == 0 || l->posts >= MAX_POSTS)
            return;
        uint64_t n = due - l->sent < want ? due - l->sent : want;
        struct sender *s = next_sender(l, now);
        if (s == NULL)
            return;
        send_some(l, s, (unsigned)(n < l->o.batch ? n : l->o.batch));
    }
}

/* ---- set-up ---- */

static int make_senders(struct load *l)
{
    l->n_senders = l->o.keys.n ? (unsigned)l->o.keys.n : (unsigned)l->o.accounts;
    if (l->o.keys.n > MAX_ACCOUNTS)
        return cli_misused("flag --key: %zu keys are given, at most %u are taken", l->o.keys.n,
                           MAX_ACCOUNTS);
    for (unsigned i = 0; i < l->n_senders; i++) {
        struct sender *s = &l->senders[i];
        struct devnet_account a;
        devnet_account(l->crypto, i, &a);
        s->key = a.key;
        if (l->o.keys.n > 0)
            TS_CHECK(ts_unhex(l->o.keys.items[i], s->key.b, sizeof(s->key.b)) == TS_OK);
        if (ts_address_of_key(l->crypto, &s->key, &s->address) != TS_OK)
            return cli_misused("flag --key: number %u is not a valid secret key", i + 1);
        s->lost = true;
    }
    return TS_EXIT_OK;
}

static bool read_quantity(const struct load *l, const char *method, ts_u256 *out)
{
    json_t *r = cli_call(&l->o.base, method, NULL);
    if (r == NULL)
        return false;
    bool ok = json_is_string(r) && ts_u256_parse(json_string_value(r), out) == TS_OK;
    if (!ok)
        cli_fail("%s did not answer with a quantity", method);
    json_decref(r);
    return ok;
}

static int prepare(struct load *l)
{
    ts_u256 chain;
    TS_CHECK(ts_u256_parse(l->o.value, &l->value) == TS_OK); /* the table's check has seen it */
    l->crypto = ts_crypto_new();
    TS_CHECK(l->crypto != NULL);
    int code = make_senders(l);
    if (code != TS_EXIT_OK)
        return code;
    if (!read_quantity(l, "eth_chainId", &chain) ||
        !read_quantity(l, "eth_gasPrice", &l->gas_price))
        return TS_EXIT_FAILED;
    l->chain_id = chain.w[0];
    if (l->o.hashes != NULL && (l->hashes = fopen(l->o.hashes, "we")) == NULL)
        return cli_fail("cannot write %s: %s", l->o.hashes, strerror(errno));
    return TS_EXIT_OK;
}

/* ---- the end ---- */

static bool all_included(struct load *l)
{
    for (unsigned i = 0; i < l->n_senders; i++) {
        char hex[TS_ADDRESS_HEX_SIZE];
        struct sender *s = &l->senders[i];
        ts_hex(s->address.b, 20, hex);
        uint64_t latest = 0, pending = 0;
        json_t *a =
            cli_call(&l->o.base, "eth_getTransactionCount", json_pack("[s,s]", hex, "latest"));
        json_t *b =
            cli_call(&l->o.base, "eth_getTransactionCount", json_pack("[s,s]", hex, "pending"));
        bool ok = a != NULL && b != NULL && ts_json_read_u64(a, &latest) == TS_OK &&
                  ts_json_read_u64(b, &pending) == TS_OK && latest >= pending;
        json_decref(a);
        json_decref(b);
        if (!ok)
            return false;
    }
    return true;
}

static bool wait_included(struct load *l)
{
    for (uint64_t until = cli_unix_ms() + l->o.patience_ms; cli_unix_ms() < until; uv_sleep(100))
        if (all_included(l))
            return true;
    cli_fail("not all of them are in batches after %llu s",
             (unsigned long long)l->o.patience_ms / 1000);
    return false;
}

static double rounded(double v, double parts)
{
    return (double)(uint64_t)(v * parts + 0.5) / parts;
}

static void report(const struct load *l, double seconds)
{
    double rate = seconds > 0 ? (double)l->acked / seconds : 0;
    if (l->o.base.json) {
        cli_print_json(json_pack("{s:I,s:I,s:I,s:I,s:f,s:f,s:s}", "acknowledged",
                                 (json_int_t)l->acked, "refused", (json_int_t)l->refused, "unknown",
                                 (json_int_t)l->lost, "waits", (json_int_t)l->waits, "seconds",
                                 rounded(seconds, 1000), "rate", rounded(rate, 10), "firstRefusal",
                                 l->first_refusal));
        return;
    }
    printf("acknowledged %llu, refused %llu, unknown %llu in %.2f s: %.0f a second\n",
           (unsigned long long)l->acked, (unsigned long long)l->refused,
           (unsigned long long)l->lost, seconds, rate);
    if (l->first_refusal[0] != 0)
        printf("first refusal: %s\n", l->first_refusal);
    if (l->waits > 0)
        printf("waited %llu times before another attempt\n", (unsigned long long)l->waits);
}

/* Why it ended before all were acknowledged. */
static int say_short(const struct load *l)
{
    unsigned long long acked = l->acked, count = l->o.count;
    char hex[TS_ADDRESS_HEX_SIZE];
    if (l->stopped)
        return cli_fail("stopped after %llu of %llu were accepted: the transaction of %s with "
                        "nonce %llu was refused for a reason that does not pass: %s",
                        acked, count, ts_hex(l->final_sender->address.b, 20, hex),
                        (unsigned long long)l->final_nonce, l->final_refusal);
    return cli_fail("only %llu of %llu were accepted, none in the last %llu s: %s", acked, count,
                    (unsigned long long)l->o.patience_ms / 1000, l->newest_refusal);
}

static int run(struct load *l)
{
    char why[256];
    TS_CHECK(uv_loop_init(&l->loop) == 0);
    struct ts_http_client_config c = {
        .url = l->o.base.rpc, .bearer_token = l->o.base.token, .max_connections = 8};
    if (ts_http_client_new(&l->loop, &c, &l->http, why, sizeof(why)) != TS_OK) {
        uv_loop_close(&l->loop);
        return cli_fail("%s", why);
    }
    uv_timer_init(&l->loop, &l->timer);
    l->timer.data = l;
    l->start_ms = l->last_ack_ms = l->said_ms = cli_unix_ms();
    uint64_t from = uv_hrtime();
    uv_timer_start(&l->timer, tick, 0, TICK_MS);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    double seconds = (double)(uv_hrtime() - from) / 1e9;
    uv_close((uv_handle_t *)&l->timer, NULL);
    ts_http_client_close(l->http);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    uv_loop_close(&l->loop);
    bool included = !l->o.wait || l->acked < l->o.count || wait_included(l);
    report(l, seconds);
    if (l->acked < l->o.count)
        return say_short(l);
    return included ? TS_EXIT_OK : TS_EXIT_FAILED;
}

int verb_send(int argc, char **argv)
{
    static struct load l;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &l.o, &cfg);
    if (code >= 0)
        return code;
    code = prepare(&l);
    if (code == TS_EXIT_OK)
        code = run(&l);
    bool is_written = l.hashes == NULL || !ferror(l.hashes);
    if (l.hashes != NULL && (fclose(l.hashes) != 0 || !is_written))
        code = cli_fail("cannot write %s: %s", l.o.hashes, strerror(errno));
    ts_crypto_free(l.crypto);
    ts_cfg_free(cfg);
    return code;
}
