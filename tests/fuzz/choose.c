/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a few small inputs that together reach the code that many reach: `fuzz_X choose KEPT FROM`. All that is in KEPT counts;
 * then, as long as something in FROM reaches more, the one that reaches the most for its size is copied: 64 at most, the rest adds little.
 *
 * Knows how clang instruments for libFuzzer, of which it uses the main function: one counter for each edge of code. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_COPIED = 64,
    LARGEST = 1 << 20,
    FIXED_COST = 2048 /* bytes that one more file counts for, beside its own */
};

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): names of libFuzzer, the compiler and the linker */
extern uint8_t __start___sancov_cntrs[], __stop___sancov_cntrs[];
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

typedef struct {
    char name[256];
    uint8_t *bytes; /* owned */
    size_t size;
    uint8_t *reached; /* owned: a byte for each edge, not 0 when it was taken */
} candidate;

static size_t edges(void)
{
    return (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
}

static void read_file(const char *path, candidate *out)
{
    static uint8_t bytes[LARGEST];
    FILE *file = fopen(path, "rbe");
    fuzz_check(file);
    out->size = fread(bytes, 1, sizeof bytes, file);
    fuzz_check(feof(file) && !ferror(file));
    fclose(file);
    out->bytes = malloc(out->size + 1);
    fuzz_check(out->bytes);
    memcpy(out->bytes, bytes, out->size);
}

static void run(candidate *self)
{
    self->reached = malloc(edges());
    fuzz_check(self->reached);
    memset(__start___sancov_cntrs, 0, edges());
    LLVMFuzzerTestOneInput(self->bytes, self->size);
    memcpy(self->reached, __start___sancov_cntrs, edges());
}

static candidate *run_all(const char *path, size_t *count)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    candidate *all = NULL;
    fuzz_check(directory);
    for (*count = 0; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        char name[4096];
        all = realloc(all, (*count + 1) * sizeof *all);
        fuzz_check(all);
        candidate *added = &all[(*count)++];
        *added = (candidate){.bytes = NULL};
        snprintf(added->name, sizeof added->name, "%s", entry->d_name);
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        read_file(name, added);
        run(added);
    }
    closedir(directory);
    return all;
}

static size_t gain(const candidate *self, const uint8_t *covered)
{
    size_t more = 0;
    for (size_t i = 0; i < edges(); i++)
        more += self->reached[i] && !covered[i];
    return more;
}

static void cover(const candidate *self, uint8_t *covered)
{
    for (size_t i = 0; i < edges(); i++)
        covered[i] |= self->reached[i];
}

/* NULL: none reaches more. */
static const candidate *best_of(const candidate *all, size_t count, const uint8_t *covered)
{
    const candidate *best = NULL;
    double best_score = 0;
    for (size_t i = 0; i < count; i++) {
        double score = (double)gain(&all[i], covered) / (double)(FIXED_COST + all[i].size);
        if (score > best_score) {
            best = &all[i];
            best_score = score;
        }
    }
    return best;
}

static void copy_to(const char *directory, const candidate *self)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, self->name);
    FILE *file = fopen(path, "wbe");
    fuzz_check(file && fwrite(self->bytes, 1, self->size, file) == self->size);
    fuzz_check(fclose(file) == 0);
}

static void choose(const char *kept_path, const char *from_path)
{
    size_t kept_count, count;
    uint8_t *covered = calloc(edges(), 1);
    const candidate *kept = run_all(kept_path, &kept_count), *all = run_all(from_path, &count), *best;
    fuzz_check(covered);
    for (size_t i = 0; i < kept_count; i++)
        cover(&kept[i], covered);
    for (size_t copied = 0; copied < MOST_COPIED && (best = best_of(all, count, covered)); copied++) {
        cover(best, covered);
        copy_to(kept_path, best);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) /* NOLINT(readability-non-const-parameter): libFuzzer's type */
{
    if (*argc == 4 && strcmp((*argv)[1], "choose") == 0) {
        choose((*argv)[2], (*argv)[3]);
        exit(0);
    }
    return 0;
}
