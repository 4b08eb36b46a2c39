/* SPDX-License-Identifier: Apache-2.0 */
#include "core/prefix.h"

#include <assert.h>
#include <stdio.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, GROUPS = 8, IPV4_KEY = 6 };

/* A decimal number up to `max` without leading zeros; NULL when there is none at `at`. */
static const uint8_t *read_decimal(const uint8_t *at, const uint8_t *end, unsigned max, uint8_t *value)
{
    const uint8_t *first = at;
    unsigned number = 0;
    while (at < end && (uint8_t)(*at - '0') < 10 && at - first < 3)
        number = number * 10 + (unsigned)(*at++ - '0');
    if (at == first || number > max || (*first == '0' && at - first > 1))
        return NULL;
    *value = (uint8_t)number;
    return at;
}

static const uint8_t *read_quad(const uint8_t *at, const uint8_t *end, uint8_t address[IPV4_BYTES])
{
    for (int i = 0; i < IPV4_BYTES; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return NULL;
        at = read_decimal(at, end, 255, &address[i]);
        if (!at)
            return NULL;
    }
    return at;
}

static int hex_digit(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* One to four hexadecimal digits. */
static const uint8_t *read_group(const uint8_t *at, const uint8_t *end, uint8_t group[2])
{
    const uint8_t *first = at;
    unsigned number = 0;
    for (int digit; at < end && at - first < 4 && (digit = hex_digit(*at)) >= 0; at++)
        number = number << 4 | (unsigned)digit;
    if (at == first)
        return NULL;
    group[0] = (uint8_t)(number >> 8);
    group[1] = (uint8_t)number;
    return at;
}

static bool gap_here(const uint8_t *at, const uint8_t *end)
{
    return end - at >= 2 && at[0] == ':' && at[1] == ':';
}

/* Up to eight groups into `address`, with the place of the "::" (in bytes) in *gap, or -1. */
static const uint8_t *read_groups(const uint8_t *at, const uint8_t *end, uint8_t address[IPV6_BYTES], int *size,
                                  int *gap)
{
    *size = 0;
    *gap = -1;
    if (gap_here(at, end)) {
        *gap = 0;
        at += 2;
        if (at == end || *at == '/')
            return at;
    }
    while (*size < IPV6_BYTES) {
        uint8_t *group = address + *size;
        const uint8_t *quad_end = *size <= IPV6_BYTES - IPV4_BYTES ? read_quad(at, end, group) : NULL;
        if (quad_end) {
            *size += IPV4_BYTES;
            return quad_end;
        }
        at = read_group(at, end, group);
        if (!at)
            return NULL;
        *size += 2;
        if (gap_here(at, end)) {
            if (*gap >= 0)
                return NULL;
            *gap = *size;
            at += 2;
            if (at == end || *at == '/')
                return at;
        } else if (at < end && *at == ':') {
            at++;
            if (*size == IPV6_BYTES)
                return NULL;
        } else {
            return at;
        }
    }
    return NULL;
}

static const uint8_t *read_ipv6(const uint8_t *at, const uint8_t *end, uint8_t address[IPV6_BYTES])
{
    uint8_t read[IPV6_BYTES];
    int size, gap;
    at = read_groups(at, end, read, &size, &gap);
    if (!at || (gap < 0) != (size == IPV6_BYTES))
        return NULL;
    if (gap < 0)
        gap = size;
    memset(address, 0, IPV6_BYTES);
    memcpy(address, read, (size_t)gap);
    memcpy(address + IPV6_BYTES - (size - gap), read + gap, (size_t)(size - gap));
    return at;
}

static void clear_host_bits(uint8_t *address, unsigned bytes, unsigned length)
{
    unsigned whole = length / 8;
    if (whole == bytes)
        return;
    address[whole] = (uint8_t)(address[whole] & ~(0xff >> length % 8));
    memset(address + whole + 1, 0, bytes - whole - 1);
}

alto_status alto_prefix_parse(int family, alto_slice text, alto_prefix_key *key)
{
    size_t size;
    alto_prefix_key read;
    if (alto_prefix_read(family, text, &read, &size) != ALTO_OK || size < text.size)
        return ALTO_INVALID;
    *key = read;
    return ALTO_OK;
}

alto_status alto_prefix_read(int family, alto_slice text, alto_prefix_key *key, size_t *size)
{
    assert(family == 4 || family == 6);
    if (text.size == 0)
        return ALTO_INVALID;
    const uint8_t *at = text.data, *end = text.data + text.size;
    unsigned bytes = family == 4 ? IPV4_BYTES : IPV6_BYTES;
    alto_prefix_key made = {.bytes = {(uint8_t)family}, .size = (uint8_t)(bytes + 2)};
    uint8_t length = 0;
    at = family == 4 ? read_quad(at, end, made.bytes + 1) : read_ipv6(at, end, made.bytes + 1);
    if (!at || at == end || *at != '/')
        return ALTO_INVALID;
    at = read_decimal(at + 1, end, bytes * 8, &length);
    if (!at)
        return ALTO_INVALID;
    *size = (size_t)(at - text.data);
    clear_host_bits(made.bytes + 1, bytes, length);
    made.bytes[1 + bytes] = length;
    *key = made;
    return ALTO_OK;
}

alto_status alto_endpoint_parse(int family, alto_slice text, alto_endpoint *address)
{
    assert(family == 4 || family == 6);
    alto_endpoint made = {.family = (uint8_t)family};
    if (text.size == 0)
        return ALTO_INVALID;
    const uint8_t *end = text.data + text.size;
    const uint8_t *at = family == 4 ? read_quad(text.data, end, made.bytes) : read_ipv6(text.data, end, made.bytes);
    if (at != end)
        return ALTO_INVALID;
    *address = made;
    return ALTO_OK;
}

alto_status alto_endpoint_parse_typed(alto_slice text, alto_endpoint *address)
{
    static const char types[2][6] = {"ipv4:", "ipv6:"};
    enum { TYPE = sizeof types[0] - 1 };
    for (int i = 0; i < 2; i++)
        if (text.size > TYPE && memcmp(text.data, types[i], TYPE) == 0)
            return alto_endpoint_parse(4 + 2 * i, alto_slice_of(text.data + TYPE, text.size - TYPE), address);
    return ALTO_INVALID;
}

/* The first of the longest runs of zero groups; a single one is no run (RFC 5952 4.2). */
static void longest_zeros(const uint16_t groups[GROUPS], int *first, int *count)
{
    *first = GROUPS;
    *count = 1;
    for (int i = 0; i < GROUPS; i++) {
        int run = 0;
        while (i + run < GROUPS && groups[i + run] == 0)
            run++;
        if (run > *count) {
            *first = i;
            *count = run;
        }
        i += run > 0 ? run - 1 : 0;
    }
}

/* ::ffff:0:0/96 and deeper: known to embed an IPv4 address (RFC 5952 5). */
static bool is_mapped(const uint8_t *address, unsigned length)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return length > 96 && memcmp(address, mapped, sizeof mapped) == 0;
}

static int format_ipv6(const uint8_t *address, unsigned length, char *text)
{
    if (is_mapped(address, length))
        return sprintf(text, "::ffff:%u.%u.%u.%u", address[12], address[13], address[14], address[15]);
    uint16_t groups[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
    int gap, gap_size, size = 0;
    longest_zeros(groups, &gap, &gap_size);
    for (int i = 0; i < GROUPS; i++) {
        if (i == gap) {
            size += sprintf(text + size, "::");
            i += gap_size - 1;
            continue;
        }
        bool separate = i > 0 && i != gap + gap_size;
        size += sprintf(text + size, "%s%x", separate ? ":" : "", groups[i]);
    }
    return size;
}

static char *put_decimal(char *at, unsigned value)
{
    if (value >= 100)
        *at++ = (char)('0' + value / 100);
    if (value >= 10)
        *at++ = (char)('0' + value / 10 % 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

static int format_ipv4(const uint8_t *address, char *text)
{
    char *at = text;
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = put_decimal(at, address[i]);
    }
    return (int)(at - text);
}

size_t alto_prefix_format(alto_slice key, char text[ALTO_PREFIX_TEXT])
{
    assert(key.size == IPV4_KEY || key.size == ALTO_PREFIX_KEY);
    const uint8_t *address = key.data + 1;
    unsigned length = key.data[key.size - 1];
    int size = key.size == IPV4_KEY ? format_ipv4(address, text) : format_ipv6(address, length, text);
    char *at = text + size;
    *at++ = '/';
    at = put_decimal(at, length);
    *at = 0;
    return (size_t)(at - text);
}

size_t alto_endpoint_format(const alto_endpoint *address, char text[ALTO_ENDPOINT_TEXT])
{
    int size = sprintf(text, "ipv%d:", address->family);
    char *at = text + size;
    size += address->family == 4 ? format_ipv4(address->bytes, at) : format_ipv6(address->bytes, 128, at);
    text[size] = 0;
    return (size_t)size;
}
