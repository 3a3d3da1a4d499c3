/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of every program. The supervisor (systemd, tenseq devnet) restarts a program that
 * ended with another code or by a signal, and leaves alone one for which a restart changes nothing:
 * packaging/systemd has RestartPreventExitStatus=2 65 78. */
#ifndef TS_CFG_EXIT_H
#define TS_CFG_EXIT_H

enum ts_exit {
    TS_EXIT_OK = 0,      /* done, or ended by SIGTERM or SIGINT as asked */
    TS_EXIT_FAILED = 1,  /* command line: refused or failed; programs: failed, restart */
    TS_EXIT_USAGE = 2,   /* a bad flag, key or value: do not restart */
    TS_EXIT_DATA = 65,   /* stored data damaged or of another network: do not restart */
    TS_EXIT_CONFIG = 78, /* the configuration reads well but cannot work here, such as a genesis
                            that is missing or a sandbox that the kernel refuses: do not restart */
};

/* Whether a supervisor should start the program again after this exit code. */
#define TS_EXIT_RESTARTS(code)                                                                     \
    ((code) != TS_EXIT_USAGE && (code) != TS_EXIT_DATA && (code) != TS_EXIT_CONFIG)

#endif
