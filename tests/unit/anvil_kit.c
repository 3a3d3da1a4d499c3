/* SPDX-License-Identifier: Apache-2.0 */
#include "anvil_kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/json.h"
#include "net/http_client.h"

/* The native program, as scripts/foundry.sh finds it. */
#ifdef __aarch64__
#define ARCH "arm64"
#else
#define ARCH "amd64"
#endif
#define ANVIL    TS_ROOT "/node_modules/@foundry-rs/anvil-linux-" ARCH "/bin/anvil"
#define MAX_ARGS 6

unsigned free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void become_anvil(unsigned port, const char *const args[])
{
    char text[20];
    char *argv[5 + MAX_ARGS] = {0};
    size_t n = 0;
    snprintf(text, sizeof(text), "%u", port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    argv[n++] = strdup(ANVIL);
    argv[n++] = strdup("--silent");
    argv[n++] = strdup("--port");
    argv[n++] = text;
    for (size_t i = 0; i < MAX_ARGS && args[i]; i++)
        argv[n++] = strdup(args[i]);
    execv(ANVIL, argv);
    _exit(127);
}

static void wait_until_it_answers(const struct anvil *a)
{
    char why[300];
    json_t *result = NULL;
    for (int i = 0; i < 400; i++) {
        if (ts_rpc_call_blocking(a->url, NULL, "eth_chainId", NULL, 2000, &result, why,
                                 sizeof(why)) == TS_OK) {
            json_decref(result);
            return;
        }
        usleep(25000);
    }
    fail_msg("anvil does not answer: %s", why);
}

void anvil_start(struct anvil *a, unsigned port, const char *const args[])
{
    a->port = port > 0 ? port : free_port();
    snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u", a->port);
    a->pid = fork();
    assert_true(a->pid >= 0);
    if (a->pid == 0)
        become_anvil(a->port, args);
    wait_until_it_answers(a);
}

void anvil_end(struct anvil *a, bool at_once)
{
    int status;
    assert_int_equal(kill(a->pid, at_once ? SIGKILL : SIGTERM), 0);
    assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
    a->pid = 0;
}

json_t *anvil_ask(const struct anvil *a, const char *method, json_t *params)
{
    char why[300];
    json_t *result = NULL;
    if (ts_rpc_call_blocking(a->url, NULL, method, params, 10000, &result, why, sizeof(why)) !=
        TS_OK)
        fail_msg("%s: %s", method, why);
    return result;
}

uint64_t anvil_number(const struct anvil *a, const char *method, json_t *params)
{
    json_t *result = anvil_ask(a, method, params);
    uint64_t v = 0;
    assert_int_equal(ts_json_read_u64(result, &v), TS_OK);
    json_decref(result);
    return v;
}

void anvil_mine(const struct anvil *a, unsigned blocks)
{
    json_decref(anvil_ask(a, "anvil_mine", json_pack("[i]", (int)blocks)));
}

ts_secret anvil_key(void)
{
    ts_secret key;
    assert_int_equal(
        ts_unhex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", key.b, 32),
        TS_OK);
    return key;
}
