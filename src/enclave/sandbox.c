/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define MAX_FDS 64 /* listener, one link, one to come, slots, loop: far below */

static ts_err refused(char why[TS_SANDBOX_WHY], const char *what, int err)
{
    snprintf(why, TS_SANDBOX_WHY, "the kernel refuses %s: %s", what, strerror(err));
    return TS_E_IO;
}

static int limit(int resource, rlim_t most)
{
    struct rlimit r;
    if (getrlimit((__rlimit_resource_t)resource, &r) < 0)
        return -1;
    if (r.rlim_max < most)
        most = r.rlim_max;
    r = (struct rlimit){.rlim_cur = most, .rlim_max = most};
    return setrlimit((__rlimit_resource_t)resource, &r);
}

ts_err ts_sandbox_prepare(char why[TS_SANDBOX_WHY])
{
    /* 1. Files that the parent left open are not ours. */
    if (close_range(3, ~0u, 0) < 0 && errno != ENOSYS)
        return refused(why, "to close inherited files", errno);
    /* 2. Nothing that is started could gain privileges; seccomp asks for it too. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return refused(why, "no-new-privileges", errno);
    /* 3. No core dump, no ptrace by the same user, no reading of /proc/self/mem from outside. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || limit(RLIMIT_CORE, 0) < 0)
        return refused(why, "to switch core dumps off", errno);
    /* 4. Files this process makes are its user's alone. */
    umask(077);
    return TS_OK;
}

bool ts_sandbox_guard(ts_bytes secrets)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)secrets.p & ~(uintptr_t)(page - 1);
    size_t n = (size_t)((uintptr_t)secrets.p + secrets.n - from);
    /* 5. Secrets stay in memory and out of dumps. */
    bool locked = mlock((void *)from, n) == 0;
    n = (n + page - 1) / page * page;
    return madvise((void *)from, n, MADV_DONTDUMP) == 0 && locked;
}

/* ---- the filter ---- */

/* System calls that need no look at their arguments. */
static const int allowed[] = {
    /* the link and the loop */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(accept4),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll), /* whether the host at the other end is still there */
    SCMP_SYS(ppoll),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    /* the checkpoint files, which are open */
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    /* memory; qsort of much asks how much there is */
    SCMP_SYS(sysinfo),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* time, randomness, locks of the C library */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    /* signals and the end */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
#if defined(__SANITIZE_ADDRESS__)
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_getaffinity),
#endif
};

/* System calls allowed for one value of one argument. */
static int allow_narrowed(scmp_filter_ctx ctx)
{
    int err = 0;
    /* Memory that can be executed is made no more. */
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Non-blocking mode of the link. */
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL));
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETFL));
    /* abort() sends its signal to this process alone. */
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    /* What C libraries make of fstat: no path, only an open file. */
    err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                            SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
    return err;
}

static int build_filter(scmp_filter_ctx ctx)
{
    int err = 0;
    for (size_t i = 0; i < TS_COUNT(allowed) && err == 0; i++)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    return err != 0 ? err : allow_narrowed(ctx);
}

/* The number in decimal at the end of a buffer; only what a signal handler may do. */
static size_t decimal(unsigned v, char *end)
{
    size_t n = 0;
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
        n++;
    } while (v > 0);
    return n;
}

/* A refused system call was not made; the kernel gives its number. Nothing goes on after it. */
static void on_violation(int signal_number, siginfo_t *info, void *context)
{
    static const char text[] = "sandbox: a system call that is not allowed ended the process: ";
    char line[sizeof(text) + 16];
    char digits[12];
    (void)signal_number;
    (void)context;
    size_t n = decimal((unsigned)info->si_syscall, digits + sizeof(digits));
    memcpy(line, text, sizeof(text) - 1);
    memcpy(line + sizeof(text) - 1, digits + sizeof(digits) - n, n);
    line[sizeof(text) - 1 + n] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(text) + n);
    (void)ignored;
    abort();
}

ts_err ts_sandbox_enter(char why[TS_SANDBOX_WHY])
{
    struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
    /* 6. Few files, no further process or thread. */
    if (limit(RLIMIT_NOFILE, MAX_FDS) < 0 || limit(RLIMIT_NPROC, 0) < 0)
        return refused(why, "resource limits", errno);
    /* 7. The system calls of the list above, and of no other architecture. */
    if (sigaction(SIGSYS, &action, NULL) < 0)
        return refused(why, "a signal handler", errno);
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    if (ctx == NULL)
        return refused(why, "memory for the filter", ENOMEM);
    int err = build_filter(ctx);
    if (err == 0)
        err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (err == 0)
        err = seccomp_load(ctx);
    seccomp_release(ctx);
    return err == 0 ? TS_OK : refused(why, "the system call filter", -err);
}
