/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-enclave: what stands around the core. Start-up in order: configuration, sandbox
 * preparation, data directory, identity, checkpoint files, link, core, sandbox, loop. */
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "cfg/notify.h"
#include "crypto/sign.h"
#include "enclave/datadir.h"
#include "enclave/platform/platform.h"
#include "enclave/sandbox.h"
#include "enclave/shell.h"
#include "enclave/slots.h"

struct app {
    const char *listen;
    const char *data_dir;
    const char *machine_key;
    int platform;
    bool init;
    int log_level;
    int log_format;
};

static const struct ts_platform_ops *const platforms[] = {&ts_platform_sim};
static const char *const platform_names[] = {"sim", NULL};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct app, listen, "listen", TS_CFG_STRING, .letter = 'l',
           .def = "unix:tenseq-enclave.sock", .value_name = "ADDR",
           .help = "where the host connects: unix:PATH or tcp:ADDR:PORT on loopback"),
    TS_CFG(struct app, data_dir, "data-dir", TS_CFG_PATH, .letter = 'd', .def = "enclave-data",
           .help = "where the sealed identity and the checkpoints are kept"),
    TS_CFG(struct app, machine_key, "machine-key", TS_CFG_STRING, .value_name = "FILE",
           .help = "simulation: the key file that stands for this machine (default: machine.key in "
                   "the data directory)"),
    TS_CFG(struct app, platform, "platform", TS_CFG_ENUM, .def = "sim", .choices = platform_names,
           .help = "what protects the enclave"),
    TS_CFG(struct app, init, "init", TS_CFG_BOOL, .flags = TS_CFG_FLAG_ONLY,
           .help = "make the identity unless there is one, print its id, and end"),
    TS_CFG_LOG_KEYS(struct app),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-enclave",
    .summary = "Orders, executes and seals batches with a key that never leaves it.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
};

static int exit_code_of(ts_err err)
{
    switch (err) {
    case TS_E_CORRUPT:
        return TS_EXIT_DATA;
    case TS_E_NOT_FOUND:
    case TS_E_USAGE:
        return TS_EXIT_CONFIG;
    default:
        return TS_EXIT_FAILED;
    }
}

static int fail(ts_err err, const char *event, const char *why)
{
    ts_log(TS_LOG_ERROR, event, "reason=\"%s\"", why);
    return exit_code_of(err);
}

/* Without --init there is nothing to begin with, which is how everybody begins. */
static int no_identity(const struct app *app, const char *event, const char *why)
{
    ts_log(TS_LOG_ERROR, event,
           "reason=\"%s: make an identity with tenseq-enclave --init --data-dir %s first\"", why,
           app->data_dir);
    return TS_EXIT_CONFIG;
}

static ts_err env_random(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;
    (void)ctx;
    while (n > 0) {
        ssize_t got = getrandom(p, n < 256 ? n : 256, 0);
        if (got <= 0)
            return TS_E_RANDOM;
        p += got;
        n -= (size_t)got;
    }
    return TS_OK;
}

static struct ts_crypto *open_crypto(void)
{
    uint8_t seed[32];
    if (env_random(NULL, seed, sizeof(seed)) != TS_OK)
        return NULL;
    struct ts_crypto *crypto = ts_crypto_secp256k1(seed);
    ts_wipe(seed, sizeof(seed));
    return crypto;
}

static ts_err get_identity(const struct app *app, const struct ts_crypto *crypto,
                           struct ts_platform_identity *out, char why[TS_PLATFORM_WHY])
{
    char machine_key[4096];
    snprintf(machine_key, sizeof(machine_key), "%s/machine.key", app->data_dir);
    struct ts_platform_args args = {
        .data_dir = app->data_dir,
        .machine_key = app->machine_key != NULL ? app->machine_key : machine_key,
        .crypto = crypto,
    };
    return platforms[app->platform]->identity(&args, app->init, out, why);
}

/* --init: the id on stdout, and nothing else there. */
static int init(const struct app *app, const struct ts_crypto *crypto)
{
    char why[TS_PLATFORM_WHY];
    char hex[TS_ADDRESS_HEX_SIZE];
    struct ts_platform_identity identity;
    struct ts_datadir dir;
    ts_err err = ts_datadir_open(&dir, app->data_dir, true, why, sizeof(why));
    if (err == TS_OK)
        err = get_identity(app, crypto, &identity, why);
    ts_datadir_close(&dir);
    if (err != TS_OK)
        return fail(err, "init-failed", why);
    printf("%s\n", ts_hex(identity.id.b, sizeof(identity.id.b), hex));
    ts_wipe(&identity, sizeof(identity));
    return fflush(stdout) == 0 ? TS_EXIT_OK : TS_EXIT_FAILED;
}

/* The core with its secrets, which are nowhere else after this. */
static int make_core(const struct app *app, const struct ts_crypto *crypto, ts_time boot_time,
                     const struct ts_slots *slots, struct ts_enclave **out)
{
    char why[TS_PLATFORM_WHY];
    struct ts_platform_identity identity;
    ts_err err = get_identity(app, crypto, &identity, why);
    if (err == TS_E_NOT_FOUND)
        return no_identity(app, "no-identity", why);
    if (err != TS_OK)
        return fail(err, "no-identity", why);
    struct ts_enclave_config config = {
        .crypto = crypto,
        .engine = &ts_ledger_engine,
        .checkpoints = &slots->store,
        .env = {.random = env_random},
        .identity = identity.key,
        .seal_key = identity.seal_key,
        .boot_time = boot_time,
    };
    err = ts_enclave_new(&config, out);
    ts_wipe(&identity, sizeof(identity));
    ts_wipe(&config, sizeof(config));
    if (err != TS_OK)
        return fail(err, "start-failed", ts_err_text(err));
    if (!ts_sandbox_guard(ts_enclave_secrets(*out)))
        ts_log(TS_LOG_WARN, "memory-not-locked",
               "reason=\"the limit on locked memory is too low: secrets could be swapped out\"");
    return TS_EXIT_OK;
}

/* With everything open: listen, close the sandbox, and serve until the end. */
static int serve(const struct app *app, struct ts_enclave *core)
{
    char why[512];
    char sandbox_why[TS_SANDBOX_WHY];
    struct ts_shell *shell;
    ts_err err = ts_shell_open(core, app->listen, &shell, why, sizeof(why));
    if (err == TS_E_USAGE) {
        ts_log(TS_LOG_ERROR, "listen-failed", "reason=\"%s\"", why);
        return TS_EXIT_USAGE;
    }
    if (err != TS_OK)
        return fail(err, "listen-failed", why);
    ts_shell_log_start(shell, platforms[app->platform]->name);
    /* systemd is told before the sandbox closes, since it takes a socket: from here to serving
     * nothing waits for anybody. */
    if (ts_notify("READY=1") != TS_OK)
        ts_log(TS_LOG_WARN, "notify-failed", "reason=\"systemd was not told of readiness\"");
    err = ts_sandbox_enter(sandbox_why);
    if (err != TS_OK) {
        ts_log(TS_LOG_ERROR, "sandbox-failed", "reason=\"%s\"", sandbox_why);
        return TS_EXIT_CONFIG;
    }
    return ts_shell_run(shell);
}

static int run(const struct app *app, const struct ts_crypto *crypto, ts_time boot_time)
{
    char why[TS_PLATFORM_WHY];
    struct ts_datadir dir;
    struct ts_slots slots;
    struct ts_enclave *core = NULL;
    ts_err err = ts_datadir_open(&dir, app->data_dir, false, why, sizeof(why));
    if (err == TS_OK)
        err = ts_datadir_lock(&dir, why, sizeof(why));
    if (err == TS_OK)
        err = ts_slots_open(&slots, app->data_dir, why, sizeof(why));
    if (err != TS_OK) {
        ts_datadir_close(&dir);
        return err == TS_E_NOT_FOUND ? no_identity(app, "data-dir-failed", why)
                                     : fail(err, "data-dir-failed", why);
    }
    int code = make_core(app, crypto, boot_time, &slots, &core);
    if (code == TS_EXIT_OK)
        code = serve(app, core);
    ts_enclave_free(core);
    ts_slots_close(&slots);
    ts_datadir_close(&dir);
    return code;
}

int main(int argc, char **argv)
{
    struct timespec now = {0};
    struct app app;
    struct ts_cfg *cfg;
    char why[TS_SANDBOX_WHY];
    clock_gettime(CLOCK_REALTIME, &now);
    int code = ts_cfg_start(&spec, argc, argv, &app, &cfg);
    if (code >= 0)
        return code;
    ts_log_setup("enclave", (enum ts_log_level)app.log_level, (enum ts_log_format)app.log_format);
    struct ts_crypto *crypto = NULL;
    if (ts_sandbox_prepare(why) != TS_OK) {
        ts_log(TS_LOG_ERROR, "sandbox-failed", "reason=\"%s\"", why);
        code = TS_EXIT_CONFIG;
    } else if ((crypto = open_crypto()) == NULL) {
        ts_log(TS_LOG_ERROR, "start-failed", "reason=\"no randomness or no memory\"");
        code = TS_EXIT_FAILED;
    } else if (app.init) {
        code = init(&app, crypto);
    } else {
        code = run(&app, crypto, (ts_time)now.tv_sec * 1000 + (ts_time)(now.tv_nsec / 1000000));
    }
    ts_crypto_free(crypto);
    ts_cfg_free(cfg);
    return code;
}
