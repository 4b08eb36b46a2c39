/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compress.h"
#include "core/delta.h"
#include "core/delta_generic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- what was read ---- */

/* One prefix, or other item, of one payload row. */
typedef struct {
    uint64_t ref;
    uint32_t index; /* of the prefix, or of the key */
    bool removed;
} event;

/* A column of costs. */
typedef struct {
    unsigned decimals, form;
    uint64_t *values;       /* integers, as written */
    double *exceptions;     /* those written whole */
    uint64_t *exception_at; /* their indexes, ascending */
    size_t exception_count;
    size_t next, next_exception; /* how far it is used */
    size_t count;
} costs;

typedef struct {
    alto_pool *pool;
    alto_kind kind;
    const alto_tree *from; /* of rows */
    const alto_implied *implied;
    alto_payload_range payload; /* of `from` */
    unsigned flags;
    alto_bit_reader in;
    uint64_t entries, entries_max;
    uint64_t raw_max;  /* bytes of a blob */
    uint64_t text_max; /* bytes that texts and their keys may have */

    alto_buffer name_bytes;
    alto_slice *names;    /* row keys of the new names */
    uint64_t *name_ranks; /* payload rows of `from` before each */
    size_t name_count;
    alto_numbers removed_rows, empty_rows; /* refs */
    size_t removed_next, empty_next;

    alto_prefix_key *prefixes;
    event *events; /* of prefixes, in the end by row */
    size_t event_count, event_room, event_next;
    alto_buffer other_bytes;
    alto_slice *others;
    event *other_events;
    size_t other_count, other_next;

    alto_numbers changed, removed; /* positions among the cells of `from` */
    size_t changed_next, removed_next_cell;
    costs changed_costs, added_costs;
    alto_row_walker changed_rows, removed_cells_rows, rows, name_walker;
    alto_numbers group_refs, group_same, group_counts, group_steps;
    size_t group_next, list_next, step_next;
    alto_slice *list; /* destinations of the group at hand */
    size_t list_count, list_room;

    alto_edit *edits; /* of the row at hand */
    size_t edit_count, edit_room;
    uint64_t *row_ranks; /* of its cells that change, and their new costs */
    double *row_costs;
    size_t row_room;
    alto_row_edit *row_edits; /* each owns its items */
    size_t row_edit_count, row_edit_room;
    alto_buffer generic; /* the raw section */
} decoder;

static void costs_fini(costs *self)
{
    free(self->values);
    free(self->exceptions);
    free(self->exception_at);
}

static void decoder_fini(decoder *self)
{
    alto_buffer_fini(&self->name_bytes);
    free(self->names);
    free(self->name_ranks);
    alto_numbers_fini(&self->removed_rows);
    alto_numbers_fini(&self->empty_rows);
    free(self->prefixes);
    free(self->events);
    alto_buffer_fini(&self->other_bytes);
    free(self->others);
    free(self->other_events);
    alto_numbers_fini(&self->changed);
    alto_numbers_fini(&self->removed);
    costs_fini(&self->changed_costs);
    costs_fini(&self->added_costs);
    alto_numbers_fini(&self->group_refs);
    alto_numbers_fini(&self->group_same);
    alto_numbers_fini(&self->group_counts);
    alto_numbers_fini(&self->group_steps);
    free(self->list);
    free(self->edits);
    free(self->row_ranks);
    free(self->row_costs);
    for (size_t i = 0; i < self->row_edit_count; i++)
        alto_tree_release(self->row_edits[i].items);
    free(self->row_edits);
    alto_buffer_fini(&self->generic);
}

/* ---- reading columns ---- */

/* Count something against what a delta of this size may hold. */
static bool count_entries(decoder *self, uint64_t count)
{
    if (count > self->entries_max - self->entries || count > ALTO_MAX_ITEMS) {
        alto_bits_fail(&self->in, count > ALTO_MAX_ITEMS ? ALTO_TOO_LARGE : ALTO_MALFORMED);
        return false;
    }
    self->entries += count;
    return true;
}

static size_t take_count(decoder *self)
{
    uint64_t count = alto_bits_take_number(&self->in, ALTO_DELTA_COUNT);
    return count_entries(self, count) && alto_bits_check(&self->in) == ALTO_OK ? (size_t)count : 0;
}

/* `count` elements, at least one; the reader fails when there is no memory. */
static void *array_of(decoder *self, size_t count, size_t element)
{
    void *array = calloc(count ? count : 1, element);
    if (!array)
        alto_bits_fail(&self->in, ALTO_NO_MEMORY);
    return array;
}

static uint64_t *take_column(decoder *self, size_t count)
{
    uint64_t *values = array_of(self, count, sizeof *values);
    if (values)
        alto_column_read(&self->in, values, count);
    return values;
}

static void take_numbers(decoder *self, alto_numbers *out, size_t count)
{
    out->at = take_column(self, count);
    out->count = out->at ? count : 0;
    out->capacity = out->count;
}

/* Steps back to ascending numbers less than `end`. */
static void from_steps(decoder *self, uint64_t *values, size_t count, uint64_t least, uint64_t end)
{
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (next >= end || values[i] >= end - next) {
            alto_bits_fail(&self->in, ALTO_MALFORMED);
            memset(values, 0, count * sizeof *values);
            return;
        }
        values[i] += next;
        next = values[i] + least;
    }
}

static void take_ascending(decoder *self, alto_numbers *out, uint64_t end)
{
    take_numbers(self, out, take_count(self));
    from_steps(self, out->at, out->count, 1, end);
}

/* Bytes that may be packed; borrowed from the delta or from `room`. */
static alto_slice take_blob(decoder *self, alto_buffer *room)
{
    bool packed = alto_bits_take(&self->in, 1);
    uint64_t size = alto_bits_take_number(&self->in, ALTO_DELTA_SIZE);
    if (!packed)
        return alto_bits_take_bytes(&self->in, size);
    alto_slice frame = alto_bits_take_bytes(&self->in, alto_bits_take_number(&self->in, ALTO_DELTA_SIZE));
    if (size > alto_blob_limit(frame.size) || size > self->raw_max || alto_bits_check(&self->in) != ALTO_OK) {
        alto_bits_fail(&self->in, size > self->raw_max ? ALTO_BOMB : ALTO_MALFORMED);
        return (alto_slice){0};
    }
    *room = alto_buffer_make((size_t)size);
    alto_status status = alto_decompress(frame, (size_t)size, room);
    if (status != ALTO_OK)
        alto_bits_fail(&self->in, status);
    return alto_buffer_slice(room);
}

/* ---- names ---- */

static uint64_t ref_end(const decoder *self)
{
    return self->payload.rows + self->name_count;
}

/* Front-coded names into one buffer, as row keys; *ends[i] is where key i ends. */
static bool spell_names(decoder *self, alto_slice bytes, const uint64_t *shared, const uint64_t *rest, size_t *ends)
{
    size_t used = 0, start = 0, before = 0;
    for (size_t i = 0; i < self->name_count; i++) {
        if (shared[i] > before || rest[i] > bytes.size - used || shared[i] + rest[i] > ALTO_DELTA_NAME_MAX)
            return false;
        size_t size = (size_t)(shared[i] + rest[i]) + 1;
        uint8_t *key = alto_buffer_grow(&self->name_bytes, size);
        if (!key) {
            alto_bits_fail(&self->in, self->name_bytes.status);
            return false;
        }
        key[0] = ALTO_ROW_PAYLOAD;
        memcpy(key + 1, self->name_bytes.data + start + 1, (size_t)shared[i]);
        memcpy(key + 1 + shared[i], bytes.data + used, (size_t)rest[i]);
        start = self->name_bytes.size - size;
        used += (size_t)rest[i];
        before = size - 1;
        ends[i] = self->name_bytes.size;
    }
    return used == bytes.size;
}

/* The keys must ascend and be new to `from`. */
static bool place_names(decoder *self, const size_t *ends)
{
    for (size_t i = 0; i < self->name_count; i++) {
        size_t start = i ? ends[i - 1] : 0;
        bool known;
        self->names[i] = (alto_slice){self->name_bytes.data + start, ends[i] - start};
        if (i && alto_slice_compare(self->names[i - 1], self->names[i]) >= 0)
            return false;
        self->name_ranks[i] = alto_tree_rank(self->from, self->names[i], &known) - self->payload.first_rank;
        if (known)
            return false;
    }
    return true;
}

static void take_names(decoder *self)
{
    size_t count = take_count(self);
    alto_buffer room = alto_buffer_make(0);
    uint64_t *shared = take_column(self, count), *rest = take_column(self, count);
    size_t *ends = array_of(self, count, sizeof *ends);
    self->names = array_of(self, count, sizeof *self->names);
    self->name_ranks = array_of(self, count, sizeof *self->name_ranks);
    alto_slice bytes = count ? take_blob(self, &room) : (alto_slice){0};
    if (alto_bits_check(&self->in) == ALTO_OK && shared && rest && ends && self->names && self->name_ranks) {
        self->name_count = count;
        if (!spell_names(self, bytes, shared, rest, ends) || !place_names(self, ends))
            alto_bits_fail(&self->in, ALTO_MALFORMED);
    }
    free(shared);
    free(rest);
    free(ends);
    alto_buffer_fini(&room);
}

static void take_name_section(decoder *self)
{
    take_names(self);
    take_ascending(self, &self->removed_rows, ref_end(self));
    take_ascending(self, &self->empty_rows, ref_end(self));
}

/* ---- network maps ---- */

/* The columns of the prefixes, as read. */
typedef struct {
    size_t count, ipv4;
    bool by_steps;
    uint64_t *ops, *lengths, *widths;
} prefix_columns;

/* A number of `width` bits, the first of which is known. */
static alto_address take_gap(alto_bit_reader *in, unsigned width)
{
    alto_address gap = width > 0;
    if (width > 65)
        gap = gap << (width - 65) | alto_bits_take(in, width - 65);
    unsigned low = width > 64 ? 64 : width ? width - 1 : 0;
    return gap << low | alto_bits_take(in, low);
}

/* From one prefix to the next; false when that is none. */
static bool next_prefix(decoder *self, const prefix_columns *columns, size_t i, alto_prefix *at)
{
    int family = i < columns->ipv4 ? ALTO_ITEM_IPV4 : ALTO_ITEM_IPV6;
    if (at->family != family)
        *at = (alto_prefix){.family = family,
                            .length = family == ALTO_ITEM_IPV4 ? ALTO_FIRST_LENGTH4 : ALTO_FIRST_LENGTH6,
                            .address = alto_family_origin(family)};
    unsigned length;
    if (!alto_length_from_code(columns->by_steps, family, columns->lengths[i], at->length, &length) ||
        columns->widths[i] > length)
        return false;
    alto_address gap = take_gap(&self->in, (unsigned)columns->widths[i]);
    alto_address unit = (alto_units(family, at->address, length) + gap) & alto_unit_mask(length);
    at->address = alto_from_units(family, unit, length);
    at->length = length;
    return true;
}

static void take_gaps(decoder *self, const prefix_columns *columns)
{
    alto_prefix at = {0};
    for (size_t i = 0; i < columns->count && self->in.status == ALTO_OK; i++) {
        if (next_prefix(self, columns, i, &at))
            alto_prefix_to_key(at, &self->prefixes[i]);
        else
            alto_bits_fail(&self->in, ALTO_MALFORMED);
    }
}

/* The PIDs of the prefixes, one or two each, make the events. */
static void take_pids(decoder *self, const prefix_columns *columns, size_t moves)
{
    alto_recent recent = {.count = 0};
    uint64_t *pids = take_column(self, columns->count + moves);
    self->events = array_of(self, columns->count + moves, sizeof *self->events);
    for (size_t i = 0, next = 0; pids && self->events && i < columns->count; i++) {
        unsigned op = (unsigned)columns->ops[i];
        for (int half = 0; half < (op == ALTO_PREFIX_MOVE ? 2 : 1); half++) {
            uint64_t ref = alto_recent_read(&recent, pids[next++]);
            if (ref >= ref_end(self)) {
                alto_bits_fail(&self->in, ALTO_MALFORMED);
                break;
            }
            bool removed = op == ALTO_PREFIX_REMOVE || (op == ALTO_PREFIX_MOVE && half == 0);
            self->events[self->event_count++] = (event){ref, (uint32_t)i, removed};
        }
    }
    free(pids);
}

static int compare_events(const void *a, const void *b)
{
    const event *x = a, *y = b;
    int order = (x->ref > y->ref) - (x->ref < y->ref);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void take_prefixes(decoder *self)
{
    prefix_columns columns = {.count = take_count(self)};
    unsigned families = (unsigned)alto_bits_take(&self->in, 2);
    columns.ipv4 = families == 1 ? columns.count : 0;
    if (families == 3)
        columns.ipv4 = (size_t)alto_bits_take_bounded(&self->in, ALTO_DELTA_COUNT, columns.count);
    columns.by_steps = alto_bits_take(&self->in, 1);
    columns.ops = take_column(self, columns.count);
    columns.lengths = take_column(self, columns.count);
    columns.widths = take_column(self, columns.count);
    self->prefixes = array_of(self, columns.count, sizeof *self->prefixes);
    if (alto_bits_check(&self->in) == ALTO_OK) {
        size_t moves = 0;
        for (size_t i = 0; i < columns.count; i++) {
            moves += columns.ops[i] == ALTO_PREFIX_MOVE;
            if (columns.ops[i] > ALTO_PREFIX_MOVE)
                alto_bits_fail(&self->in, ALTO_MALFORMED);
        }
        take_gaps(self, &columns);
        if (self->in.status == ALTO_OK)
            take_pids(self, &columns, moves);
        if (self->event_count)
            qsort(self->events, self->event_count, sizeof *self->events, compare_events);
    }
    free(columns.ops);
    free(columns.lengths);
    free(columns.widths);
}

static void fill_others(decoder *self, size_t count, alto_slice bytes, const uint64_t *refs, const uint64_t *ops,
                        const uint64_t *sizes)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (ops[i] > 1 || sizes[i] > bytes.size - used || sizes[i] > ALTO_MAX_ITEM_KEY) {
            alto_bits_fail(&self->in, ALTO_MALFORMED);
            return;
        }
        self->others[i] = (alto_slice){bytes.data + used, (size_t)sizes[i]};
        self->other_events[i] = (event){refs[i], (uint32_t)i, ops[i] == 1};
        used += (size_t)sizes[i];
    }
    self->other_count = count;
    if (used != bytes.size)
        alto_bits_fail(&self->in, ALTO_MALFORMED);
}

static void take_others(decoder *self)
{
    size_t count = take_count(self);
    uint64_t *refs = take_column(self, count), *ops = take_column(self, count), *sizes = take_column(self, count);
    self->others = array_of(self, count, sizeof *self->others);
    self->other_events = array_of(self, count, sizeof *self->other_events);
    alto_slice bytes = take_blob(self, &self->other_bytes);
    if (refs)
        from_steps(self, refs, count, 0, ref_end(self));
    if (alto_bits_check(&self->in) == ALTO_OK)
        fill_others(self, count, bytes, refs, ops, sizes);
    free(refs);
    free(ops);
    free(sizes);
}

/* ---- costs ---- */

static bool valid_cost(double value)
{
    return isfinite(value) && !(value == 0 && signbit(value));
}

static void take_costs(decoder *self, costs *out, size_t count)
{
    out->decimals = (unsigned)alto_bits_take(&self->in, 4);
    out->form = (unsigned)alto_bits_take(&self->in, 2);
    out->count = count;
    out->exception_count = (size_t)alto_bits_take_bounded(&self->in, 0, count);
    if (out->decimals >= ALTO_COST_DECIMALS || out->form > ALTO_COSTS_DIFFERENCES ||
        out->exception_count > alto_bits_left(&self->in)) {
        alto_bits_fail(&self->in, ALTO_MALFORMED);
        return;
    }
    out->exceptions = array_of(self, out->exception_count, sizeof *out->exceptions);
    for (size_t i = 0; out->exceptions && i < out->exception_count; i++) {
        uint64_t bits = alto_bits_take(&self->in, 64);
        memcpy(&out->exceptions[i], &bits, sizeof bits);
        if (!valid_cost(out->exceptions[i]))
            alto_bits_fail(&self->in, ALTO_MALFORMED);
    }
    out->exception_at = take_column(self, out->exception_count);
    if (out->exception_at)
        from_steps(self, out->exception_at, out->exception_count, 1, count);
    out->values = take_column(self, count - out->exception_count);
}

/* What a written integer says, where the old cost was `before`; false when it cannot be. */
static inline bool cost_from(unsigned form, unsigned decimals, uint64_t value, double before, double *cost)
{
    int64_t integer = 0, old = 0;
    bool good = true;
    if (form == ALTO_COSTS_PLAIN) {
        integer = (int64_t)value;
    } else if (form == ALTO_COSTS_SIGNED) {
        integer = alto_unzigzag(value);
    } else {
        good = value < UINT64_C(1) << 56 && alto_cost_scaled(before, decimals, &old);
        integer = old + alto_unzigzag(good ? value + 1 : 0);
    }
    *cost = alto_cost_of(integer, decimals);
    return good && integer > -ALTO_COST_INTEGERS && integer < ALTO_COST_INTEGERS;
}

/* The next costs of a column, in place of the old ones; false when one of them cannot be. */
static bool next_costs(costs *self, double *cells, size_t count)
{
    bool good = true;
    for (size_t done = 0; done < count && good;) {
        size_t at = self->next + done, end = count;
        if (self->next_exception < self->exception_count) {
            uint64_t exception = self->exception_at[self->next_exception];
            if (exception == at) {
                cells[done++] = self->exceptions[self->next_exception++];
                continue;
            }
            end = exception - at < count - done ? done + (size_t)(exception - at) : count;
        }
        const uint64_t *values = self->values + at - self->next_exception;
        for (size_t i = 0; i < end - done; i++)
            good &= cost_from(self->form, self->decimals, values[i], cells[done + i], &cells[done + i]);
        done = end;
    }
    self->next += count;
    return good;
}

static void take_changed(decoder *self)
{
    take_ascending(self, &self->changed, self->payload.items);
    take_costs(self, &self->changed_costs, self->changed.count);
}

/* How many groups have a list of their own, and how many cells all groups have together; false when
 * the flags make no sense or it is too much. */
static bool count_lists(decoder *self, size_t *lists)
{
    *lists = 0;
    for (size_t i = 0; i < self->group_same.count; i++) {
        if (self->group_same.at[i] > 1 || (i == 0 && self->group_same.at[i]))
            return false;
        *lists += !self->group_same.at[i];
    }
    return true;
}

static void take_cells(decoder *self)
{
    size_t lists, list = 0;
    uint64_t steps = 0, cells = 0, size = 0;
    take_ascending(self, &self->group_refs, ref_end(self));
    take_numbers(self, &self->group_same, self->group_refs.count);
    if (alto_bits_check(&self->in) != ALTO_OK || !count_lists(self, &lists)) {
        alto_bits_fail(&self->in, ALTO_MALFORMED);
        return;
    }
    take_numbers(self, &self->group_counts, lists);
    for (size_t i = 0; i < self->group_same.count && self->in.status == ALTO_OK; i++) {
        if (!self->group_same.at[i]) {
            size = self->group_counts.at[list++] + 1;
            steps += count_entries(self, size) ? size : 0;
        }
        cells += count_entries(self, size) ? size : 0;
    }
    if (self->in.status != ALTO_OK)
        return;
    take_numbers(self, &self->group_steps, (size_t)steps);
    take_costs(self, &self->added_costs, (size_t)cells);
}

/* ---- references ---- */

/* New names at or before payload row `rank` of `from`. */
static size_t names_up_to(const decoder *self, uint64_t rank)
{
    size_t low = 0, high = self->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->name_ranks[middle] <= rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t ref_of_rank(const decoder *self, uint64_t rank)
{
    return rank + names_up_to(self, rank);
}

/* New names whose reference is less than `ref`. */
static size_t names_below(const decoder *self, uint64_t ref)
{
    size_t low = 0, high = self->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->name_ranks[middle] + middle < ref)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Row key, and items in `from`, of what is referred to. */
static alto_slice row_of(decoder *self, alto_row_walker *walker, uint64_t ref, const alto_tree **items)
{
    size_t below = names_below(self, ref);
    if (below < self->name_count && self->name_ranks[below] + below == ref) {
        *items = NULL;
        return self->names[below];
    }
    bool found = alto_row_walker_to_rank(walker, self->payload.first_rank + ref - below);
    assert(found); /* references are checked when they are read */
    (void)found;
    *items = alto_row_walker_items(walker);
    return alto_row_walker_key(walker);
}

/* ---- rows ---- */

static bool add_edit(decoder *self, alto_slice key, bool remove, double cost)
{
    alto_edit edit = {.key = key, .value = {.cost = cost}, .remove = remove};
    return ALTO_ARRAY_ADD(self->edits, self->edit_room, self->edit_count, edit);
}

static int compare_edits(const void *a, const void *b)
{
    const alto_edit *x = a, *y = b;
    return alto_slice_compare(x->key, y->key);
}

/* Bring the edits of a row into order, as alto_tree_edit wants them. */
static alto_status order_edits(alto_edit *edits, size_t count)
{
    bool ordered = true;
    for (size_t i = 1; i < count && ordered; i++)
        ordered = alto_slice_compare(edits[i - 1].key, edits[i].key) < 0;
    if (ordered)
        return ALTO_OK;
    qsort(edits, count, sizeof *edits, compare_edits);
    for (size_t i = 1; i < count; i++)
        if (alto_slice_compare(edits[i - 1].key, edits[i].key) >= 0)
            return ALTO_MALFORMED;
    return ALTO_OK;
}

/* Note what a row becomes; takes over `items`, also on failure. */
static alto_status note_row(decoder *self, alto_slice key, alto_tree *items, bool remove)
{
    alto_row_edit row = {.row = key, .what = remove ? ALTO_ROW_REMOVE : ALTO_ROW_REPLACE, .items = items};
    if (ALTO_ARRAY_ADD(self->row_edits, self->row_edit_room, self->row_edit_count, row))
        return ALTO_OK;
    alto_tree_release(items);
    return ALTO_NO_MEMORY;
}

/* Apply edits to `before` and note the row for the version. */
static alto_status apply_edits(void *context, alto_slice key, const alto_tree *before, alto_edit *edits, size_t count,
                               bool remove)
{
    decoder *self = context;
    alto_tree *items = NULL;
    if (remove && count)
        return ALTO_MALFORMED;
    alto_status status = order_edits(edits, count);
    if (status == ALTO_OK && !remove)
        status = alto_tree_edit(self->pool, alto_item_type(self->kind, key.data[0]), before, edits, count, &items);
    return status == ALTO_OK ? note_row(self, key, items, remove) : status;
}

/* The same with those gathered. */
static alto_status finish_row(decoder *self, alto_slice key, const alto_tree *before, bool remove)
{
    size_t count = self->edit_count;
    self->edit_count = 0;
    return apply_edits(self, key, before, self->edits, count, remove);
}

static alto_status edit_prefixes(decoder *self, uint64_t ref)
{
    for (; self->event_next < self->event_count && self->events[self->event_next].ref == ref; self->event_next++) {
        const event *at = &self->events[self->event_next];
        const alto_prefix_key *key = &self->prefixes[at->index];
        if (!add_edit(self, (alto_slice){key->bytes, key->size}, at->removed, 0))
            return ALTO_NO_MEMORY;
    }
    for (; self->other_next < self->other_count && self->other_events[self->other_next].ref == ref;
         self->other_next++) {
        const event *at = &self->other_events[self->other_next];
        if (!add_edit(self, self->others[at->index], at->removed, 0))
            return ALTO_NO_MEMORY;
    }
    return ALTO_OK;
}

/* How many of the changes are of the row of `from` that ends at a position. */
static size_t changes_before(const decoder *self, uint64_t end)
{
    size_t count = 0;
    while (self->changed_next + count < self->changed.count && self->changed.at[self->changed_next + count] < end)
        count++;
    return count;
}

/* Room for `count` costs of one row. */
static bool cost_room(decoder *self, size_t count)
{
    if (count > self->row_room) {
        free(self->row_ranks);
        free(self->row_costs);
        self->row_ranks = array_of(self, count, sizeof *self->row_ranks);
        self->row_costs = array_of(self, count, sizeof *self->row_costs);
        self->row_room = count;
    }
    return self->row_ranks && self->row_costs;
}

/* The costs that the ascending ranks have now. */
static void look_up_costs(const alto_tree *items, const uint64_t *ranks, double *cells, size_t count)
{
    alto_cursor cursor;
    for (size_t i = 0; i < count;) {
        alto_cursor_seek_rank(&cursor, items, ranks[i]);
        const alto_tree *leaf = cursor.path[0].node;
        const double *held = alto_node_costs(leaf);
        uint64_t start = ranks[i] - cursor.path[0].index, end = start + alto_node_look(leaf).count;
        for (; i < count && ranks[i] < end; i++)
            cells[i] = held[ranks[i] - start];
    }
}

/* The ranks and new costs of the next `count` changes, all of the row with these items, the first of
 * which has position `start`. */
static alto_status take_new_costs(decoder *self, const alto_tree *items, uint64_t start, size_t count)
{
    if (!cost_room(self, count))
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        self->row_ranks[i] = self->changed.at[self->changed_next++] - start;
    look_up_costs(items, self->row_ranks, self->row_costs, count);
    return next_costs(&self->changed_costs, self->row_costs, count) ? ALTO_OK : ALTO_MALFORMED;
}

/* Changes of a row in which other things change too. */
static alto_status edit_changed(decoder *self, const alto_tree *items, uint64_t start)
{
    size_t count = changes_before(self, start + alto_tree_entries(items));
    alto_status status = take_new_costs(self, items, start, count);
    alto_cursor cursor = {.height = 0};
    for (size_t i = 0; status == ALTO_OK && i < count; i++) {
        alto_cursor_to(&cursor, items, self->row_ranks[i]);
        if (!add_edit(self, alto_cursor_key(&cursor), false, self->row_costs[i]))
            status = ALTO_NO_MEMORY;
    }
    return status;
}

static alto_status edit_removed(decoder *self, const alto_tree *items, uint64_t start)
{
    alto_cursor cursor = {.height = 0};
    uint64_t end = start + alto_tree_entries(items);
    for (; self->removed_next_cell < self->removed.count && self->removed.at[self->removed_next_cell] < end;
         self->removed_next_cell++) {
        alto_cursor_to(&cursor, items, self->removed.at[self->removed_next_cell] - start);
        if (!add_edit(self, alto_cursor_key(&cursor), true, 0))
            return ALTO_NO_MEMORY;
    }
    return ALTO_OK;
}

/* Take the next list of destinations. */
static alto_status next_list(decoder *self)
{
    uint64_t next = 0, count = self->group_counts.at[self->list_next++] + 1;
    self->list_count = 0;
    for (; count > 0; count--) {
        uint64_t step = self->group_steps.at[self->step_next++];
        const alto_tree *items;
        if (next >= ref_end(self) || step >= ref_end(self) - next)
            return ALTO_MALFORMED;
        alto_slice key = row_of(self, &self->name_walker, next + step, &items);
        next += step + 1;
        alto_slice name = {key.data + 1, key.size - 1};
        if (!ALTO_ARRAY_ADD(self->list, self->list_room, self->list_count, name))
            return ALTO_NO_MEMORY;
    }
    return ALTO_OK;
}

static alto_status edit_added(decoder *self, uint64_t ref)
{
    if (self->group_next == self->group_refs.count || self->group_refs.at[self->group_next] != ref)
        return ALTO_OK;
    alto_status status = self->group_same.at[self->group_next++] ? ALTO_OK : next_list(self);
    for (size_t i = 0; status == ALTO_OK && i < self->list_count; i++) {
        double cost = 0; /* there was none */
        if (!next_costs(&self->added_costs, &cost, 1))
            return ALTO_MALFORMED;
        if (!add_edit(self, self->list[i], false, cost))
            return ALTO_NO_MEMORY;
    }
    return status;
}

/* The row that holds the next position of a list; UINT64_MAX at its end. */
static uint64_t next_cell_ref(const decoder *self, alto_row_walker *walker, const alto_numbers *positions, size_t next)
{
    if (next == positions->count || !alto_row_walker_to_item(walker, self->payload.first_item + positions->at[next]))
        return UINT64_MAX;
    return ref_of_rank(self, walker->rank - self->payload.first_rank);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_number(const alto_numbers *numbers, size_t next)
{
    return next < numbers->count ? numbers->at[next] : UINT64_MAX;
}

/* Where the next change of each sort is: refs of payload rows, UINT64_MAX where there is none. */
typedef struct {
    uint64_t changed, removed, gone, empty, added, prefix, other;
} next_refs;

static next_refs look_ahead(decoder *self)
{
    return (next_refs){
        .changed = next_cell_ref(self, &self->changed_rows, &self->changed, self->changed_next),
        .removed = next_cell_ref(self, &self->removed_cells_rows, &self->removed, self->removed_next_cell),
        .gone = next_number(&self->removed_rows, self->removed_next),
        .empty = next_number(&self->empty_rows, self->empty_next),
        .added = next_number(&self->group_refs, self->group_next),
        .prefix = self->event_next < self->event_count ? self->events[self->event_next].ref : UINT64_MAX,
        .other = self->other_next < self->other_count ? self->other_events[self->other_next].ref : UINT64_MAX};
}

/* The least of all but the row of the next changed cell. */
static uint64_t least_but_changed(const next_refs *next)
{
    uint64_t keys = smaller(smaller(next->removed, next->added), smaller(next->gone, next->empty));
    return smaller(keys, smaller(next->prefix, next->other));
}

/* A row in which nothing but costs changes: keys need not be looked at. */
static alto_status set_costs(decoder *self, alto_slice key, const alto_tree *items, uint64_t start)
{
    size_t count = changes_before(self, start + alto_tree_entries(items));
    alto_tree *made = NULL;
    alto_status status = take_new_costs(self, items, start, count);
    if (status == ALTO_OK)
        status = alto_tree_set_costs(items, self->row_ranks, self->row_costs, count, &made);
    return status == ALTO_OK ? note_row(self, key, made, false) : status;
}

static alto_status edit_row(decoder *self, const next_refs *next, uint64_t ref, alto_slice key, const alto_tree *items)
{
    alto_status status = edit_prefixes(self, ref);
    if (status == ALTO_OK && next->changed == ref)
        status = edit_changed(self, items, self->changed_rows.start - self->payload.first_item);
    if (status == ALTO_OK && next->removed == ref)
        status = edit_removed(self, items, self->removed_cells_rows.start - self->payload.first_item);
    if (status == ALTO_OK)
        status = edit_added(self, ref);
    if (status == ALTO_OK)
        status = finish_row(self, key, items, next->gone == ref);
    self->removed_next += next->gone == ref;
    self->empty_next += next->empty == ref;
    return status;
}

/* One payload row after the other, in order. */
static alto_status edit_payload(decoder *self)
{
    alto_status status = ALTO_OK;
    while (status == ALTO_OK) {
        next_refs next = look_ahead(self);
        uint64_t others = least_but_changed(&next), ref = smaller(next.changed, others);
        if (ref == UINT64_MAX)
            break;
        const alto_tree *items;
        alto_slice key = row_of(self, &self->rows, ref, &items);
        if (ref < others)
            status = set_costs(self, key, items, self->changed_rows.start - self->payload.first_item);
        else
            status = edit_row(self, &next, ref, key, items);
    }
    return status;
}

/* ---- generic rows ---- */

/* Those of their section, and what the flags tell. */
static alto_status take_generic(decoder *self)
{
    const alto_generic_reader options = {.from = self->from,
                                         .end = self->payload.first_rank,
                                         .implied = self->implied,
                                         .flags = self->flags,
                                         .text_left = self->text_max,
                                         .row = apply_edits,
                                         .context = self};
    uint64_t rows = 0;
    alto_slice bytes = {0};
    if (self->flags & ALTO_DELTA_GENERIC) {
        rows = alto_bits_take_number(&self->in, ALTO_DELTA_COUNT);
        bytes = take_blob(self, &self->generic);
    }
    alto_status status = alto_bits_check(&self->in);
    return status == ALTO_OK ? alto_generic_read(&options, bytes, rows) : status;
}

/* ---- the whole ---- */

/* Which sections a delta of this kind may have. */
static bool flags_fit(const decoder *self)
{
    unsigned known = ALTO_DELTA_KNOWN;
    if (self->kind != ALTO_COST_MAP)
        known &= ~(unsigned)ALTO_DELTA_CELLS;
    if (self->kind == ALTO_DOCUMENT)
        known &= ~(unsigned)(ALTO_DELTA_NAMES | ALTO_DELTA_FIRST | ALTO_DELTA_SECOND);
    if (!self->implied || !self->implied->vtag.size)
        known &= ~(unsigned)ALTO_DELTA_VTAG;
    if (!self->implied || !self->implied->dependencies.size)
        known &= ~(unsigned)ALTO_DELTA_DEPENDENCIES;
    return !(self->flags & ~known);
}

static alto_status take_payload(decoder *self)
{
    bool cells = self->kind == ALTO_COST_MAP;
    if (self->flags & ALTO_DELTA_NAMES)
        take_name_section(self);
    if (self->flags & ALTO_DELTA_FIRST && cells)
        take_changed(self);
    else if (self->flags & ALTO_DELTA_FIRST)
        take_prefixes(self);
    if (self->flags & ALTO_DELTA_SECOND && cells)
        take_ascending(self, &self->removed, self->payload.items);
    else if (self->flags & ALTO_DELTA_SECOND)
        take_others(self);
    if (self->flags & ALTO_DELTA_CELLS)
        take_cells(self);
    return alto_bits_check(&self->in);
}

/* Nothing but zeros may be left. */
static alto_status take_end(decoder *self)
{
    alto_bits_take_bytes(&self->in, 0);
    alto_slice rest = alto_bits_take_bytes(&self->in, alto_bits_left(&self->in));
    for (size_t i = 0; i < rest.size; i++)
        if (rest.data[i])
            return ALTO_MALFORMED;
    return alto_bits_check(&self->in);
}

/* Row edits have to ascend, so the generic rows, whose section comes last, are edited first. */
static alto_status decode(decoder *self)
{
    self->flags = (unsigned)alto_bits_take(&self->in, 8);
    if (!flags_fit(self))
        return ALTO_MALFORMED;
    alto_status status = take_payload(self);
    if (status == ALTO_OK)
        status = take_generic(self);
    if (status == ALTO_OK)
        status = take_end(self);
    return status == ALTO_OK ? edit_payload(self) : status;
}

/* What is known of both versions bounds what there can be to say. */
static void set_bounds(decoder *self, const alto_version *from, const alto_implied *implied)
{
    self->raw_max = self->text_max = UINT64_MAX;
    if (!implied || !implied->text_size || (from && !implied->from_text_size))
        return;
    self->text_max = implied->text_size;
    self->raw_max = alto_delta_bound(implied->text_size, implied->from_text_size);
    if (self->entries_max > self->raw_max)
        self->entries_max = self->raw_max;
}

alto_status alto_delta_apply(alto_pool *pool, alto_kind kind, const alto_version *from, alto_slice delta,
                             const alto_implied *implied, const alto_hash *root, alto_version **out)
{
    assert(!from || alto_version_kind(from) == kind);
    const alto_tree *rows = from ? alto_version_tree(from) : NULL;
    decoder self = {.pool = pool,
                    .kind = kind,
                    .from = rows,
                    .implied = implied,
                    .payload = alto_payload_range_of(rows),
                    .in = alto_bit_reader_make(delta),
                    .entries_max = ALTO_DELTA_FREE + (uint64_t)delta.size * ALTO_DELTA_RATIO,
                    .name_bytes = alto_buffer_make(SIZE_MAX / 4),
                    .changed_rows = alto_row_walker_make(rows),
                    .removed_cells_rows = alto_row_walker_make(rows),
                    .rows = alto_row_walker_make(rows),
                    .name_walker = alto_row_walker_make(rows)};
    alto_version *made = NULL;
    set_bounds(&self, from, implied);
    alto_status status = delta.size > ALTO_MAX_PAYLOAD ? ALTO_TOO_LARGE : decode(&self);
    if (status == ALTO_OK)
        status = alto_version_edit(pool, kind, from, self.row_edits, self.row_edit_count, &made);
    decoder_fini(&self);
    if (status != ALTO_OK)
        return status;
    if (!alto_hash_equal(alto_version_root(made), root)) {
        alto_version_release(made);
        return ALTO_ROOT_MISMATCH;
    }
    *out = made;
    return ALTO_OK;
}
