/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "files.h"

#include <stdio.h>

alto_buffer test_file(const char *path)
{
    alto_buffer content = alto_buffer_make(1 << 20);
    FILE *file = fopen(path, "rb");
    int byte;
    while (file && (byte = getc(file)) != EOF)
        alto_buffer_put(&content, (uint8_t)byte);
    if (file)
        fclose(file);
    assert_int_equal(content.status, ALTO_OK);
    return content;
}

alto_buffer test_example(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "../shared/reference/examples/%s", name);
    alto_buffer content = test_file(path);
    if (content.size == 0)
        print_message("  skipped: %s is not there\n", path);
    return content;
}

alto_signing_key *test_key(uint8_t byte)
{
    uint8_t seed[ALTO_KEY_SIZE];
    memset(seed, byte, sizeof seed);
    alto_signing_key *key = alto_signing_key_from_seed(seed);
    assert_non_null(key);
    return key;
}
