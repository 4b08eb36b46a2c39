/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes as text: read as the C library reads them, written so that they are read back, in one form.
 *
 * Longest input: 128. */
#include "core/prefix.h"
#include "fuzz.h"

#include <arpa/inet.h>

static void check_key(int family, const alto_prefix_key *key)
{
    char text[ALTO_PREFIX_TEXT];
    alto_prefix_key back;
    size_t bytes = family == 4 ? 4 : 16;
    fuzz_check(key->size == bytes + 2 && key->bytes[0] == family && key->bytes[bytes + 1] <= 8 * bytes);
    for (unsigned bit = key->bytes[bytes + 1]; bit < 8 * bytes; bit++)
        fuzz_check(!(key->bytes[1 + bit / 8] & (0x80u >> bit % 8)));
    size_t size = alto_prefix_format(alto_slice_of(key->bytes, key->size), text);
    fuzz_check(size == strlen(text) && size < sizeof text);
    fuzz_check(alto_prefix_parse(family, alto_slice_of(text, size), &back) == ALTO_OK);
    fuzz_check(back.size == key->size && memcmp(back.bytes, key->bytes, key->size) == 0);
}

static void check_prefix(int family, alto_slice text)
{
    alto_prefix_key key, beginning;
    size_t size = 0;
    alto_status status = alto_prefix_parse(family, text, &key);
    fuzz_check(status == ALTO_OK || status == ALTO_INVALID);
    if (alto_prefix_read(family, text, &beginning, &size) == ALTO_OK) {
        fuzz_check(size > 0 && size <= text.size);
        check_key(family, &beginning);
    }
    if (status != ALTO_OK)
        return;
    check_key(family, &key);
    fuzz_check(size == text.size && memcmp(key.bytes, beginning.bytes, key.size) == 0);
}

/* The same address by the C library; false: that does not take it. */
static bool known_address(int family, alto_slice text, uint8_t bytes[16])
{
    return inet_pton(family == 4 ? AF_INET : AF_INET6, fuzz_text(text), bytes) == 1;
}

static void check_address(int family, alto_slice text)
{
    alto_endpoint address, back;
    uint8_t known[16] = {0};
    char typed[ALTO_ENDPOINT_TEXT];
    bool has_nul = text.size > 0 && memchr(text.data, 0, text.size);
    bool accepted = alto_endpoint_parse(family, text, &address) == ALTO_OK;
    fuzz_check(accepted == (!has_nul && known_address(family, text, known)));
    if (!accepted)
        return;
    fuzz_check(address.family == family && memcmp(address.bytes, known, sizeof known) == 0);
    size_t size = alto_endpoint_format(&address, typed);
    fuzz_check(size == strlen(typed) && size < sizeof typed);
    fuzz_check(alto_endpoint_parse_typed(alto_slice_of(typed, size), &back) == ALTO_OK);
    fuzz_check(back.family == family && memcmp(back.bytes, address.bytes, sizeof back.bytes) == 0);
}

static void check_typed(alto_slice text)
{
    alto_endpoint address, again;
    if (alto_endpoint_parse_typed(text, &address) != ALTO_OK)
        return;
    int family = memcmp(text.data, "ipv4:", 5) == 0 ? 4 : 6;
    fuzz_check(alto_endpoint_parse(family, alto_slice_of(text.data + 5, text.size - 5), &again) == ALTO_OK);
    fuzz_check(address.family == family && memcmp(&address, &again, sizeof again) == 0);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned way = fuzz_below(&in, 3);
    int family = fuzz_flag(&in) ? 6 : 4;
    alto_slice text = fuzz_rest(&in);
    if (way == 0)
        check_prefix(family, text);
    else if (way == 1)
        check_address(family, text);
    else
        check_typed(text);
}
