/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "cfg/exit.h"
#include "cli/cli.h"

#define QUICK_MS       2000u
#define BACKOFF_MAX_MS 10000u
#define TELL_AT        3u    /* quick ends in a row: the next start will hardly be better */
#define LAST_LINE      2000u /* bytes of a log that are looked at */

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void ts_supervisor_init(struct ts_supervisor *s, const char *log_dir, const char *run_dir,
                        unsigned restart_ms)
{
    memset(s, 0, sizeof(*s));
    snprintf(s->log_dir, sizeof(s->log_dir), "%s", log_dir);
    snprintf(s->run_dir, sizeof(s->run_dir), "%s", run_dir);
    s->restart_ms = restart_ms;
    sigset_t set;
    watched_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

struct ts_child *ts_supervisor_add(struct ts_supervisor *s, const char *name, int order,
                                   const char *const *argv)
{
    TS_CHECK(s->n < TS_SUP_MAX);
    struct ts_child *c = &s->children[s->n++];
    snprintf(c->name, sizeof(c->name), "%s", name);
    c->order = order;
    size_t n = 0;
    for (; argv[n] != NULL; n++) {
        TS_CHECK(n + 1 < TS_SUP_MAX_ARGS);
        c->argv[n] = strdup(argv[n]);
        TS_CHECK(c->argv[n] != NULL);
    }
    return c;
}

/* In the child: becomes the program. TENSEQ_ variables were meant for this program, and are
 * mistakes or worse, such as a shared data-dir, for another. */
_Noreturn static void execute(const char *const *argv)
{
    char **to = environ;
    for (char **from = environ; *from != NULL; from++) {
        if (strncmp(*from, "TENSEQ_", 7) != 0)
            *to++ = *from;
    }
    *to = NULL;
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(TS_EXIT_CONFIG);
}

/* In the child: signals as they were, its own process group (Ctrl-C is the parent's to pass on),
 * and an end when the parent is gone. */
static void become(const struct ts_child *c, const char *log_path, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, c->death_signal != 0 ? c->death_signal : SIGKILL);
    if (getppid() != parent)
        _exit(TS_EXIT_FAILED);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(TS_EXIT_FAILED);
    execute(c->argv);
}

/* Tests and operators read the pid there; it changes with every start. */
static void write_pid(const struct ts_supervisor *s, const struct ts_child *c)
{
    char path[600], fresh[620];
    snprintf(path, sizeof(path), "%s/%s.pid", s->run_dir, c->name);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *f = fopen(fresh, "we");
    if (f == NULL)
        return;
    fprintf(f, "%d\n", (int)c->pid);
    if (fclose(f) == 0 && rename(fresh, path) != 0)
        fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
}

static const char *told(const struct ts_child *c, char out[96])
{
    snprintf(out, 96, "%s%s%s%s", c->name, c->known_as[0] != 0 ? " (" : "", c->known_as,
             c->known_as[0] != 0 ? ")" : "");
    return out;
}

static void start(struct ts_supervisor *s, struct ts_child *c)
{
    char log_path[600], name[96];
    snprintf(log_path, sizeof(log_path), "%s/%s.log", s->log_dir, c->name);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(c, log_path, parent);
    bool again = c->started_ms != 0;
    c->start_ms = 0;
    c->started_ms = cli_mono_ms();
    if (pid < 0) {
        c->start_ms = c->started_ms + s->restart_ms;
        return;
    }
    c->pid = pid;
    if (again)
        fprintf(stderr, "%s started again, pid %d\n", told(c, name), (int)pid);
    write_pid(s, c);
}

/* What its log ends with, which mostly is why it ended. */
static void tell_last_line(const struct ts_supervisor *s, const struct ts_child *c)
{
    char path[600], text[LAST_LINE + 1];
    snprintf(path, sizeof(path), "%s/%s.log", s->log_dir, c->name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    if (fseek(f, -(long)LAST_LINE, SEEK_END) != 0)
        rewind(f); /* it is shorter */
    size_t n = fread(text, 1, LAST_LINE, f);
    fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
    const char *cut = strrchr(text, '\n');
    if (n > 0)
        fprintf(stderr, "  %s.log ends with: %s\n", c->name, cut != NULL ? cut + 1 : text);
}

static void ended(struct ts_supervisor *s, struct ts_child *c, int status)
{
    uint64_t now = cli_mono_ms();
    char name[96];
    bool by_signal = WIFSIGNALED(status);
    int code = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    c->pid = 0;
    c->quick_ends = now - c->started_ms < QUICK_MS ? c->quick_ends + 1 : 0;
    c->given_up = !by_signal && !TS_EXIT_RESTARTS(code);
    uint64_t wait = (uint64_t)s->restart_ms << (c->quick_ends < 4 ? c->quick_ends : 4);
    if (wait > BACKOFF_MAX_MS)
        wait = BACKOFF_MAX_MS;
    c->start_ms = c->given_up ? 0 : now + wait;
    fprintf(stderr, "%s ended %s %d%s\n", told(c, name), by_signal ? "by signal" : "with code",
            code, c->given_up ? "; it is not started again, its log says why" : "");
    if (c->given_up || c->quick_ends == TELL_AT)
        tell_last_line(s, c);
}

static void reap(struct ts_supervisor *s, bool stopping)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < s->n; i++) {
            if (s->children[i].pid != pid)
                continue;
            if (stopping)
                s->children[i].pid = 0;
            else
                ended(s, &s->children[i], status);
        }
}

static unsigned start_due(struct ts_supervisor *s, unsigned ms)
{
    uint64_t now = cli_mono_ms();
    for (int i = 0; i < s->n; i++) {
        struct ts_child *c = &s->children[i];
        if (c->pid != 0 || c->given_up)
            continue;
        if (c->start_ms <= now)
            start(s, c);
        else if (c->start_ms - now < ms)
            ms = (unsigned)(c->start_ms - now);
    }
    return ms;
}

int ts_supervisor_wait(struct ts_supervisor *s, unsigned ms)
{
    sigset_t set;
    watched_signals(&set);
    uint64_t until = cli_mono_ms() + ms;
    for (;;) {
        uint64_t now = cli_mono_ms();
        unsigned left = now < until ? (unsigned)(until - now) : 0;
        unsigned wait = start_due(s, left);
        struct timespec t = {.tv_sec = wait / 1000, .tv_nsec = (long)(wait % 1000) * 1000000};
        int sig = sigtimedwait(&set, NULL, &t);
        if (sig == SIGCHLD)
            reap(s, false);
        else if (sig > 0)
            return sig;
        if (cli_mono_ms() >= until)
            return 0;
    }
}

const struct ts_child *ts_supervisor_failed(const struct ts_supervisor *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->children[i].given_up)
            return &s->children[i];
    return NULL;
}

static bool running(const struct ts_supervisor *s, int order)
{
    for (int i = 0; i < s->n; i++)
        if (s->children[i].pid != 0 && (order < 0 || s->children[i].order == order))
            return true;
    return false;
}

static void kill_all(const struct ts_supervisor *s, int order, int sig)
{
    for (int i = 0; i < s->n; i++)
        if (s->children[i].pid != 0 && (order < 0 || s->children[i].order == order))
            kill(s->children[i].pid, sig);
}

static void wait_for(struct ts_supervisor *s, int order, uint64_t until)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    struct timespec t = {.tv_nsec = 20000000};
    while (running(s, order) && cli_mono_ms() < until) {
        sigtimedwait(&set, NULL, &t);
        reap(s, true);
    }
}

void ts_supervisor_stop(struct ts_supervisor *s, unsigned ms)
{
    uint64_t until = cli_mono_ms() + ms;
    for (int order = 0; order < 8; order++) {
        kill_all(s, order, SIGTERM);
        wait_for(s, order, until);
    }
    kill_all(s, -1, SIGKILL);
    wait_for(s, -1, cli_mono_ms() + 5000);
    for (int i = 0; i < s->n; i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s.pid", s->run_dir, s->children[i].name);
        unlink(path);
    }
}

void ts_supervisor_free(struct ts_supervisor *s)
{
    for (int i = 0; i < s->n; i++)
        for (size_t k = 0; s->children[i].argv[k] != NULL; k++)
            free((char *)(uintptr_t)s->children[i].argv[k]);
    s->n = 0;
}

int ts_run(const char *const *argv, char *out, size_t size)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(fds[1], 1) < 0)
            _exit(TS_EXIT_FAILED);
        execute(argv);
    }
    close(fds[1]);
    size_t n = 0;
    ssize_t got;
    while (pid > 0 && n + 1 < size && (got = read(fds[0], out + n, size - 1 - n)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        n += (size_t)got;
    }
    close(fds[0]);
    while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
        n--;
    out[n] = 0;
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
