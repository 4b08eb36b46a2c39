/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pack.h"

#include <msgpack.h>

/* First bytes of the msgpack formats that appear below. */
enum {
    FIXMAP = 0x80,
    FIXARRAY = 0x90,
    FIXSTR = 0xa0,
    FIXSTR_MOST = 31, /* bytes that such a text can have */
    NIL = 0xc0,
    NEVER_USED = 0xc1,
    BIN8 = 0xc4,
    BIN32 = 0xc6,
    EXT8 = 0xc7,
    FLOAT32 = 0xca,
    UINT8 = 0xcc,
    UINT64 = 0xcf,
    FIXEXT1 = 0xd4,
    STR8 = 0xd9,
    STR32 = 0xdb,
    ARRAY16 = 0xdc,
    ARRAY32 = 0xdd,
    MAP16 = 0xde,
    MAP32 = 0xdf,
    NEGATIVE_FIXINT = 0xe0
};

static int write_to_buffer(void *context, const char *data, size_t size)
{
    alto_buffer_add(context, data, size); /* its error sticks and is the caller's to see */
    return 0;
}

static msgpack_packer packer_to(alto_buffer *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, write_to_buffer);
    return packer;
}

void alto_pack_array(alto_buffer *out, size_t count)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_array(&packer, count);
}

void alto_pack_map(alto_buffer *out, size_t count)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_map(&packer, count);
}

void alto_pack_nil(alto_buffer *out)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_nil(&packer);
}

void alto_pack_uint(alto_buffer *out, uint64_t value)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_uint64(&packer, value);
}

void alto_pack_bytes(alto_buffer *out, alto_slice bytes)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_bin(&packer, bytes.size);
    msgpack_pack_bin_body(&packer, bytes.data, bytes.size);
}

void alto_pack_text(alto_buffer *out, alto_slice text)
{
    msgpack_packer packer = packer_to(out);
    msgpack_pack_str(&packer, text.size);
    msgpack_pack_str_body(&packer, text.data, text.size);
}

/* The byte that tells the type of the next value; NEVER_USED at the end. */
static uint8_t peek(const alto_reader *in)
{
    return in->at < in->end ? *in->at : NEVER_USED;
}

size_t alto_unpack_array(alto_reader *in)
{
    uint8_t type = alto_reader_u8(in);
    uint64_t count = 0;
    bool shortest = true;
    if (type >= FIXARRAY && type < FIXSTR) {
        count = type & 15;
    } else if (type == ARRAY16) {
        count = alto_reader_uint(in, 2);
        shortest = count > 15;
    } else if (type == ARRAY32) {
        count = alto_reader_uint(in, 4);
        shortest = count > UINT16_MAX;
    } else {
        shortest = false;
    }
    if (shortest && in->status == ALTO_OK && count <= alto_reader_left(in))
        return (size_t)count;
    alto_reader_fail(in, ALTO_MALFORMED);
    return 0;
}

void alto_unpack_tuple(alto_reader *in, size_t count)
{
    if (alto_unpack_array(in) != count)
        alto_reader_fail(in, ALTO_MALFORMED);
}

bool alto_unpack_nil(alto_reader *in)
{
    bool found = peek(in) == NIL;
    if (found)
        in->at++;
    return found;
}

/* Bytes of an unsigned integer in its shortest form. */
static size_t uint_size(uint64_t value)
{
    if (value < 0x80)
        return 1;
    if (value <= UINT8_MAX)
        return 2;
    if (value <= UINT16_MAX)
        return 3;
    return value <= UINT32_MAX ? 5 : 9;
}

/* Bytes before a text or byte string of `size` bytes whose length stands in bytes of its own. */
static size_t header_size(size_t size)
{
    if (size <= UINT8_MAX)
        return 2;
    return size <= UINT16_MAX ? 3 : 5;
}

uint64_t alto_unpack_uint(alto_reader *in, uint64_t max)
{
    uint8_t type = alto_reader_u8(in);
    bool is_long = type >= UINT8 && type <= UINT64;
    uint64_t value = is_long ? alto_reader_uint(in, (size_t)1 << (type - UINT8)) : type;
    size_t size = is_long ? 1 + ((size_t)1 << (type - UINT8)) : 1;
    if ((!is_long && type >= FIXMAP) || size != uint_size(value))
        alto_reader_fail(in, ALTO_MALFORMED);
    else if (value > max)
        alto_reader_fail(in, ALTO_TOO_LARGE);
    return in->status == ALTO_OK ? value : 0;
}

/* The bytes of a text or byte string: they must be there, their length in its shortest form, and not above max. */
static alto_slice take_bytes(alto_reader *in, uint64_t size, bool shortest, size_t max)
{
    if (!shortest || size > alto_reader_left(in))
        alto_reader_fail(in, ALTO_MALFORMED);
    else if (size > max)
        alto_reader_fail(in, ALTO_TOO_LARGE);
    return alto_reader_slice(in, in->status == ALTO_OK ? (size_t)size : 0);
}

/* Those whose length stands in bytes of its own: 1, 2 or 4 of them, for the types from `first` on. */
static alto_slice take_counted(alto_reader *in, uint8_t type, uint8_t first, size_t least, size_t max)
{
    size_t length = (size_t)1 << (type - first);
    uint64_t size = alto_reader_uint(in, length);
    return take_bytes(in, size, size >= least && 1 + length == header_size((size_t)size), max);
}

alto_slice alto_unpack_bytes(alto_reader *in, size_t max)
{
    uint8_t type = alto_reader_u8(in);
    if (type >= BIN8 && type <= BIN32)
        return take_counted(in, type, BIN8, 0, max);
    return take_bytes(in, 0, false, max);
}

alto_slice alto_unpack_text(alto_reader *in, size_t max)
{
    uint8_t type = alto_reader_u8(in);
    if (type >= STR8 && type <= STR32)
        return take_counted(in, type, STR8, FIXSTR_MOST + 1, max);
    return take_bytes(in, type & FIXSTR_MOST, type >= FIXSTR && type < NIL, max);
}

void alto_unpack_fixed(alto_reader *in, void *to, size_t size)
{
    alto_slice bytes = alto_unpack_bytes(in, SIZE_MAX);
    if (bytes.data && bytes.size == size) {
        memcpy(to, bytes.data, size);
        return;
    }
    memset(to, 0, size);
    alto_reader_fail(in, ALTO_MALFORMED);
}

/* Go past the first byte of any value and what belongs to it alone; returns how many values it contains. */
static uint64_t enter_any(alto_reader *in)
{
    uint8_t type = alto_reader_u8(in);
    if (type < FIXMAP || type >= NEGATIVE_FIXINT)
        return 0;
    if (type < FIXARRAY)
        return 2 * (uint64_t)(type & 15);
    if (type < FIXSTR)
        return type & 15;
    if (type < NIL)
        return alto_reader_slice(in, type & 31), 0;
    if (type == NEVER_USED)
        alto_reader_fail(in, ALTO_MALFORMED);
    else if (type >= MAP16)
        return 2 * alto_reader_uint(in, type == MAP16 ? 2 : 4);
    else if (type >= ARRAY16)
        return alto_reader_uint(in, type == ARRAY16 ? 2 : 4);
    else if (type >= STR8)
        alto_reader_slice(in, alto_reader_uint(in, (size_t)1 << (type - STR8)));
    else if (type >= FIXEXT1)
        alto_reader_slice(in, 1 + ((size_t)1 << (type - FIXEXT1)));
    else if (type >= UINT8)
        alto_reader_slice(in, (size_t)1 << ((type - UINT8) & 3)); /* unsigned, then signed: 1, 2, 4, 8 bytes */
    else if (type >= FLOAT32)
        alto_reader_slice(in, type == FLOAT32 ? 4 : 8);
    else if (type >= EXT8)
        alto_reader_slice(in, 1 + alto_reader_uint(in, (size_t)1 << (type - EXT8)));
    else if (type >= BIN8)
        alto_reader_slice(in, alto_reader_uint(in, (size_t)1 << (type - BIN8)));
    return 0; /* nil, false, true; or passed over above */
}

void alto_unpack_skip_map(alto_reader *in, size_t max)
{
    uint64_t left[ALTO_PACK_MAX_DEPTH]; /* values still to come in each open container */
    size_t depth = 0;
    const uint8_t *start = in->at;
    uint8_t type = peek(in);
    if (!(type >= FIXMAP && type < FIXARRAY) && type != MAP16 && type != MAP32)
        alto_reader_fail(in, ALTO_MALFORMED);
    do {
        uint64_t inside = enter_any(in);
        if (inside > alto_reader_left(in))
            alto_reader_fail(in, ALTO_MALFORMED);
        if (in->status == ALTO_OK && (size_t)(in->at - start) > max)
            alto_reader_fail(in, ALTO_TOO_LARGE);
        if (in->status != ALTO_OK)
            return;
        if (depth > 0)
            left[depth - 1]--;
        if (inside > 0) {
            if (depth == ALTO_PACK_MAX_DEPTH) {
                alto_reader_fail(in, ALTO_TOO_LARGE);
                return;
            }
            left[depth++] = inside;
        }
        while (depth > 0 && left[depth - 1] == 0)
            depth--;
    } while (depth > 0);
}

alto_slice alto_unpack_begin(alto_reader *in, size_t *count)
{
    *count = alto_unpack_array(in);
    return alto_unpack_text(in, ALTO_PACK_MAX_EXT);
}

alto_status alto_unpack_end(alto_reader *in)
{
    alto_unpack_skip_map(in, ALTO_PACK_MAX_EXT);
    return alto_reader_finish(in);
}
