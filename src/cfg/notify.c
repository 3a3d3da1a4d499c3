/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/notify.h"

/* The protocol is one datagram; sd_notify(3) itself documents it as stable and shows how to speak
 * it without libsystemd, which would be a large library inside the enclave. */
ts_err ts_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL)
        return TS_OK;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof(to.sun_path))
        return TS_E_LENGTH;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = 0; /* the abstract namespace */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TS_E_IO;
    socklen_t to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    /* A lost READY=1 leaves the unit starting for ever, so wait for a busy systemd, but not long.
     */
    struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    size_t len = strlen(state);
    ssize_t sent = sendto(fd, state, len, MSG_NOSIGNAL, (struct sockaddr *)&to, to_len);
    close(fd);
    return sent == (ssize_t)len ? TS_OK : TS_E_IO;
}
