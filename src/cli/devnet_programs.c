/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's programs and their flags. */
#include "cli/devnet_internal.h"

#include "cli/cli.h"

#define RESTART_MS 500u

struct command {
    char text[TS_SUP_MAX_ARGS][PATH_MAX + 64];
    const char *argv[TS_SUP_MAX_ARGS];
    size_t n;
};

static void arg(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void arg(struct command *c, const char *format, ...)
{
    va_list args;
    TS_CHECK(c->n + 1 < TS_SUP_MAX_ARGS);
    va_start(args, format);
    vsnprintf(c->text[c->n], sizeof(c->text[0]), format, args);
    va_end(args);
    c->argv[c->n] = c->text[c->n];
    c->argv[++c->n] = NULL;
}

static void link_of(const struct devnet *d, unsigned i, char out[PATH_MAX + 64])
{
    char name[32];
    snprintf(out, PATH_MAX + 64, "unix:%s/run/%s.sock", d->dir, devnet_enclave_name(d, i, name));
}

static void add_enclave(struct devnet *d, struct command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    devnet_enclave_name(d, i, name);
    link_of(d, i, link);
    c->n = 0;
    arg(c, "%s/tenseq-enclave", d->bin);
    arg(c, "--data-dir=%s/%s", d->dir, name);
    arg(c, "--machine-key=%s/machine.key", d->dir);
    arg(c, "--listen=%s", link);
    ts_supervisor_add(&d->sup, name, 3, c->argv);
}

static void add_l1(const struct devnet *d, struct command *c)
{
    if (d->l1.kind == DEVNET_L1_NONE)
        return;
    arg(c, "--l1=%s", d->l1.rpc.url);
    /* Anvil's newest block stays; of another L1 it may not, and the programs' default holds. */
    if (d->l1.kind == DEVNET_L1_ANVIL)
        arg(c, "--l1-confirmations=1");
}

static void add_host(struct devnet *d, struct command *c)
{
    c->n = 0;
    arg(c, "%s/tenseq-host", d->bin);
    arg(c, "--data-dir=%s/host", d->dir);
    arg(c, "--genesis=%s/genesis.json", d->dir);
    arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    arg(c, "--interval=%llums", (unsigned long long)d->o.interval_ms);
    for (unsigned i = 0; i < devnet_of_host(d); i++) {
        char link[PATH_MAX + 64];
        link_of(d, i, link);
        arg(c, "--enclaves=%s", link);
    }
    add_l1(d, c);
    if (d->l1.key_file[0] != 0)
        arg(c, "--l1-key=%s", d->l1.key_file);
    if (d->l1.kind == DEVNET_L1_ANVIL)
        arg(c, "--rollup-every=1m"); /* somebody is watching */
    ts_supervisor_add(&d->sup, "host", 1, c->argv);
}

/* The first node follows the host; the others follow the host and the first node. */
static void add_node(struct devnet *d, struct command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    link_of(d, devnet_of_host(d) + i, link);
    snprintf(name, sizeof(name), "node-%u", i + 1);
    c->n = 0;
    arg(c, "%s/tenseq-node", d->bin);
    arg(c, "--data-dir=%s/%s", d->dir, name);
    arg(c, "--genesis=%s/genesis.json", d->dir);
    arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port + 10 + i);
    arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port);
    if (i > 0)
        arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port + 10);
    arg(c, "--enclave=%s", link);
    add_l1(d, c);
    ts_supervisor_add(&d->sup, name, 2, c->argv);
}

void devnet_begin_supervisor(struct devnet *d)
{
    char log_dir[PATH_MAX + 16], run_dir[PATH_MAX + 16];
    snprintf(log_dir, sizeof(log_dir), "%s/logs", d->dir);
    snprintf(run_dir, sizeof(run_dir), "%s/run", d->dir);
    ts_supervisor_init(&d->sup, log_dir, run_dir, RESTART_MS);
}

int devnet_add_programs(struct devnet *d)
{
    char name[32];
    struct command *c = calloc(1, sizeof(*c));
    TS_CHECK(c != NULL);
    int code = devnet_sub_dir(d, "host");
    for (unsigned i = 0; i < devnet_all_enclaves(d); i++)
        add_enclave(d, c, i);
    add_host(d, c);
    for (unsigned i = 0; i < d->o.nodes && code == TS_EXIT_OK; i++) {
        snprintf(name, sizeof(name), "node-%u", i + 1);
        code = devnet_sub_dir(d, name);
        add_node(d, c, i);
    }
    free(c);
    return code;
}
