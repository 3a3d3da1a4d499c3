/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's programs and their flags. */
#include "cli/devnet_internal.h"

#include "cli/cli.h"

#define RESTART_MS 500u

struct devnet_command {
    char text[TS_SUP_MAX_ARGS][PATH_MAX + 64];
    const char *argv[TS_SUP_MAX_ARGS];
    size_t n;
};

struct devnet_command *devnet_command_new(void)
{
    struct devnet_command *c = calloc(1, sizeof(*c));
    TS_CHECK(c != NULL);
    return c;
}

const char *const *devnet_argv(const struct devnet_command *c)
{
    return c->argv;
}

void devnet_arg(struct devnet_command *c, const char *format, ...)
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

/* Where the host finds it: the first one of a devnet that corrupts it behind a relay. */
static void host_link_of(const struct devnet *d, unsigned i, char out[PATH_MAX + 64])
{
    if (i == 0 && d->o.corrupt_ms > 0)
        snprintf(out, PATH_MAX + 64, "unix:%s/run/corrupt-1.sock", d->dir);
    else
        link_of(d, i, out);
}

static void add_relay(struct devnet *d, struct devnet_command *c)
{
    char link[PATH_MAX + 64];
    c->n = 0;
    devnet_arg(c, "%s/tenseq-corrupt", d->bin);
    host_link_of(d, 0, link);
    devnet_arg(c, "--listen=%s", link);
    link_of(d, 0, link);
    devnet_arg(c, "--enclave=%s", link);
    ts_supervisor_add(&d->sup, "corrupt-1", 3, c->argv);
}

static void add_enclave(struct devnet *d, struct devnet_command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    devnet_enclave_name(d, i, name);
    link_of(d, i, link);
    c->n = 0;
    devnet_arg(c, "%s/tenseq-enclave", d->bin);
    devnet_arg(c, "--data-dir=%s/%s", d->dir, name);
    devnet_arg(c, "--machine-key=%s/machine.key", d->dir);
    devnet_arg(c, "--listen=%s", link);
    struct ts_child *child = ts_supervisor_add(&d->sup, name, 3, c->argv);
    devnet_known_as(d, i, child->known_as);
}

static void add_l1(const struct devnet *d, struct devnet_command *c)
{
    if (d->l1.kind == DEVNET_L1_NONE)
        return;
    devnet_arg(c, "--l1=%s", d->l1.rpc.url);
    /* Anvil's newest block stays; of another L1 it may not, and the programs' default holds. */
    if (d->l1.kind == DEVNET_L1_ANVIL)
        devnet_arg(c, "--l1-confirmations=1");
}

static void add_host(struct devnet *d, struct devnet_command *c)
{
    c->n = 0;
    devnet_arg(c, "%s/tenseq-host", d->bin);
    devnet_arg(c, "--data-dir=%s/host", d->dir);
    devnet_arg(c, "--genesis=%s/genesis.json", d->dir);
    devnet_arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    devnet_arg(c, "--interval=%llums", (unsigned long long)d->o.interval_ms);
    for (unsigned i = 0; i < devnet_of_host(d); i++) {
        char link[PATH_MAX + 64];
        host_link_of(d, i, link);
        devnet_arg(c, "--enclaves=%s", link);
    }
    add_l1(d, c);
    if (d->l1.key_file[0] != 0)
        devnet_arg(c, "--l1-key=%s", d->l1.key_file);
    if (d->l1.kind == DEVNET_L1_ANVIL)
        devnet_arg(c, "--rollup-every=1m"); /* somebody is watching */
    if (d->o.corrupt_ms > 0 && d->l1.key_file[0] != 0)
        devnet_arg(c, "--auto-replace");
    ts_supervisor_add(&d->sup, "host", 1, c->argv);
}

void devnet_liar_command(const struct devnet *d, struct devnet_command *c)
{
    devnet_arg(c, "%s/tenseq-liar", d->bin);
    devnet_arg(c, "--attack=%s", devnet_attacks[d->o.attack]);
    devnet_arg(c, "--genesis=%s/genesis.json", d->dir);
    devnet_arg(c, "--machine-key=%s/machine.key", d->dir);
    devnet_arg(c, "--host=127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    for (unsigned i = 0; i < devnet_of_host(d); i++) {
        char name[32];
        devnet_arg(c, "--enclaves=%s/%s", d->dir, devnet_enclave_name(d, i, name));
    }
}

static void add_liar(struct devnet *d, struct devnet_command *c)
{
    c->n = 0;
    devnet_liar_command(d, c);
    devnet_arg(c, "--port=%u", devnet_attack_port(d));
    ts_supervisor_add(&d->sup, "liar", 2, c->argv);
}

/* The first node follows the host; the others follow the host and the first node. The last one of a
 * network that is lied to hears the liar first, and the truth by a longer way if there is one. */
static void add_node(struct devnet *d, struct devnet_command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    link_of(d, devnet_of_host(d) + i, link);
    snprintf(name, sizeof(name), "node-%u", i + 1);
    c->n = 0;
    devnet_arg(c, "%s/tenseq-node", d->bin);
    devnet_arg(c, "--data-dir=%s/%s", d->dir, name);
    devnet_arg(c, "--genesis=%s/genesis.json", d->dir);
    devnet_arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port + 10 + i);
    bool is_lied_to = devnet_attack_relays(d) && i + 1 == d->o.nodes;
    if (is_lied_to)
        devnet_arg(c, "--peers=ws://127.0.0.1:%u/feed", devnet_attack_port(d));
    if (!is_lied_to || i == 0)
        devnet_arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port);
    if (i > 0)
        devnet_arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port + 10);
    devnet_arg(c, "--enclave=%s", link);
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
    struct devnet_command *c = devnet_command_new();
    int code = devnet_sub_dir(d, "host");
    for (unsigned i = 0; i < devnet_all_enclaves(d); i++)
        add_enclave(d, c, i);
    if (d->o.corrupt_ms > 0)
        add_relay(d, c);
    add_host(d, c);
    if (devnet_attack_relays(d))
        add_liar(d, c);
    for (unsigned i = 0; i < d->o.nodes && code == TS_EXIT_OK; i++) {
        snprintf(name, sizeof(name), "node-%u", i + 1);
        code = devnet_sub_dir(d, name);
        add_node(d, c, i);
    }
    free(c);
    return code;
}
