/* SPDX-License-Identifier: Apache-2.0 */
#include "core/z85.h"

enum { BASE = 85, GROUP_TEXT = 5, GROUP_BYTES = 4, GROUPS = ALTO_CURVE_KEY_SIZE / GROUP_BYTES };

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

void alto_z85_write(const uint8_t key[ALTO_CURVE_KEY_SIZE], char text[ALTO_CURVE_KEY_TEXT])
{
    for (size_t i = 0; i < GROUPS; i++, key += GROUP_BYTES, text += GROUP_TEXT) {
        uint32_t value = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
        for (size_t k = GROUP_TEXT; k-- > 0; value /= BASE)
            text[k] = alphabet[value % BASE];
    }
    *text = 0;
}

/* Five characters; false: they are none, or beyond 32 bits. */
static bool read_group(const uint8_t *text, uint32_t *out)
{
    uint64_t value = 0;
    for (size_t k = 0; k < GROUP_TEXT; k++) {
        const char *found = text[k] ? strchr(alphabet, text[k]) : NULL;
        if (!found)
            return false;
        value = value * BASE + (uint64_t)(found - alphabet);
    }
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

bool alto_z85_read(alto_slice text, uint8_t key[ALTO_CURVE_KEY_SIZE])
{
    uint32_t values[GROUPS];
    if (text.size != ALTO_CURVE_KEY_TEXT - 1)
        return false;
    for (size_t i = 0; i < GROUPS; i++)
        if (!read_group(text.data + i * GROUP_TEXT, &values[i]))
            return false;
    for (size_t i = 0; i < GROUPS; i++)
        for (size_t k = 0; k < GROUP_BYTES; k++)
            key[i * GROUP_BYTES + k] = (uint8_t)(values[i] >> (24 - 8 * k));
    return true;
}
