/* SPDX-License-Identifier: Apache-2.0 */
/* The front end of ts_cfg_load for a program's main: prints and gives exit codes. */
#include <errno.h>
#include <unistd.h>

#include "cfg/exit.h"
#include "cfg/internal.h"

static int answer(const struct ts_cfg_spec *spec, const struct ts_cfg *cfg, enum ts_cfg_ask ask)
{
    if (ask == TS_CFG_HELP)
        ts_cfg_help(spec, stdout);
    else if (ask == TS_CFG_VERSION)
        printf("%.*s %s\n", (int)strcspn(spec->program, " "), spec->program, TS_VERSION);
    else
        ts_cfg_print(cfg, stdout);
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE) /* who reads has enough */
        return TS_EXIT_OK;
    fprintf(stderr, "%s: standard output: %s\n", spec->program, strerror(errno));
    return TS_EXIT_FAILED;
}

int ts_cfg_start(const struct ts_cfg_spec *spec, int argc, char **argv, void *out,
                 struct ts_cfg **cfg)
{
    struct ts_cfg_sources sources = {
        .args = (const char *const *)(argc > 0 ? argv + 1 : argv),
        .n_args = argc > 0 ? (size_t)argc - 1 : 0,
        .env = (const char *const *)environ,
    };
    char error[TS_CFG_ERROR_SIZE];
    enum ts_cfg_ask ask;
    ts_err err = ts_cfg_load(spec, &sources, out, cfg, &ask, error);
    if (err != TS_OK) {
        fprintf(stderr, "%s: %s\n", spec->program, error);
        return err == TS_E_USAGE ? TS_EXIT_USAGE : TS_EXIT_FAILED;
    }
    if (ask == TS_CFG_RUN)
        return -1;
    int code = answer(spec, *cfg, ask);
    ts_cfg_free(*cfg);
    *cfg = NULL;
    return code;
}
