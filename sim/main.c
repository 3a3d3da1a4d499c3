/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-sim: many worlds from many seeds, or one that is told in full. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cfg/cfg.h"
#include "operators.h"

struct sim_cfg {
    uint64_t first, seeds, seed, batches, jobs;
    const char *check;
    const char *attack;
    int crypto;
    bool trace, bench, stop;
};

static const char *const crypto_choices[] = {"fast", "real", NULL};
static const struct ts_cfg_key keys[] = {
    TS_CFG(struct sim_cfg, seeds, "seeds", TS_CFG_U64, .def = "500", .min = 1, .max = 1000000000,
           .help = "how many worlds"),
    TS_CFG(struct sim_cfg, first, "first", TS_CFG_U64, .def = "1", .min = 1, .max = UINT64_MAX / 2,
           .help = "the first seed"),
    TS_CFG(struct sim_cfg, seed, "seed", TS_CFG_U64, .def = "0",
           .help = "this world alone, told in full; 0: many"),
    TS_CFG(struct sim_cfg, trace, "trace", TS_CFG_BOOL, .def = "true",
           .help = "with --seed: print what happens"),
    TS_CFG(struct sim_cfg, batches, "batches", TS_CFG_U64, .def = "200", .min = 1,
           .help = "in each world, at the least"),
    TS_CFG(struct sim_cfg, crypto, "crypto", TS_CFG_ENUM, .choices = crypto_choices, .def = "fast",
           .help = "signatures: real ones, or a keyed hash"),
    TS_CFG(struct sim_cfg, jobs, "jobs", TS_CFG_U64, .letter = 'j', .def = "0",
           .help = "processes; 0: one for each core"),
    TS_CFG(struct sim_cfg, check, "check", TS_CFG_STRING, .value_name = "INVARIANT",
           .help = "look at this invariant alone, such as I3"),
    TS_CFG(struct sim_cfg, stop, "stop", TS_CFG_BOOL, .def = "false",
           .help = "end with the first violation"),
    TS_CFG(struct sim_cfg, attack, "attack", TS_CFG_STRING, .value_name = "NAME",
           .help = "worlds with this lying operator, each as long as that takes; all: with each of "
                   "them"),
    TS_CFG(struct sim_cfg, bench, "bench", TS_CFG_BOOL, .def = "false",
           .help = "a world of five enclaves and three nodes without faults, and its speed"),
};
static const struct ts_cfg_spec spec = {.program = "tenseq-sim",
                                        .summary = "Simulates networks under faults, from seeds.",
                                        .keys = keys,
                                        .n_keys = TS_COUNT(keys)};

struct tally {
    uint64_t worlds, failed, batches, takeovers, events, virtual_us;
    uint64_t hash; /* of all trace hashes */
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Said when a core's assertion, or worse, ends the process: which world it was. */
static char last_words[256];

static void on_end(int number)
{
    ssize_t ignored = write(STDOUT_FILENO, last_words, strlen(last_words));
    (void)ignored;
    raise(number); /* by default this time: SA_RESETHAND */
}

static void say_how_it_ended(void)
{
    struct sigaction a = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    sigemptyset(&a.sa_mask);
    (void)sigaction(SIGABRT, &a, NULL);
    (void)sigaction(SIGSEGV, &a, NULL);
}

static void replay_of(const struct sim_options *o, char *out, size_t size)
{
    if (o->op != NULL)
        snprintf(out, size, "make sim SEED=%" PRIu64 " ARGS=\"--attack %s\"%s", o->seed,
                 o->op->name, o->real_crypto ? " CRYPTO=real" : "");
    else
        snprintf(out, size, "make sim SEED=%" PRIu64 " BATCHES=%" PRIu64 "%s", o->seed, o->batches,
                 o->real_crypto ? " CRYPTO=real" : "");
}

static void run_one(const struct sim_options *o, bool verbose, struct sim_result *r)
{
    char replay[160];
    replay_of(o, replay, sizeof(replay));
    snprintf(last_words, sizeof(last_words),
             "seed %" PRIu64 ": an assertion ends the simulator\n  replay: %s\n", o->seed, replay);
    struct sim_world *w = sim_world_new(o, verbose);
    sim_run(w, r);
    sim_world_free(w);
}

static void add(struct tally *t, const struct sim_result *r)
{
    t->worlds++;
    t->failed += !r->ok;
    t->batches += r->batches;
    t->takeovers += r->takeovers;
    t->events += r->events;
    t->virtual_us += r->virtual_us;
    t->hash ^= r->trace_hash;
}

static void print_failure(const struct sim_options *o, const struct sim_result *r)
{
    char replay[160];
    replay_of(o, replay, sizeof(replay));
    printf("seed %" PRIu64 ": %s is violated at %.3f s: %s\n  replay: %s\n", o->seed,
           r->verdict.invariant, (double)r->verdict.at_us / 1e6, r->verdict.text, replay);
    fflush(stdout);
}

/* Every n-th seed from the i-th on. */
static void run_share(const struct sim_cfg *c, uint64_t i, uint64_t n, struct tally *t)
{
    for (uint64_t k = i; k < c->seeds; k += n) {
        struct sim_options o = {.seed = c->first + k,
                                .batches = c->batches,
                                .real_crypto = c->crypto == 1,
                                .check = c->check};
        struct sim_result r;
        sim_draw(&o);
        run_one(&o, false, &r);
        add(t, &r);
        if (!r.ok)
            print_failure(&o, &r);
        if (!r.ok && c->stop)
            return;
    }
}

static int start_share(const struct sim_cfg *c, uint64_t i, uint64_t n)
{
    int ends[2];
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct tally t = {0};
        close(ends[0]);
        run_share(c, i, n, &t);
        bool ok = write(ends[1], &t, sizeof(t)) == (ssize_t)sizeof(t);
        fflush(stdout);
        _exit(ok ? 0 : 1);
    }
    close(ends[1]);
    if (pid > 0)
        return ends[0];
    close(ends[0]);
    return -1;
}

static bool collect(int fd, struct tally *sum)
{
    struct tally t;
    ssize_t n = fd >= 0 ? read(fd, &t, sizeof(t)) : -1;
    if (fd >= 0)
        close(fd);
    if (n != (ssize_t)sizeof(t))
        return false;
    sum->worlds += t.worlds;
    sum->failed += t.failed;
    sum->batches += t.batches;
    sum->takeovers += t.takeovers;
    sum->events += t.events;
    sum->virtual_us += t.virtual_us;
    sum->hash ^= t.hash;
    return true;
}

static int run_many(const struct sim_cfg *c)
{
    enum { MAX_JOBS = 64 };
    int fds[MAX_JOBS];
    struct tally sum = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t jobs = c->jobs != 0 ? c->jobs : cores > 0 ? (uint64_t)cores : 1;
    if (jobs > MAX_JOBS)
        jobs = MAX_JOBS;
    double start = seconds();
    for (uint64_t i = 0; i < jobs; i++)
        fds[i] = start_share(c, i, jobs);
    bool whole = true;
    for (uint64_t i = 0; i < jobs; i++)
        whole = collect(fds[i], &sum) && whole;
    while (wait(NULL) > 0)
        ;
    double took = seconds() - start;
    printf("%" PRIu64 " worlds (seeds %" PRIu64 " to %" PRIu64 ", %s crypto): %" PRIu64
           " batches, %" PRIu64 " takeovers, %.1f virtual hours, %" PRIu64
           " events; %.1f s, %.0f batches a second; hash %016" PRIx64 "\n",
           sum.worlds, c->first, c->first + c->seeds - 1, crypto_choices[c->crypto], sum.batches,
           sum.takeovers, (double)sum.virtual_us / 3.6e9, sum.events, took,
           (double)sum.batches / took, sum.hash);
    if (!whole)
        printf("a process ended before its time: its other worlds were not run\n");
    printf("%" PRIu64 " violations%s\n", sum.failed, whole ? "" : ", and what ended a process");
    return whole && sum.failed == 0 ? 0 : 1;
}

/* What the seed has drawn. */
static void print_world(const struct sim_options *o)
{
#define FAULT_NAME(name, text) #name,
    static const char *const names[] = {SIM_FAULTS(FAULT_NAME)};
#undef FAULT_NAME
    printf("world %" PRIu64 ": %u enclaves, %u nodes; a batch each %" PRIu64
           " ms, reports each %" PRIu64 ", lag %" PRIu64 "; links %" PRIu64 " us, feeds %" PRIu64
           " us, disk %" PRIu64 " us",
           o->seed, o->enclaves, o->nodes, o->interval_us / SIM_MS, o->report_every,
           o->max_report_lag, o->link_us, o->feed_us, o->disk_us);
    if (o->tx_us != 0)
        printf("; transactions each %" PRIu64 " ms\n", o->tx_us / SIM_MS);
    else
        printf("; no transactions\n");
    unsigned validators = 0;
    for (unsigned i = 0; i < o->nodes; i++) {
        printf("node %u", i);
        if (o->validator[i])
            printf(", with enclave %u,", o->enclaves + validators++);
        printf(" follows");
        for (unsigned k = 0; k < o->n_peers[i]; k++)
            if (o->peers[i][k] == SIM_HOST)
                printf("%s host", k > 0 ? "," : "");
            else
                printf("%s node %d", k > 0 ? "," : "", o->peers[i][k]);
        printf("\n");
    }
    if (o->l1.is_there)
        printf("L1: a block each %" PRIu64 " ms, the host waits for %" PRIu64
               " confirmations; %u spares; a rollup each %" PRIu64 " batches or %" PRIu64 " s%s\n",
               o->l1.block_us / SIM_MS, o->l1.confirmations, o->l1.spares, o->l1.rollup_batches,
               o->l1.rollup_us / SIM_S, o->l1.goes_back ? "; it goes back in the end" : "");
    if (o->fault_us == 0) {
        printf("no faults\n\n");
        return;
    }
    printf("a fault each %" PRIu64 " ms, by weight:", o->fault_us / SIM_MS);
    for (unsigned i = 0; i < SIM_N_FAULTS; i++)
        if (o->weight[i] > 0)
            printf(" %s %u", names[i], o->weight[i]);
    printf("\n\n");
}

static int run_seed(const struct sim_cfg *c)
{
    struct sim_options o = {
        .seed = c->seed, .batches = c->batches, .real_crypto = c->crypto == 1, .check = c->check};
    struct sim_result r;
    sim_draw(&o);
    if (c->trace)
        print_world(&o);
    run_one(&o, c->trace, &r);
    printf("seed %" PRIu64 ": %u enclaves, %u nodes: %" PRIu64 " batches, %" PRIu64
           " takeovers, %.1f virtual s, trace hash %016" PRIx64 "\n",
           o.seed, o.enclaves, o.nodes, r.batches, r.takeovers, (double)r.virtual_us / 1e6,
           r.trace_hash);
    if (!r.ok)
        print_failure(&o, &r);
    return r.ok ? 0 : 1;
}

/* ---- lying operators ---- */

static void draw_lie(const struct sim_cfg *c, const struct sim_operator *op, uint64_t seed,
                     struct sim_options *o)
{
    *o = (struct sim_options){
        .seed = seed, .real_crypto = c->crypto == 1, .op = op, .check = c->check};
    sim_draw_lie(o);
}

/* How many of the worlds violate something. */
static uint64_t run_lies(const struct sim_cfg *c, const struct sim_operator *op, uint64_t first,
                         uint64_t seeds)
{
    struct tally t = {0};
    struct sim_options o;
    struct sim_result r;
    double start = seconds();
    for (uint64_t k = 0; k < seeds; k++) {
        draw_lie(c, op, first + k, &o);
        run_one(&o, false, &r);
        add(&t, &r);
        if (!r.ok)
            print_failure(&o, &r);
        if (!r.ok && c->stop)
            break;
    }
    printf("%2u %-20s %" PRIu64 " worlds, %" PRIu64 " batches, %.1f s: %" PRIu64 " violations\n",
           op->row, op->name, t.worlds, t.batches, seconds() - start, t.failed);
    fflush(stdout);
    return t.failed;
}

static int run_attack(const struct sim_cfg *c)
{
    bool all = strcmp(c->attack, "all") == 0;
    const struct sim_operator *op = sim_operator_named(c->attack);
    uint64_t failed = 0;
    if (op == NULL && !all) {
        fprintf(stderr, "tenseq-sim: --attack: there is no \"%s\"; there are: all", c->attack);
        for (size_t i = 0; sim_operators[i] != NULL; i++)
            fprintf(stderr, ", %s", sim_operators[i]->name);
        fprintf(stderr, "\n");
        return 2;
    }
    if (!all && c->seed != 0) {
        struct sim_options o;
        struct sim_result r;
        draw_lie(c, op, c->seed, &o);
        if (c->trace)
            print_world(&o);
        run_one(&o, c->trace, &r);
        if (!r.ok)
            print_failure(&o, &r);
        printf("%s, seed %" PRIu64 ": %s\n", op->name, o.seed, r.ok ? "as expected" : "violated");
        return r.ok ? 0 : 1;
    }
    for (size_t i = 0; sim_operators[i] != NULL && !(failed > 0 && c->stop); i++)
        if (all || sim_operators[i] == op)
            failed += c->seed != 0 ? run_lies(c, sim_operators[i], c->seed, 1)
                                   : run_lies(c, sim_operators[i], c->first, c->seeds);
    printf("%" PRIu64 " violations\n", failed);
    return failed == 0 ? 0 : 1;
}

static int run_bench(const struct sim_cfg *c)
{
    struct sim_options o = {.seed = 1,
                            .batches = c->batches,
                            .real_crypto = c->crypto == 1,
                            .enclaves = 5,
                            .nodes = 3,
                            .interval_us = 100 * SIM_MS,
                            .link_us = 50,
                            .feed_us = SIM_MS,
                            .disk_us = 500,
                            .restart_us = SIM_S,
                            .tx_us = 0,
                            .burst = 1};
    for (unsigned i = 0; i < o.nodes; i++) {
        o.n_peers[i] = 1;
        o.peers[i][0] = SIM_HOST;
    }
    struct sim_result r;
    double start = seconds();
    run_one(&o, false, &r);
    double took = seconds() - start;
    printf("%" PRIu64 " batches by 5 enclaves, checked by 3 nodes and %zu checkers: %.2f s, %.0f a "
           "second\n",
           r.batches, n_sim_checkers, took, (double)r.batches / took);
    if (!r.ok)
        print_failure(&o, &r);
    return r.ok ? 0 : 1;
}

/* ---- flags that do not go together ---- */

/* True: one of flags is given, and it was said that with would ignore it. */
static bool refuse(const struct ts_cfg *cfg, const char *with, const char *const *flags)
{
    for (; *flags != NULL; flags++)
        if (ts_cfg_is_set(cfg, *flags)) {
            fprintf(stderr, "tenseq-sim: --%s does not go with %s, which would ignore it\n", *flags,
                    with);
            return true;
        }
    return false;
}

/* --check, which a lying operator's worlds may have nothing for. */
static bool refuse_check(const struct sim_cfg *c)
{
    static const char *const honest[] = {"I1", "I3", "I4", "I9"};
    if (c->check == NULL)
        return false;
    if (!sim_check_is_known(c->check)) {
        fprintf(stderr, "tenseq-sim: --check: there is no \"%s\"; there are I1 to I12\n", c->check);
        return true;
    }
    for (size_t i = 0; c->attack != NULL && i < TS_COUNT(honest); i++)
        if (strcmp(c->check, honest[i]) == 0) {
            fprintf(stderr,
                    "tenseq-sim: --check: %s is promised of an honest host alone; it does not go "
                    "with --attack\n",
                    c->check);
            return true;
        }
    return false;
}

static bool refuse_flags(const struct sim_cfg *c, const struct ts_cfg *cfg)
{
    static const char *const by_attack[] = {"bench", "batches", "jobs", NULL};
    static const char *const by_bench[] = {"seed",  "seeds", "first", "jobs",
                                           "check", "stop",  "trace", NULL};
    static const char *const by_seed[] = {"seeds", "first", "jobs", "stop", NULL};
    static const char *const by_many[] = {"trace", NULL};
    bool all = c->attack != NULL && strcmp(c->attack, "all") == 0;
    if (refuse_check(c) || (c->attack != NULL && refuse(cfg, "--attack", by_attack)))
        return true;
    if (c->attack == NULL && c->bench)
        return refuse(cfg, "--bench", by_bench);
    if (c->seed != 0 && refuse(cfg, "--seed", by_seed))
        return true;
    return (c->seed == 0 || all) && refuse(cfg, "more than one world", by_many);
}

int main(int argc, char **argv)
{
    struct sim_cfg c;
    struct ts_cfg *cfg;
    int done = ts_cfg_start(&spec, argc, argv, &c, &cfg);
    if (done >= 0)
        return done;
    if (refuse_flags(&c, cfg)) {
        ts_cfg_free(cfg);
        return 2;
    }
    say_how_it_ended();
    int code = c.attack != NULL ? run_attack(&c)
               : c.bench        ? run_bench(&c)
               : c.seed != 0    ? run_seed(&c)
                                : run_many(&c);
    ts_cfg_free(cfg);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "tenseq-sim: standard output: a part of it is lost\n");
        return 1;
    }
    return code;
}
