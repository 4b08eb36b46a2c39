/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_plain.h"

#include "core/json_scan.h"
#include "core/limits.h"
#include "core/number.h"

/* What is left of the text, and the containers that are open. */
typedef struct {
    const uint8_t *at, *end;
    uint64_t squares; /* one bit for each, the innermost lowest: is it an array? */
    unsigned depth;
} scan;

_Static_assert(ALTO_MAX_JSON_DEPTH <= 64, "a bit for each open container");

/* Skip white space; the next byte, 0 at the end. */
static inline uint8_t peek(scan *self)
{
    while (self->at < self->end && (*self->at == ' ' || *self->at == '\n' || *self->at == '\r' || *self->at == '\t'))
        self->at++;
    return self->at < self->end ? *self->at : 0;
}

static inline bool take(scan *self, uint8_t byte)
{
    bool there = peek(self) == byte;
    self->at += there;
    return there;
}

static inline bool take_string(scan *self)
{
    if (peek(self) != '"')
        return false;
    const uint8_t *stop = alto_json_plain_end(self->at + 1, self->end);
    if (stop == self->end || *stop != '"')
        return false;
    self->at = stop + 1;
    return true;
}

/* In an array: the string that comes next, and those that follow after a comma and at most one space. */
static bool take_strings(scan *self)
{
    size_t between;
    while (take_string(self)) {
        if ((between = alto_json_plain_comma(self->at, self->end)) == 0)
            return true;
        self->at += between;
    }
    return false;
}

static bool take_word(scan *self, const char *word)
{
    size_t size = strlen(word);
    bool there = (size_t)(self->end - self->at) >= size && memcmp(self->at, word, size) == 0;
    self->at += there ? size : 0;
    return there;
}

static bool take_number(scan *self)
{
    double value;
    size_t size;
    if (alto_number_read(alto_slice_of(self->at, (size_t)(self->end - self->at)), &value, &size) != ALTO_OK)
        return false;
    self->at += size;
    return true;
}

static bool take_scalar(scan *self)
{
    switch (peek(self)) {
    case '"':
        return self->squares & 1 ? take_strings(self) : take_string(self);
    case 't':
        return take_word(self, "true");
    case 'f':
        return take_word(self, "false");
    case 'n':
        return take_word(self, "null");
    default:
        return take_number(self);
    }
}

static bool take_name(scan *self)
{
    return take_string(self) && take(self, ':');
}

/* Open a container; *empty: it was closed at once. */
static bool open_container(scan *self, bool *empty)
{
    bool square = *self->at++ == '[';
    if (self->depth == ALTO_MAX_JSON_DEPTH)
        return false;
    *empty = take(self, square ? ']' : '}');
    if (*empty)
        return true;
    self->squares = self->squares << 1 | square;
    self->depth++;
    return square || take_name(self);
}

/* Behind a value: close what ends here, up to the next value. */
static bool go_on(scan *self)
{
    while (self->depth > 0) {
        bool square = self->squares & 1;
        if (take(self, ','))
            return square || take_name(self);
        if (!take(self, square ? ']' : '}'))
            return false;
        self->squares >>= 1;
        self->depth--;
    }
    return true;
}

bool alto_json_is_plain(alto_slice text)
{
    if (text.size == 0)
        return false;
    scan self = {.at = text.data, .end = text.data + text.size};
    do {
        uint8_t first = peek(&self);
        bool whole = true;
        if (first == '{' || first == '[') {
            if (!open_container(&self, &whole))
                return false;
        } else if (!take_scalar(&self)) {
            return false;
        }
        if (whole && !go_on(&self))
            return false;
    } while (self.depth > 0);
    peek(&self);
    return self.at == self.end;
}
