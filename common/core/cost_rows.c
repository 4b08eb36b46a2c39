/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cost_rows.h"

#include "core/cost_pick.h"
#include "core/number.h"
#include "core/number_quick.h"

#include <stdlib.h>

enum {
    COPY = 16, /* bytes copied at a time, up to so many more than there are */
    FRAME = 6  /* of a row around its source: ,"": and the braces */
};

/* What stands before each cost of a destination. */
typedef struct {
    uint32_t begin, size; /* in `labels` */
} label;

struct alto_cost_rows {
    const alto_cost_wish *wish;
    size_t count;       /* of destinations */
    alto_buffer labels; /* of all of them: ,"TO": */
    label *places;
    alto_cost_pick picks[2 * ALTO_SERVICE_COSTS]; /* one for each map of the wish */
    double *costs;     /* of one row: of the first map for each destination, then of the second and so on */
    alto_quick *quick; /* the same */
    size_t room;       /* bytes that a row may need, without its source */
    bool some;         /* a row was written */
};

static alto_status write_labels(alto_cost_rows *self, const alto_slice *texts)
{
    static const uint8_t before[] = {',', '"'}, behind[] = {'"', ':'};
    size_t size = COPY;
    for (size_t i = 0; i < self->count; i++)
        size += sizeof before + texts[i].size + sizeof behind;
    self->labels = alto_buffer_make(size);
    uint8_t *begin = alto_buffer_grow(&self->labels, size), *at = begin;
    if (!begin)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count; i++) {
        self->places[i].begin = (uint32_t)(at - begin);
        self->places[i].size = (uint32_t)(sizeof before + texts[i].size + sizeof behind);
        memcpy(at, before, sizeof before);
        memcpy(at + sizeof before, texts[i].data, texts[i].size);
        memcpy(at + sizeof before + texts[i].size, behind, sizeof behind);
        at += self->places[i].size;
    }
    return ALTO_OK;
}

alto_cost_rows *alto_cost_rows_new(const alto_cost_wish *wish, const alto_slice *texts, size_t count)
{
    const size_t cells = count * wish->map_count + 1;
    alto_cost_rows *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->wish = wish;
    self->count = count;
    self->costs = malloc(cells * sizeof *self->costs);
    self->quick = malloc(cells * sizeof *self->quick);
    self->places = malloc((count + 1) * sizeof *self->places);
    if (!self->costs || !self->quick || !self->places || write_labels(self, texts) != ALTO_OK)
        alto_cost_rows_destroy(&self);
    else
        self->room = self->labels.size + count * (wish->count * (ALTO_NUMBER_TEXT + 1) + 2) + FRAME;
    return self;
}

void alto_cost_rows_destroy(alto_cost_rows **self)
{
    alto_cost_rows *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    for (size_t i = 0; i < gone->wish->map_count; i++)
        alto_cost_pick_fini(&gone->picks[i]);
    alto_buffer_fini(&gone->labels);
    free(gone->places);
    free(gone->costs);
    free(gone->quick);
    free(gone);
}

alto_status alto_cost_rows_name(alto_cost_rows *self, size_t map, const alto_slice *names)
{
    return alto_cost_pick_init(&self->picks[map], names, self->count);
}

void alto_cost_rows_found(alto_cost_rows *self, size_t map, const alto_tree *row, const uint64_t *places)
{
    alto_cost_pick_found(&self->picks[map], row, places);
}

/* ---- one row ---- */

static inline uint8_t *copy(uint8_t *to, const uint8_t *from, size_t size)
{
    size_t at = 0;
    do
        memcpy(to + at, from + at, COPY);
    while ((at += COPY) < size);
    return to + size;
}

static inline uint8_t *put_cost(uint8_t *at, alto_quick quick, double cost)
{
    static const uint8_t none[] = {'n', 'u', 'l', 'l'};
    if (quick.whole != ALTO_QUICK_NONE)
        return alto_quick_put(at, quick);
    if (!alto_cost_none(cost))
        return at + alto_number_format(cost, (char *)at);
    memcpy(at, none, sizeof none);
    return at + sizeof none;
}

/* The usual row, of one map and without conditions. What it needs is held in locals: for all the compiler knows, bytes
 * that are written could be part of *self. */
static uint8_t *put_plain_cells(const alto_cost_rows *self, uint8_t *at)
{
    const double *costs = self->costs;
    const alto_quick *quick = self->quick;
    const label *places = self->places;
    const uint8_t *labels = self->labels.data;
    for (size_t i = 0, count = self->count; i < count; i++)
        if (quick[i].whole != ALTO_QUICK_NONE)
            at = alto_quick_put(copy(at, labels + places[i].begin, places[i].size), quick[i]);
        else if (!alto_cost_none(costs[i]))
            at = put_cost(copy(at, labels + places[i].begin, places[i].size), quick[i], costs[i]);
    return at;
}

static bool admits(const alto_cost_rows *self, size_t column)
{
    double costs[2 * ALTO_SERVICE_COSTS];
    for (size_t i = 0; i < self->wish->map_count; i++)
        costs[i] = self->costs[i * self->count + column];
    return alto_cost_wish_admits(self->wish, costs);
}

/* One destination: its number, or an array of them. */
static uint8_t *put_cell(const alto_cost_rows *self, uint8_t *at, size_t column)
{
    at = copy(at, self->labels.data + self->places[column].begin, self->places[column].size);
    if (!self->wish->multi)
        return put_cost(at, self->quick[column], self->costs[column]);
    for (size_t i = 0; i < self->wish->count; i++) {
        size_t place = i * self->count + column;
        *at++ = i ? ',' : '[';
        at = put_cost(at, self->quick[place], self->costs[place]);
    }
    *at++ = ']';
    return at;
}

static uint8_t *put_cells(const alto_cost_rows *self, uint8_t *at)
{
    if (self->wish->map_count == 1 && self->wish->test_count == 0 && !self->wish->multi)
        return put_plain_cells(self, at);
    for (size_t i = 0; i < self->count; i++)
        if (admits(self, i))
            at = put_cell(self, at, i);
    return at;
}

/* The row whose costs were picked; NULL: there is nothing to say. */
static uint8_t *put_row(const alto_cost_rows *self, uint8_t *begin, alto_slice text)
{
    uint8_t *at = begin;
    *at++ = self->some ? ',' : '{';
    *at++ = '"';
    memcpy(at, text.data, text.size);
    at += text.size;
    *at++ = '"';
    *at++ = ':';
    uint8_t *open = at;
    at = put_cells(self, at);
    if (at == open)
        return NULL;
    *open = '{'; /* instead of the first comma */
    *at++ = '}';
    return at;
}

alto_status alto_cost_rows_add(alto_cost_rows *self, const alto_tree *const *rows, alto_slice text, alto_buffer *out)
{
    for (size_t i = 0; i < self->wish->map_count; i++)
        if (alto_cost_pick_row(&self->picks[i], rows[i], self->costs + i * self->count) != ALTO_OK)
            return ALTO_NO_MEMORY;
    alto_quick_split(self->costs, self->wish->map_count * self->count, self->quick);
    const size_t before = out->size;
    uint8_t *begin = alto_buffer_grow(out, self->room + text.size);
    if (!begin)
        return out->status;
    const uint8_t *end = put_row(self, begin, text);
    out->size = end ? before + (size_t)(end - begin) : before;
    self->some = self->some || end;
    return ALTO_OK;
}

void alto_cost_rows_end(const alto_cost_rows *self, alto_buffer *out)
{
    alto_buffer_add_text(out, self->some ? "}" : "{}");
}
