/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox, entered for real in a child process which then tries what it must not. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "enclave/sandbox.h"
#include "unit.h"

#define REACHED 42 /* what follows the forbidden call was reached */

static int slot_fd; /* a file opened before the sandbox closes */

static void try_nothing(void)
{
}

static void try_open(void)
{
    (void)open("/etc/hostname", O_RDONLY);
}

static void try_create(void)
{
    (void)open("sandbox-must-not-create-this", O_WRONLY | O_CREAT, 0600);
}

static void try_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void try_exec(void)
{
    char *argv[] = {(char *)(uintptr_t) "true", NULL};
    execv("/bin/true", argv);
}

static void try_fork(void)
{
    (void)fork();
}

static void try_unlink(void)
{
    (void)unlink("sandbox-has-no-such-file");
}

static void try_ptrace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void try_executable_memory(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_kill_another(void)
{
    (void)kill(1, 0);
}

static void try_connect(void)
{
    (void)syscall(SYS_connect, 0, NULL, 0);
}

static void try_io_uring(void)
{
    (void)syscall(SYS_io_uring_setup, 1, NULL);
}

static void try_stat_a_path(void)
{
    char buffer[512];
    (void)syscall(SYS_newfstatat, AT_FDCWD, "/etc", buffer, 0);
}

struct outcome {
    int status;
    char text[512];
};

/* Runs act in a child inside the sandbox; what it wrote to stderr, and how it ended. */
static struct outcome in_sandbox(void (*act)(void))
{
    struct outcome o = {0};
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char why[TS_SANDBOX_WHY];
        dup2(pipe_fds[1], STDERR_FILENO);
        if (ts_sandbox_prepare(why) != TS_OK)
            _exit(91);
        slot_fd = memfd_create("slot", 0);
        if (ts_sandbox_enter(why) != TS_OK)
            _exit(92);
        act();
        _exit(REACHED);
    }
    close(pipe_fds[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(pipe_fds[0], o.text + n, sizeof(o.text) - 1 - n)) > 0)
        n += (size_t)got;
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &o.status, 0), child);
    return o;
}

static void what_is_forbidden_ends_the_process_and_says_so(void **state)
{
    (void)state;
    static const struct {
        void (*act)(void);
        long number;
    } table[] = {
        {try_open, SYS_openat},
        {try_create, SYS_openat},
        {try_socket, SYS_socket},
        {try_exec, SYS_execve},
        {try_fork, SYS_clone},
        {try_unlink, SYS_unlink},
        {try_ptrace, SYS_ptrace},
        {try_executable_memory, SYS_mmap},
        {try_kill_another, SYS_kill},
        {try_connect, SYS_connect},
        {try_io_uring, SYS_io_uring_setup},
        {try_stat_a_path, SYS_newfstatat},
    };
    for (size_t i = 0; i < TS_COUNT(table); i++) {
        char expected[32];
        struct outcome o = in_sandbox(table[i].act);
        snprintf(expected, sizeof(expected), "ended the process: %ld\n", table[i].number);
        if (!WIFSIGNALED(o.status) || WTERMSIG(o.status) != SIGABRT)
            fail_msg("case %zu ended with status %x", i, (unsigned)o.status);
        assert_non_null(strstr(o.text, expected));
    }
    assert_int_equal(access("sandbox-must-not-create-this", F_OK), -1);
}

static int by_byte(const void *a, const void *b)
{
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

static void use_what_is_open(void)
{
    static const char text[] = "content";
    char back[sizeof(text)];
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || munmap(p, 1 << 20) != 0)
        _exit(1);
    if (pwrite(slot_fd, text, sizeof(text), 4096) != sizeof(text) || fdatasync(slot_fd) != 0)
        _exit(2);
    if (pread(slot_fd, back, sizeof(back), 4096) != sizeof(back) || strcmp(text, back) != 0)
        _exit(3);
    if (ftruncate(slot_fd, 0) != 0)
        _exit(4);
    void *grown = malloc(1 << 20);
    if (syscall(SYS_getpid) <= 0 || grown == NULL)
        _exit(5);
    free(grown);
    static uint8_t many[100000] = {1};
    qsort(many, sizeof(many), 1, by_byte);
    if (many[sizeof(many) - 1] != 1)
        _exit(6);
}

static void what_an_enclave_needs_still_works(void **state)
{
    (void)state;
    struct outcome o = in_sandbox(use_what_is_open);
    assert_string_equal(o.text, "");
    assert_true(WIFEXITED(o.status));
    assert_int_equal(WEXITSTATUS(o.status), REACHED);
    o = in_sandbox(try_nothing);
    assert_int_equal(WEXITSTATUS(o.status), REACHED);
}

/* A fault still ends in abort, not in a hang. */
static void crash(void)
{
    abort();
}

static void a_failed_check_still_aborts(void **state)
{
    (void)state;
    struct outcome o = in_sandbox(crash);
    assert_true(WIFSIGNALED(o.status));
    assert_int_equal(WTERMSIG(o.status), SIGABRT);
    assert_false(WCOREDUMP(o.status));
}

static void preparing_closes_inherited_files_and_dumps(void **state)
{
    (void)state;
    int inherited = dup(STDERR_FILENO);
    assert_true(inherited > 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char why[TS_SANDBOX_WHY];
        if (ts_sandbox_prepare(why) != TS_OK)
            _exit(1);
        if (fcntl(inherited, F_GETFD) != -1 || errno != EBADF)
            _exit(2);
        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
            _exit(3);
        static uint8_t secret[64];
        ts_sandbox_guard(ts_bytes_of(secret, sizeof(secret)));
        _exit(REACHED);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), REACHED);
    close(inherited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forbidden_ends_the_process_and_says_so),
        cmocka_unit_test(what_an_enclave_needs_still_works),
        cmocka_unit_test(a_failed_check_still_aborts),
        cmocka_unit_test(preparing_closes_inherited_files_and_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
