/* SPDX-License-Identifier: Apache-2.0 */
/* What an enclave keeps on disk: the data directory, the sealed identity, the checkpoint files. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "crypto/sign.h"
#include "enclave/datadir.h"
#include "enclave/platform/sim.h"
#include "enclave/slots.h"
#include "unit.h"

struct place {
    char dir[PATH_MAX];
    char key[PATH_MAX];
    char identity[PATH_MAX];
    struct ts_crypto *crypto;
    struct ts_platform_args args;
    struct ts_platform_identity got;
    char why[TS_PLATFORM_WHY];
};

static int enter(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const char *base = getenv("TMPDIR");
    assert_non_null(p);
    snprintf(p->dir, sizeof(p->dir), "%.200s/tenseq-enclave-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->key, sizeof(p->key), "%.300s/machine.key", p->dir);
    snprintf(p->identity, sizeof(p->identity), "%.300s/" TS_SIM_IDENTITY_FILE, p->dir);
    p->crypto = ts_crypto_secp256k1(NULL);
    assert_non_null(p->crypto);
    p->args = (struct ts_platform_args){p->dir, p->key, p->crypto};
    *state = p;
    return 0;
}

static void remove_one(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.300s/%s", p->dir, name);
    unlink(path);
}

static int leave(void **state)
{
    struct place *p = *state;
    remove_one(p, "machine.key");
    remove_one(p, TS_SIM_IDENTITY_FILE);
    remove_one(p, "checkpoint-0");
    remove_one(p, "checkpoint-1");
    assert_int_equal(rmdir(p->dir), 0); /* no temporary file was left */
    ts_crypto_free(p->crypto);
    free(p);
    return 0;
}

static ts_err identity(struct place *p, bool create)
{
    p->why[0] = 0;
    return ts_platform_sim.identity(&p->args, create, &p->got, p->why);
}

/* ---- the identity ---- */

static void an_identity_is_made_once(void **state)
{
    struct place *p = *state;
    struct stat st;
    assert_int_equal(identity(p, true), TS_OK);
    assert_true(p->got.is_new);
    struct ts_platform_identity first = p->got;
    assert_int_equal(identity(p, true), TS_OK);
    assert_false(p->got.is_new);
    assert_memory_equal(&first.key, &p->got.key, 32);
    assert_memory_equal(&first.seal_key, &p->got.seal_key, 32);
    assert_memory_equal(&first.id, &p->got.id, 20);
    assert_int_equal(identity(p, false), TS_OK);
    assert_int_equal(stat(p->key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(p->identity, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* The key is not in the file. */
    uint8_t file[128];
    int fd = open(p->identity, O_RDONLY);
    ssize_t n = read(fd, file, sizeof(file));
    close(fd);
    assert_true(n > 32);
    assert_null(memmem(file, (size_t)n, first.key.b, 32));
}

static void without_init_there_is_none(void **state)
{
    struct place *p = *state;
    assert_int_equal(identity(p, false), TS_E_NOT_FOUND);
    assert_non_null(strstr(p->why, "there is no machine key"));
    assert_int_equal(access(p->key, F_OK), -1);
    assert_int_equal(identity(p, true), TS_OK);
    assert_int_equal(unlink(p->identity), 0);
    assert_int_equal(identity(p, false), TS_E_NOT_FOUND);
    assert_non_null(strstr(p->why, "there is no sealed identity"));
}

static void a_machine_key_of_the_wrong_mode_owner_or_size_is_refused(void **state)
{
    struct place *p = *state;
    assert_int_equal(identity(p, true), TS_OK);
    assert_int_equal(chmod(p->key, 0640), 0);
    assert_int_equal(identity(p, true), TS_E_USAGE);
    assert_non_null(strstr(p->why, "has mode 0640, but must have 0600"));
    assert_int_equal(chmod(p->key, 0600), 0);
    assert_int_equal(truncate(p->key, 31), 0);
    assert_int_equal(identity(p, true), TS_E_USAGE);
    assert_non_null(strstr(p->why, "has 31 bytes, but must have 32"));
    assert_int_equal(unlink(p->key), 0);
    assert_int_equal(mkdir(p->key, 0600), 0);
    assert_int_equal(identity(p, true), TS_E_USAGE);
    assert_non_null(strstr(p->why, "must be a plain file"));
    assert_int_equal(rmdir(p->key), 0);
    assert_int_equal(symlink("/dev/zero", p->key), 0);
    assert_int_equal(identity(p, true), TS_E_IO);
    assert_int_equal(unlink(p->key), 0);
    if (geteuid() == 0) {
        /* Only root can give a file away, to try this. */
        int fd = open(p->key, O_WRONLY | O_CREAT, 0600);
        static const uint8_t key[32] = {1};
        assert_int_equal(write(fd, key, 32), 32);
        close(fd);
        assert_int_equal(chown(p->key, 65534, 65534), 0);
        assert_int_equal(identity(p, true), TS_E_USAGE);
        assert_non_null(strstr(p->why, "belongs to user 65534"));
    }
}

static void an_identity_of_another_machine_does_not_open(void **state)
{
    struct place *p = *state;
    assert_int_equal(identity(p, true), TS_OK);
    assert_int_equal(unlink(p->key), 0);
    assert_int_equal(identity(p, true), TS_E_CORRUPT); /* another key was made: no new identity */
    assert_non_null(strstr(p->why, "does not open"));
    assert_true(ts_address_is_zero(&p->got.id));
}

static void a_damaged_identity_does_not_open(void **state)
{
    struct place *p = *state;
    assert_int_equal(identity(p, true), TS_OK);
    struct stat st;
    assert_int_equal(stat(p->identity, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        uint8_t byte;
        int fd = open(p->identity, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(identity(p, true), TS_E_CORRUPT);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    assert_int_equal(identity(p, true), TS_OK);
}

/* Several enclaves of one machine make the machine key at once: all end up with the same. */
static void a_race_for_the_machine_key_has_one_winner(void **state)
{
    struct place *p = *state;
    enum { N = 8 };
    char dirs[N][PATH_MAX];
    pid_t children[N];
    for (size_t i = 0; i < N; i++) {
        snprintf(dirs[i], sizeof(dirs[i]), "%.300s/e%zu", p->dir, i);
        assert_int_equal(mkdir(dirs[i], 0700), 0);
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            p->args.data_dir = dirs[i];
            _exit(identity(p, true) == TS_OK ? 0 : 1);
        }
    }
    for (size_t i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (size_t i = 0; i < N; i++) {
        char path[PATH_MAX];
        p->args.data_dir = dirs[i];
        assert_int_equal(identity(p, false), TS_OK);
        snprintf(path, sizeof(path), "%.400s/" TS_SIM_IDENTITY_FILE, dirs[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(dirs[i]), 0);
    }
}

/* ---- the data directory ---- */

static void a_data_directory_has_one_process(void **state)
{
    struct place *p = *state;
    struct ts_datadir first, second;
    assert_int_equal(ts_datadir_open(&first, p->dir, false, p->why, sizeof(p->why)), TS_OK);
    assert_int_equal(ts_datadir_open(&second, p->dir, false, p->why, sizeof(p->why)), TS_OK);
    assert_int_equal(ts_datadir_lock(&first, p->why, sizeof(p->why)), TS_OK);
    assert_int_equal(ts_datadir_lock(&second, p->why, sizeof(p->why)), TS_E_BUSY);
    assert_non_null(strstr(p->why, "another tenseq-enclave is running"));
    ts_datadir_close(&first);
    assert_int_equal(ts_datadir_lock(&second, p->why, sizeof(p->why)), TS_OK);
    ts_datadir_close(&second);
}

static void a_data_directory_others_may_write_to_is_refused(void **state)
{
    struct place *p = *state;
    struct ts_datadir d;
    char missing[PATH_MAX];
    assert_int_equal(chmod(p->dir, 0770), 0);
    assert_int_equal(ts_datadir_open(&d, p->dir, true, p->why, sizeof(p->why)), TS_E_USAGE);
    assert_int_equal(chmod(p->dir, 0755), 0);
    assert_int_equal(ts_datadir_open(&d, p->dir, true, p->why, sizeof(p->why)), TS_OK);
    ts_datadir_close(&d);
    snprintf(missing, sizeof(missing), "%.300s/missing", p->dir);
    assert_int_equal(ts_datadir_open(&d, missing, false, p->why, sizeof(p->why)), TS_E_NOT_FOUND);
    assert_non_null(strstr(p->why, missing));
    assert_int_equal(d.fd, -1);
}

/* ---- checkpoint files ---- */

static void write_slot(struct ts_slots *s, size_t slot, const void *p, size_t n, bool keep)
{
    const struct ts_checkpoint_store *store = &s->store;
    assert_int_equal(store->write_begin(store->ctx, slot), TS_OK);
    for (size_t at = 0; at < n; at += 1000)
        assert_int_equal(
            store->write(store->ctx, (const uint8_t *)p + at, n - at < 1000 ? n - at : 1000),
            TS_OK);
    assert_int_equal(store->write_end(store->ctx, keep), TS_OK);
}

/* The content of a slot, or SIZE_MAX when it has none. */
static size_t read_slot(struct ts_slots *s, size_t slot, uint8_t *out, size_t max)
{
    const struct ts_checkpoint_store *store = &s->store;
    size_t n = 0;
    size_t got;
    if (store->read_begin(store->ctx, slot) != TS_OK)
        return SIZE_MAX;
    do {
        assert_int_equal(store->read(store->ctx, out + n, max - n < 700 ? max - n : 700, &got),
                         TS_OK);
        n += got;
    } while (got > 0);
    store->read_end(store->ctx);
    return n;
}

static void open_slots(struct place *p, struct ts_slots *s)
{
    assert_int_equal(ts_slots_open(s, p->dir, p->why, sizeof(p->why)), TS_OK);
}

static void slots_keep_what_was_written_last(void **state)
{
    struct place *p = *state;
    struct ts_slots s;
    static uint8_t a[5000], b[3000], back[6000];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    open_slots(p, &s);
    assert_int_equal(read_slot(&s, 0, back, sizeof(back)), SIZE_MAX);
    write_slot(&s, 0, a, sizeof(a), true);
    write_slot(&s, 1, a, 10, true);
    write_slot(&s, 0, b, sizeof(b), true); /* shorter: nothing of the old one follows */
    ts_slots_close(&s);
    open_slots(p, &s);
    assert_int_equal(s.generation, 3);
    assert_int_equal(read_slot(&s, 0, back, sizeof(back)), sizeof(b));
    assert_memory_equal(back, b, sizeof(b));
    assert_int_equal(read_slot(&s, 1, back, sizeof(back)), 10);
    size_t got;
    assert_int_equal(s.store.peek(s.store.ctx, 1, back, 100, &got), TS_OK);
    assert_int_equal(got, 10);
    ts_slots_close(&s);
}

/* Whenever the process dies while it writes, that slot reads as empty and the other as it was. */
static void a_torn_write_leaves_the_other_slot(void **state)
{
    struct place *p = *state;
    struct ts_slots s;
    static uint8_t a[5000], back[6000];
    open_slots(p, &s);
    memset(a, 'a', sizeof(a));
    write_slot(&s, 0, a, sizeof(a), true);
    write_slot(&s, 1, a, sizeof(a), true);
    assert_int_equal(s.store.write_begin(s.store.ctx, 1), TS_OK);
    assert_int_equal(s.store.write(s.store.ctx, a, 1000), TS_OK);
    ts_slots_close(&s); /* died here */
    open_slots(p, &s);
    assert_int_equal(read_slot(&s, 1, back, sizeof(back)), SIZE_MAX);
    assert_int_equal(read_slot(&s, 0, back, sizeof(back)), sizeof(a));
    write_slot(&s, 1, a, 20, false); /* given up */
    assert_int_equal(read_slot(&s, 1, back, sizeof(back)), SIZE_MAX);
    /* A block that is torn itself. */
    write_slot(&s, 1, a, 20, true);
    assert_int_equal(pwrite(s.fd[1], "\xff", 1, 20), 1);
    assert_int_equal(read_slot(&s, 1, back, sizeof(back)), SIZE_MAX);
    size_t got;
    assert_int_not_equal(s.store.peek(s.store.ctx, 1, back, 100, &got), TS_OK);
    ts_slots_close(&s);
}

static void a_slot_that_is_no_file_is_refused(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    struct ts_slots s;
    snprintf(path, sizeof(path), "%.300s/checkpoint-1", p->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(ts_slots_open(&s, p->dir, p->why, sizeof(p->why)), TS_E_IO);
    assert_non_null(strstr(p->why, "checkpoint-1"));
    assert_int_equal(s.fd[0], -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_identity_is_made_once),
        TEST(without_init_there_is_none),
        TEST(a_machine_key_of_the_wrong_mode_owner_or_size_is_refused),
        TEST(an_identity_of_another_machine_does_not_open),
        TEST(a_damaged_identity_does_not_open),
        TEST(a_race_for_the_machine_key_has_one_winner),
        TEST(a_data_directory_has_one_process),
        TEST(a_data_directory_others_may_write_to_is_refused),
        TEST(slots_keep_what_was_written_last),
        TEST(a_torn_write_leaves_the_other_slot),
        TEST(a_slot_that_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
