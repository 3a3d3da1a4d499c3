/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a chain for the example to follow: three enclaves, a failover, a return, a planned switch.
 *
 * usage: make_chain CHAIN HEAD TAMPERED     HEAD: the example's last line; TAMPERED: the chain with
 * one bit of its sixth batch changed */
#include <inttypes.h>

#include "base/check.h"
#include "testnet.h"

static void put_line(FILE *f, ts_bytes raw)
{
    char *text = malloc(2 * raw.n + 3);
    TS_CHECK(text != NULL);
    fprintf(f, "%s\n", ts_hex(raw.p, raw.n, text));
    free(text);
}

static struct testnet *make_net(void)
{
    struct testnet *net = tn_running(3);
    tn_run(net, 3);
    tn_crash(net, 0);
    tn_activate(net, 1);
    tn_run(net, 3);
    tn_boot(net, 0);
    tn_run(net, 2);
    tn_step_down(net, 1);
    tn_activate(net, 2);
    tn_run(net, 3);
    return net;
}

static void write_chain(const struct testnet *net, const char *path, uint64_t tampered)
{
    FILE *f = fopen(path, "we");
    uint8_t *raw;
    size_t n;
    TS_CHECK(f != NULL && ts_genesis_encode(&net->genesis, &raw, &n) == TS_OK);
    put_line(f, ts_bytes_of(raw, n));
    free(raw);
    for (uint64_t number = 1; number <= net->n_history; number++) {
        ts_bytes batch = tn_raw(net, number);
        uint8_t *copy = malloc(batch.n);
        TS_CHECK(copy != NULL);
        memcpy(copy, batch.p, batch.n);
        if (number == tampered)
            copy[batch.n - 100] ^= 1; /* in the payload, in front of the seal */
        put_line(f, ts_bytes_of(copy, batch.n));
        free(copy);
    }
    TS_CHECK(fclose(f) == 0);
}

int main(int argc, char **argv)
{
    char hash[TS_HASH_HEX_SIZE];
    TS_CHECK(argc == 4);
    struct testnet *net = make_net();
    write_chain(net, argv[1], 0);
    write_chain(net, argv[3], 6);
    FILE *f = fopen(argv[2], "we");
    TS_CHECK(f != NULL);
    fprintf(f, "head %" PRIu64 " %s term %" PRIu64 "\n", net->chain.head.number,
            ts_hex(net->chain.head.hash.b, 32, hash), net->chain.head.term);
    TS_CHECK(fclose(f) == 0);
    tn_free(net);
    return 0;
}
