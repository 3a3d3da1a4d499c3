/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: taken over, and given back as it was however the program ends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/watch.h"

/* The other screen, no cursor, long lines are cut; and back. */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
static const char leave[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/* Signal handlers have no context: the one terminal there is. */
static struct {
    volatile sig_atomic_t is_open, has_changed;
    bool has_input;
    struct termios before, now;
} screen;

/* What follows may be called by a signal handler. */

static void put(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void take(void)
{
    if (screen.has_input)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.now);
    put(enter, sizeof(enter) - 1);
    screen.is_open = 1;
    screen.has_changed = 1;
}

static void give_back(void)
{
    if (!screen.is_open)
        return;
    screen.is_open = 0;
    put(leave, sizeof(leave) - 1);
    if (screen.has_input)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

/* Ctrl-C is the usual end, and does not wait for an answer that is asked for: the terminal is given
 * back, then the signal does what it does to every program. */
static void on_end(int number)
{
    give_back();
    (void)raise(number);
}

static void on_stop(int number)
{
    int saved = errno;
    (void)number;
    give_back();
    (void)raise(SIGSTOP);
    take();
    errno = saved;
}

static void on_size(int number)
{
    (void)number;
    screen.has_changed = 1;
}

/* ---- */

static void on_signal(int number, void (*handler)(int number), bool once)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART};
    if (once)
        a.sa_flags |= (int)SA_RESETHAND;
    (void)sigfillset(&a.sa_mask);
    (void)sigaction(number, &a, NULL);
}

bool watch_screen_open(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDOUT_FILENO) || term == NULL || strcmp(term, "dumb") == 0)
        return false;
    screen.has_input = tcgetattr(STDIN_FILENO, &screen.before) == 0;
    screen.now = screen.before;
    screen.now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    on_signal(SIGINT, on_end, true);
    on_signal(SIGTERM, on_end, true);
    on_signal(SIGHUP, on_end, true);
    on_signal(SIGQUIT, on_end, true);
    on_signal(SIGTSTP, on_stop, false);
    on_signal(SIGWINCH, on_size, false);
    take();
    return true;
}

void watch_screen_close(void)
{
    give_back();
}

struct watch_size watch_screen_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return (struct watch_size){.columns = 80, .rows = 24};
    return (struct watch_size){.columns = size.ws_col, .rows = size.ws_row};
}

bool watch_screen_show(ts_bytes frame)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    put((const char *)frame.p, frame.n);
    return poll(&p, 1, 0) < 1 || (p.revents & (POLLERR | POLLHUP)) == 0;
}

enum watch_event watch_screen_wait(uint64_t ms)
{
    struct pollfd p = {.fd = screen.has_input ? STDIN_FILENO : -1, .events = POLLIN};
    char key = 0;
    int ready = screen.has_changed ? 0 : poll(&p, 1, ms < 60000 ? (int)ms : 60000);
    if (screen.has_changed) {
        screen.has_changed = 0;
        return WATCH_REDRAW;
    }
    if (ready < 1)
        return WATCH_TIME;
    ssize_t n = read(STDIN_FILENO, &key, 1);
    if (n == 0 || (n < 0 && errno != EINTR))
        screen.has_input = false; /* nobody types any more */
    return n == 1 && (key == 'q' || key == 'Q') ? WATCH_QUIT : WATCH_REDRAW;
}
