/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tenseq watch share.
 *
 *   watch.c         the verb: looks again and again, shows what it saw
 *   watch_look.c    asking a node or a host
 *   watch_lanes.c   what each enclave was in the newest batches
 *   watch_draw.c    a frame of text
 *   watch_screen.c  the terminal
 *   watch_json.c    a line of JSON */
#ifndef TS_CLI_WATCH_H
#define TS_CLI_WATCH_H

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/names.h"

#define WATCH_LANES    72
#define WATCH_COLUMNS  256
#define WATCH_FINDINGS 64
#define WATCH_ID       44 /* room for an address in hex */

/* One character for what an enclave was in a batch; marks go over states. */
enum {
    CELL_NONE = ' ',
    CELL_ACTIVE = 'A',
    CELL_PASSIVE = '.',
    CELL_STARTING = 's',
    CELL_ABSENT = 'x',
    CELL_REVOKED = '-',
    CELL_START = 'S',    /* its first boot */
    CELL_RESTART = 'R',  /* a later one */
    CELL_TAKEOVER = 'T', /* became active, and the one before had not stepped down */
    CELL_SWITCH = 't',   /* became active, the one before had stepped down */
    CELL_GRANTED = 'G'
};

struct watch_lane {
    char id[WATCH_ID];
    char cells[WATCH_COLUMNS];
    char state[24];
    char note[200];
    bool is_revoked;  /* a host's: the chain has taken it off the list */
    bool has_figures; /* the next three */
    uint64_t boots, lag;
    bool is_alarmed; /* the ratio of its restarts, those of one incident counted once */
};

struct watch_column {
    uint64_t number, time;
    const struct watch_lane *producer; /* of a batch that was read whole; else NULL */
};

/* All that was seen. */
struct watch {
    const struct cli_options *o;

    bool is_connected;
    bool is_known;    /* whether it is a host */
    char why[300];    /* why not */
    uint64_t seen_ms; /* the newest answer, our clock, monotonic; so too the next two, 0: never */
    uint64_t lost_ms, back_ms;
    uint64_t away_ms;              /* how long it was lost the last time */
    bool is_host;                  /* it has operator's methods for us */
    bool no_timeline, no_findings; /* it has none: a host */
    char client[64], genesis[80];

    char state[32], hash[80], active[WATCH_ID];
    uint64_t head, head_time, term, interval_ms, target;
    uint64_t audit_ms; /* when the audit was asked last, our clock */
    uint64_t head_ms;  /* when the head was seen to change, our clock */
    uint64_t pool, peers_up, peers;
    bool is_stuck;   /* no batches, at the newest look */
    bool is_changed; /* something worth a line since the last one */

    size_t n_columns; /* oldest first */
    struct watch_column columns[WATCH_COLUMNS];
    struct cli_names names;
    size_t n_lanes, lanes_left_out;
    struct watch_lane lanes[WATCH_LANES];
    uint64_t switched_at, switch_ms; /* the newest takeover in sight; 0: none */
    bool is_unclean;
    bool is_removal; /* who was active had been taken off the list */

    json_t *assessment; /* NULL: none */
    json_t *findings;   /* array, newest first */
    json_t *fresh;      /* array: those that came or changed with the newest look */
};

/* ---- watch_look.c ---- */

/* Asks for all that may have changed. False: not connected. */
bool watch_look(struct watch *w);
void watch_free(struct watch *w);

/* ---- watch_lanes.c ---- */

/* NULL: there are too many. id may be any text of a server. */
struct watch_lane *watch_lane(struct watch *w, const char *id);
/* Adds a ten_timeline of batches behind those known, or batches of ten_getBatches. */
void watch_add_timeline(struct watch *w, const json_t *timeline);
void watch_add_batches(struct watch *w, const json_t *batches);
void watch_forget(struct watch *w); /* another chain, or it went back */
/* Batches a second in what is known; 0: none come now. */
double watch_rate(const struct watch *w, uint64_t now);
/* Milliseconds without a batch, when that is longer than it should be; else 0. */
uint64_t watch_stuck(const struct watch *w, uint64_t now);

/* ---- watch_draw.c ---- */

struct watch_size {
    unsigned columns, rows; /* rows 0: as many as it takes */
};

/* Appends a frame, lines ending in CR LF, each cleared to its end when is_screen. */
void watch_draw(const struct watch *w, struct watch_size size, bool has_colour, bool is_screen,
                uint64_t now, struct ts_buf *out);

/* ---- watch_screen.c ---- */

/* Takes the terminal over; it is given back at the end, however that comes. False: it is none. */
bool watch_screen_open(void);
void watch_screen_close(void);
struct watch_size watch_screen_size(void);
/* Writes a frame from the top on. False: nobody reads. */
bool watch_screen_show(ts_bytes frame);

enum watch_event { WATCH_TIME, WATCH_REDRAW, WATCH_QUIT };
/* Waits for a key, another size or the time. */
enum watch_event watch_screen_wait(uint64_t ms);

/* ---- watch_json.c ---- */

json_t *watch_json(const struct watch *w, uint64_t now);

#endif
