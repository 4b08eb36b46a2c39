/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_text.h"

#include "core/json_scan.h"
#include "core/limits.h"

#include <stdio.h>

enum {
    WORD = 8,
    BLOCK = 64,
    ESCAPE_UNICODE = 6,
    FOLD = 0x20 /* makes '[' to '{' and ']' to '}' */
};

static const uint64_t ONES = UINT64_C(0x0101010101010101);
static const uint64_t HIGH_BITS = UINT64_C(0x8080808080808080);

alto_status alto_json_refuse(const alto_json_place *place, const uint8_t *at, alto_status status, const char *why)
{
    char where[sizeof place->error->where];
    size_t offset = (size_t)(at - place->origin);
    snprintf(where, sizeof where, "%s%sbyte %zu", place->path, *place->path ? " " : "", offset);
    return alto_fail(place->error, status, where, "%s", why);
}

static inline bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* ---- which bytes may occur ---- */

/* Are these eight bytes printable ASCII without a backslash? May say no when they are. */
static inline bool is_plain(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, WORD);
    uint64_t backslash = word ^ (ONES * '\\');
    return ((word | (word - ONES * ' ') | (backslash - ONES)) & HIGH_BITS) == 0;
}

/* Length of the UTF-8 character at `at`, which is not ASCII; 0 when it is none. */
static size_t utf8_length(const uint8_t *at, const uint8_t *end)
{
    size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

/* The code unit of "\uXXXX" at `at`, or -1. */
static int32_t escaped_unit(const uint8_t *at, const uint8_t *end)
{
    uint8_t bytes[2];
    if (end - at < ESCAPE_UNICODE || at[0] != '\\' || at[1] != 'u' || !alto_unhex(bytes, 2, alto_slice_of(at + 2, 4)))
        return -1;
    return bytes[0] << 8 | bytes[1];
}

/* Length of the escape at `at`, a pair of surrogates being one; 0 for half a pair. Other escapes are judged elsewhere. */
static size_t escape_length(const uint8_t *at, const uint8_t *end)
{
    int32_t unit = escaped_unit(at, end);
    if (unit < 0)
        return end - at < 2 ? 1 : 2;
    if (unit < 0xd800 || unit > 0xdfff)
        return ESCAPE_UNICODE;
    int32_t low = escaped_unit(at + ESCAPE_UNICODE, end);
    bool pair = unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
    return pair ? (size_t)2 * ESCAPE_UNICODE : 0;
}

/* Length of the character at `at`, 0 when it may not be there. */
static size_t character_length(const uint8_t *at, const uint8_t *end)
{
    if (*at >= 0x80)
        return utf8_length(at, end);
    if (*at == '\\')
        return escape_length(at, end);
    return *at >= ' ' || is_space(*at);
}

bool alto_json_bytes_valid(alto_slice text, size_t *offset)
{
    const uint8_t *at = text.data, *end = at + text.size;
    while (at < end) {
        if (end - at >= WORD && is_plain(at)) {
            at += WORD;
            continue;
        }
        size_t size = character_length(at, end);
        if (size == 0) {
            *offset = (size_t)(at - text.data);
            return false;
        }
        at += size;
    }
    return true;
}

/* ---- walking ---- */

alto_json_walk alto_json_walk_make(alto_slice text)
{
    static const uint8_t nothing[1];
    const uint8_t *at = text.data ? text.data : nothing;
    return (alto_json_walk){.at = at, .end = at + text.size};
}

static bool broken(alto_json_walk *self, const char *fault)
{
    if (!self->fault)
        self->fault = fault;
    return false;
}

uint8_t alto_json_walk_peek(alto_json_walk *self)
{
    while (self->at < self->end && is_space(*self->at))
        self->at++;
    return self->at < self->end ? *self->at : 0;
}

bool alto_json_walk_enter(alto_json_walk *self, uint8_t open)
{
    if (alto_json_walk_peek(self) != open)
        return broken(self, open == '{' ? "an object is missing" : "an array is missing");
    self->at++;
    self->started = false;
    return true;
}

/* Behind the closing quote of the string that begins at `at`; NULL when it does not end. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

/* The comma or the end of a container that closes with `close`. */
static alto_json_step next_item(alto_json_walk *self, uint8_t close)
{
    uint8_t next = alto_json_walk_peek(self);
    if (next == close) {
        self->at++;
        return ALTO_JSON_END;
    }
    if (self->started) {
        if (next != ',') {
            broken(self, "a comma or a closing bracket is missing");
            return ALTO_JSON_BROKEN;
        }
        self->at++;
    }
    self->started = true;
    return ALTO_JSON_ITEM;
}

alto_json_step alto_json_walk_member(alto_json_walk *self, alto_slice *key)
{
    alto_json_step step = next_item(self, '}');
    if (step != ALTO_JSON_ITEM)
        return step;
    const uint8_t *name_end = alto_json_walk_peek(self) == '"' ? string_end(self->at, self->end) : NULL;
    if (!name_end) {
        broken(self, "a member name is missing");
        return ALTO_JSON_BROKEN;
    }
    *key = alto_slice_of(self->at, (size_t)(name_end - self->at));
    self->at = name_end;
    if (alto_json_walk_peek(self) != ':') {
        broken(self, "a colon is missing");
        return ALTO_JSON_BROKEN;
    }
    self->at++;
    return ALTO_JSON_ITEM;
}

alto_json_step alto_json_walk_element(alto_json_walk *self)
{
    return next_item(self, ']');
}

/* ---- the end of a container: everything in it is looked at, so that this goes by blocks ---- */

/* Where the search for the end of a container stands. */
typedef struct {
    uint64_t squares; /* one bit per open bracket, the innermost lowest: is it a square one? */
    unsigned depth;
    bool in_string, escaped; /* escaped: the next byte of the string means itself */
    bool ended;
    const char *fault;
} search;

static void on_bracket(search *self, uint8_t byte)
{
    bool square = byte == '[' || byte == ']';
    if (byte == '{' || byte == '[') {
        if (self->depth++ == ALTO_MAX_JSON_DEPTH)
            self->fault = "nested too deeply";
        self->squares = self->squares << 1 | square;
        return;
    }
    if ((self->squares & 1) != square)
        self->fault = "a closing bracket of the other kind";
    self->squares >>= 1;
    self->ended = --self->depth == 0;
}

static bool is_bracket(uint8_t byte)
{
    return (byte | FOLD) == '{' || (byte | FOLD) == '}';
}

static void on_byte(search *self, uint8_t byte)
{
    if (self->escaped)
        self->escaped = false;
    else if (byte == '"')
        self->in_string = !self->in_string;
    else if (self->in_string)
        self->escaped = byte == '\\';
    else if (is_bracket(byte))
        on_bracket(self, byte);
}

/* One bit for each byte of a step at `at` that is `byte` once the bits of `folded` are set in it. */
#ifdef __SSE2__
enum { STEP = 16 };

static inline uint64_t where_is(const uint8_t *at, uint8_t byte, uint8_t folded)
{
    __m128i bytes = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)at), _mm_set1_epi8((char)folded));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte)));
}
#else
enum { STEP = WORD };

static inline uint64_t where_is(const uint8_t *at, uint8_t byte, uint8_t folded)
{
    uint64_t word;
    memcpy(&word, at, WORD);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t other = (word | ONES * folded) ^ (ONES * byte);
    uint64_t equal = ~(((other & ~HIGH_BITS) + ~HIGH_BITS) | other) & HIGH_BITS;
    return ((equal >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}
#endif

/* Bit i of the result: is there an odd number of ones among bits 0 to i? */
static uint64_t parity_so_far(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Look at 64 bytes without a backslash, none before them either; false when there is one. */
static bool look_at_block(search *self, const uint8_t *block, size_t *used)
{
    uint64_t quotes = 0, brackets = 0, backslashes = 0;
    for (unsigned i = 0; i < BLOCK; i += STEP) {
        quotes |= where_is(block + i, '"', 0) << i;
        backslashes |= where_is(block + i, '\\', 0);
        brackets |= (where_is(block + i, '{', FOLD) | where_is(block + i, '}', FOLD)) << i;
    }
    if (backslashes)
        return false;
    uint64_t strings = parity_so_far(quotes) ^ (self->in_string ? ~UINT64_C(0) : 0);
    *used = BLOCK;
    for (brackets &= ~strings; brackets; brackets &= brackets - 1) {
        unsigned i = (unsigned)__builtin_ctzll(brackets);
        on_bracket(self, block[i]);
        if (self->ended || self->fault) {
            *used = i + 1;
            return true;
        }
    }
    self->in_string = strings >> (BLOCK - 1);
    return true;
}

/* Behind the object or array at self->at; brackets of both kinds must match. */
static const uint8_t *container_end(alto_json_walk *self)
{
    search state = {0};
    const uint8_t *at = self->at;
    while (at < self->end && !state.ended && !state.fault) {
        size_t used = 0;
        if (self->end - at >= BLOCK && !state.escaped && look_at_block(&state, at, &used)) {
            at += used;
            continue;
        }
        const uint8_t *stop = self->end - at >= BLOCK ? at + BLOCK : self->end;
        while (at < stop && !state.ended && !state.fault)
            on_byte(&state, *at++);
    }
    if (state.fault)
        broken(self, state.fault);
    return state.ended && !state.fault ? at : NULL;
}

static const uint8_t *scalar_end(const alto_json_walk *self)
{
    const uint8_t *at = self->at;
    while (at < self->end && !is_space(*at) && *at != ',' && *at != ':' && *at != '"' && !is_bracket(*at))
        at++;
    return at == self->at ? NULL : at;
}

size_t alto_json_walk_plains(alto_json_walk *self, alto_slice *characters)
{
    size_t count = 0, between = 0;
    if (alto_json_walk_peek(self) != '"')
        return 0;
    do {
        const uint8_t *begin = self->at + between + 1, *stop = alto_json_plain_end(begin, self->end);
        if (stop == self->end || *stop != '"')
            return count;
        characters[count++] = alto_slice_of(begin, (size_t)(stop - begin));
        self->at = stop + 1;
        between = alto_json_plain_comma(self->at, self->end);
    } while (between);
    return count;
}

bool alto_json_walk_value(alto_json_walk *self, alto_slice *value)
{
    uint8_t first = alto_json_walk_peek(self);
    const uint8_t *value_end;
    if (first == '{' || first == '[')
        value_end = container_end(self);
    else if (first == '"')
        value_end = string_end(self->at, self->end);
    else
        value_end = scalar_end(self);
    if (!value_end)
        return broken(self, "a value is missing or does not end");
    *value = alto_slice_of(self->at, (size_t)(value_end - self->at));
    self->at = value_end;
    return true;
}

alto_json_walk alto_json_elements(alto_slice array)
{
    alto_json_walk walk = alto_json_walk_make(array);
    alto_json_walk_enter(&walk, '[');
    return walk;
}

bool alto_json_next(alto_json_walk *self, alto_slice *value)
{
    return !self->fault && alto_json_walk_element(self) == ALTO_JSON_ITEM && alto_json_walk_value(self, value);
}

bool alto_json_walk_finish(alto_json_walk *self)
{
    alto_json_walk_peek(self);
    return self->at == self->end || broken(self, "something follows the end of the document");
}

/* ---- string literals ---- */

static void add_utf8(alto_buffer *out, uint32_t point)
{
    if (point < 0x80) {
        alto_buffer_put(out, (uint8_t)point);
    } else if (point < 0x800) {
        alto_buffer_put(out, (uint8_t)(0xc0 | point >> 6));
    } else if (point < 0x10000) {
        alto_buffer_put(out, (uint8_t)(0xe0 | point >> 12));
        alto_buffer_put(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    } else {
        alto_buffer_put(out, (uint8_t)(0xf0 | point >> 18));
        alto_buffer_put(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        alto_buffer_put(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    }
    if (point >= 0x80)
        alto_buffer_put(out, (uint8_t)(0x80 | (point & 0x3f)));
}

/* Append what the escape at `at` stands for; its length, or 0 when it is none. */
static size_t unescape_one(const uint8_t *at, const uint8_t *end, alto_buffer *out)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2)
        return 0;
    if (at[1] != 'u') {
        const char *name = memchr(names, at[1], sizeof names - 1);
        if (name)
            alto_buffer_put(out, (uint8_t)meanings[name - names]);
        return name ? 2 : 0;
    }
    int32_t unit = escaped_unit(at, end);
    size_t size = unit < 0 ? 0 : escape_length(at, end);
    if (size == ESCAPE_UNICODE)
        add_utf8(out, (uint32_t)unit);
    else if (size > 0)
        add_utf8(out,
                 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(escaped_unit(at + size / 2, end) - 0xdc00));
    return size;
}

bool alto_json_unescape(alto_slice literal, alto_buffer *out)
{
    if (literal.size < 2 || literal.data[0] != '"' || literal.data[literal.size - 1] != '"')
        return false;
    const uint8_t *at = literal.data + 1, *end = literal.data + literal.size - 1;
    while (at < end) {
        if (*at == '"')
            return false;
        if (*at != '\\') {
            alto_buffer_put(out, *at++);
            continue;
        }
        size_t size = unescape_one(at, end, out);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}
