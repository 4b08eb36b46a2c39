/* SPDX-License-Identifier: Apache-2.0 */
/* Puts files to a fuzz target, one after the other, without a fuzzer: all of a directory, or one. */
#include "core/bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's name */

enum { LARGEST = 1 << 20 };

static bool replay(const char *path)
{
    static uint8_t bytes[LARGEST];
    FILE *file = fopen(path, "rbe");
    if (!file) {
        perror(path);
        return false;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool fits = !ferror(file) && feof(file);
    fclose(file);
    uint8_t *input = malloc(size ? size : 1);
    if (!fits || !input) {
        fprintf(stderr, "%s: cannot be read, or has more than %d bytes\n", path, LARGEST);
        free(input);
        return false;
    }
    memcpy(input, bytes, size);
    fprintf(stderr, "%s\n", path); /* beforehand: the last one is the one that failed */
    LLVMFuzzerTestOneInput(input, size);
    free(input);
    return true;
}

static bool replay_directory(const char *path, DIR *directory, size_t *count)
{
    bool good = true;
    const struct dirent *entry;
    while (good && (entry = readdir(directory))) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        good = replay(name);
        (*count)++;
    }
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        bool good = directory ? replay_directory(argv[i], directory, &count) : replay(argv[i]);
        count += !directory;
        if (directory)
            closedir(directory);
        if (!good)
            return 1;
    }
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
