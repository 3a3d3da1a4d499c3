/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of a directory, once each and once on nothing: what make test
 * does with the corpora, with any compiler. usage: replay_NAME DIRECTORY */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#define INPUT_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly the bytes of a file, so that a sanitizer sees a read beyond them. NULL: not read. */
static uint8_t *read_all(const char *path, size_t *n)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    uint8_t *bytes = NULL;
    if (f == NULL)
        return NULL;
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size < INPUT_MAX_BYTES) {
        *n = (size_t)st.st_size;
        bytes = malloc(*n == 0 ? 1 : *n);
        if (bytes != NULL && fread(bytes, 1, *n, f) != *n) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(f);
    return bytes;
}

static int run_file(const char *dir, const char *name)
{
    char path[4096];
    size_t n = 0;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    uint8_t *bytes = read_all(path, &n);
    if (bytes == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    printf("%s\n", path);
    fflush(stdout); /* so that a crash tells its input */
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        fprintf(stderr, "usage: %s DIRECTORY (%s)\n", argv[0], strerror(errno));
        return 2;
    }
    static const uint8_t nothing[1];
    int failed = 0;
    size_t files = 0;
    LLVMFuzzerTestOneInput(nothing, 0);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        failed |= run_file(argv[1], e->d_name);
        files++;
    }
    closedir(dir);
    printf("%zu inputs\n", files);
    return failed != 0 || files == 0;
}
