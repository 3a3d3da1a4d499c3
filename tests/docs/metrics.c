/* SPDX-License-Identifier: Apache-2.0 */
/* usage: doc_metrics host|node|names
 *
 * host, node   the program's metrics as Markdown, which scripts/docs.py holds docs/metrics.md
 *              against
 * names        the names of all, one in each line, with what a histogram adds; packaging's rules
 *              and dashboard may ask for no others */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "host/shell_internal.h"
#include "node/shell_internal.h"

static void put_table(const struct ts_metric_def *defs, size_t n)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_metrics_write_table(defs, n, &b);
    TS_CHECK(b.err == TS_OK && fwrite(b.p, 1, b.n, stdout) == b.n);
    ts_buf_free(&b);
}

static void put_names(const struct ts_metric_def *defs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (defs[i].kind == TS_HISTOGRAM)
            printf("%s_bucket\n%s_sum\n%s_count\n", defs[i].name, defs[i].name, defs[i].name);
        else
            printf("%s\n", defs[i].name);
    }
}

int main(int argc, char **argv)
{
    size_t n_host, n_node;
    const struct ts_metric_def *host = shell_metrics_table(&n_host);
    const struct ts_metric_def *node = nsh_metrics_table(&n_node);
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "host") == 0) {
        put_table(host, n_host);
    } else if (strcmp(what, "node") == 0) {
        put_table(node, n_node);
    } else if (strcmp(what, "names") == 0) {
        put_names(host, n_host);
        put_names(node, n_node);
    } else {
        fprintf(stderr, "usage: doc_metrics host|node|names\n");
        return 2;
    }
    return 0;
}
