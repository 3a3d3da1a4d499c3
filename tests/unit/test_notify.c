/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/exit.h"
#include "cfg/notify.h"

static void without_systemd_it_is_silent(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(ts_notify("READY=1"), TS_OK);
}

static void the_state_arrives_as_one_datagram(void **state)
{
    (void)state;
    char dir[] = "/tmp/tenseq-notify-XXXXXX";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char got[64] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    assert_int_equal(ts_notify("READY=1\nSTATUS=head 7"), TS_OK);
    assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 21);
    assert_string_equal(got, "READY=1\nSTATUS=head 7");
    close(fd);
    assert_int_equal(ts_notify("READY=1"), TS_E_IO); /* nobody listens any more */
    unlink(at.sun_path);
    rmdir(dir);
}

static void a_wrong_socket_name_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"", "/", "@", "relative"};
    for (size_t i = 0; i < 4; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_int_equal(ts_notify("READY=1"), TS_E_LENGTH);
    }
    char long_name[200];
    memset(long_name, '/', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = 0;
    setenv("NOTIFY_SOCKET", long_name, 1);
    assert_int_equal(ts_notify("READY=1"), TS_E_LENGTH);
}

static void only_what_a_restart_can_mend_restarts(void **state)
{
    (void)state;
    assert_true(TS_EXIT_RESTARTS(TS_EXIT_FAILED));
    assert_false(TS_EXIT_RESTARTS(TS_EXIT_USAGE));
    assert_false(TS_EXIT_RESTARTS(TS_EXIT_DATA));
    assert_false(TS_EXIT_RESTARTS(TS_EXIT_CONFIG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_systemd_it_is_silent),
        cmocka_unit_test(the_state_arrives_as_one_datagram),
        cmocka_unit_test(a_wrong_socket_name_is_an_error),
        cmocka_unit_test(only_what_a_restart_can_mend_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
