/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compress.h"
#include "core/delta.h"
#include "core/delta_generic.h"
#include "core/number.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- what was found ---- */

/* One prefix, or other item, that came or went. */
typedef struct {
    alto_slice key;
    uint32_t row; /* index of the touched row */
    bool removed;
} event;

/* A payload row that both versions have or that is new. */
typedef struct {
    alto_slice name;
    bool is_new;
    uint64_t ref; /* while gathering: rank among the payload rows of `from`; afterwards as written */
} touched;

/* The cells that one row gets. */
typedef struct {
    uint32_t row;
    bool same;               /* destinations as in the group before */
    size_t first_key, count; /* of `keys`; all groups have their values in `added` one after the other */
} group;

typedef struct {
    alto_kind kind;
    const alto_tree *from, *to; /* trees of rows */
    alto_payload_range payload; /* of `from` */
    alto_row_walker walker;     /* in `from`, for positions of cells */
    uint64_t row_start;         /* cells of `from` before the row at hand */

    touched *rows;
    size_t row_count, row_room;
    alto_slice *names; /* new ones; in the end sorted, each once */
    size_t name_count, name_room;
    alto_numbers empty_rows;   /* indexes of `rows` */
    alto_numbers removed_rows; /* ranks among the payload rows */

    event *prefixes, *others;
    size_t prefix_count, prefix_room, other_count, other_room;

    alto_numbers changed, removed; /* positions of cells */
    double *before, *after;        /* of the cells changed */
    size_t before_room, after_room;
    group *groups;
    size_t group_count, group_room;
    alto_slice *keys;
    size_t key_count, key_room;
    double *added;
    size_t added_count, added_room;

    alto_generic_writer generic; /* rows that are no payload */

    alto_bit_writer out;
    uint64_t entries;  /* counted against ALTO_DELTA_FREE and ALTO_DELTA_RATIO */
    uint64_t raw_size; /* about what the columns would need as plain varints */
} encoder;

static void encoder_fini(encoder *self)
{
    free(self->rows);
    free(self->names);
    alto_numbers_fini(&self->empty_rows);
    alto_numbers_fini(&self->removed_rows);
    free(self->prefixes);
    free(self->others);
    alto_numbers_fini(&self->changed);
    alto_numbers_fini(&self->removed);
    free(self->before);
    free(self->after);
    free(self->groups);
    free(self->keys);
    free(self->added);
    alto_buffer_fini(&self->generic.bytes);
}

/* ---- gathering: payload ---- */

static alto_status found_prefix(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                                uint64_t rank_before, uint64_t rank_after)
{
    (void)after, (void)rank_before, (void)rank_after;
    encoder *self = context;
    event found = {key, (uint32_t)self->row_count - 1, before != NULL};
    alto_prefix prefix;
    bool good = alto_prefix_of_key(key, &prefix)
                    ? ALTO_ARRAY_ADD(self->prefixes, self->prefix_room, self->prefix_count, found)
                    : ALTO_ARRAY_ADD(self->others, self->other_room, self->other_count, found);
    return good ? ALTO_OK : ALTO_NO_MEMORY;
}

/* Room for so many more cells that change. */
static bool changed_room(encoder *self, size_t more)
{
    size_t last = self->changed.count + more - 1;
    return alto_array_room(&self->before, &self->before_room, last, sizeof *self->before) &&
           alto_array_room(&self->after, &self->after_room, last, sizeof *self->after) &&
           alto_array_room(&self->changed.at, &self->changed.capacity, last, sizeof *self->changed.at);
}

static bool changed_cell(encoder *self, uint64_t position, double before, double after)
{
    if (!changed_room(self, 1))
        return false;
    size_t at = self->changed.count++;
    self->changed.at[at] = position;
    self->before[at] = before;
    self->after[at] = after;
    return true;
}

/* Two leaves with the same destinations. */
static alto_status found_costs(void *context, const alto_tree *before, const alto_tree *after, uint64_t rank_before)
{
    encoder *self = context;
    uint32_t count = alto_node_look(before).count;
    if (!changed_room(self, count))
        return ALTO_NO_MEMORY;
    const double *old = alto_node_costs(before), *new = alto_node_costs(after);
    size_t at = self->changed.count;
    for (uint32_t i = 0; i < count; i++) { /* all are noted, those that are the same not for long */
        self->changed.at[at] = self->row_start + rank_before + i;
        self->before[at] = old[i];
        self->after[at] = new[i];
        at += old[i] != new[i]; /* neither is -0 */
    }
    self->changed.count = at;
    return ALTO_OK;
}

static bool added_cell(encoder *self, alto_slice key, double cost)
{
    uint32_t row = (uint32_t)self->row_count - 1;
    if (!self->group_count || self->groups[self->group_count - 1].row != row) {
        group fresh = {.row = row, .first_key = self->key_count};
        if (!ALTO_ARRAY_ADD(self->groups, self->group_room, self->group_count, fresh))
            return false;
    }
    self->groups[self->group_count - 1].count++;
    return ALTO_ARRAY_ADD(self->keys, self->key_room, self->key_count, key) &&
           ALTO_ARRAY_ADD(self->added, self->added_room, self->added_count, cost);
}

static alto_status found_cell(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                              uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_after;
    encoder *self = context;
    bool good;
    if (!before)
        good = added_cell(self, key, after->cost);
    else if (!after)
        good = alto_numbers_add(&self->removed, self->row_start + rank_before);
    else
        good = changed_cell(self, self->row_start + rank_before, before->cost, after->cost);
    return good ? ALTO_OK : ALTO_NO_MEMORY;
}

static bool same_keys(const alto_slice *a, const alto_slice *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].data != b[i].data && !alto_slice_equal(a[i], b[i]))
            return false;
    return true;
}

/* Where the last row got the same destinations as the one before, forget its own list. */
static void fold_group(encoder *self)
{
    if (self->group_count < 2)
        return;
    group *last = &self->groups[self->group_count - 1];
    const group *before = last - 1;
    if (last->same || last->row != self->row_count - 1 || last->count != before->count ||
        !same_keys(self->keys + before->first_key, self->keys + last->first_key, last->count))
        return;
    self->key_count = last->first_key;
    last->first_key = before->first_key;
    last->same = true;
}

static alto_status found_payload(encoder *self, alto_slice key, const alto_value *before, const alto_value *after,
                                 uint64_t rank)
{
    uint64_t ref = rank - self->payload.first_rank;
    if (!after)
        return alto_numbers_add(&self->removed_rows, ref) ? ALTO_OK : ALTO_NO_MEMORY;
    touched row = {{key.data + 1, key.size - 1}, !before, ref};
    if (!ALTO_ARRAY_ADD(self->rows, self->row_room, self->row_count, row))
        return ALTO_NO_MEMORY;
    if (!before && !ALTO_ARRAY_ADD(self->names, self->name_room, self->name_count, row.name))
        return ALTO_NO_MEMORY;
    if (!before && alto_tree_entries(after->row) == 0)
        return alto_numbers_add(&self->empty_rows, self->row_count - 1) ? ALTO_OK : ALTO_NO_MEMORY;
    if (before && self->kind == ALTO_COST_MAP && alto_row_walker_to_rank(&self->walker, rank))
        self->row_start = self->walker.start - self->payload.first_item;
    const alto_tree *old = before ? before->row : NULL;
    alto_status status = self->kind == ALTO_COST_MAP
                             ? alto_tree_diff_leaves(old, after->row, found_cell, found_costs, self)
                             : alto_tree_diff(old, after->row, found_prefix, self);
    fold_group(self);
    return status;
}

static alto_status found_row(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                             uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_after;
    encoder *self = context;
    if (key.data[0] == ALTO_ROW_PAYLOAD)
        return found_payload(self, key, before, after, rank_before);
    return alto_generic_write(&self->generic, key, before, after, rank_before);
}

/* ---- names and references ---- */

static int compare_names(const void *a, const void *b)
{
    return alto_slice_compare(*(const alto_slice *)a, *(const alto_slice *)b);
}

/* Rank of a name among the payload rows of `from`. */
static uint64_t rank_of(const encoder *self, alto_slice name, bool *known)
{
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, name);
    return alto_tree_rank(self->from, alto_row_key_slice(&key), known) - self->payload.first_rank;
}

/* Sort the new names; add those destinations that are no PID of `from` either. */
static alto_status gather_names(encoder *self)
{
    for (size_t i = 0; i < self->key_count; i++) {
        bool known;
        if (self->keys[i].size > ALTO_DELTA_NAME_MAX)
            return ALTO_TOO_LARGE;
        rank_of(self, self->keys[i], &known);
        if (!known && !ALTO_ARRAY_ADD(self->names, self->name_room, self->name_count, self->keys[i]))
            return ALTO_NO_MEMORY;
    }
    if (self->name_count)
        qsort(self->names, self->name_count, sizeof *self->names, compare_names);
    size_t kept = 0;
    for (size_t i = 0; i < self->name_count; i++)
        if (!kept || !alto_slice_equal(self->names[kept - 1], self->names[i]))
            self->names[kept++] = self->names[i];
    self->name_count = kept;
    return ALTO_OK;
}

/* New names that come before this one. */
static size_t names_before(const encoder *self, alto_slice name)
{
    size_t low = 0, high = self->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alto_slice_compare(self->names[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* References count through the old and the new names in one order. */
static uint64_t ref_of(const encoder *self, alto_slice name)
{
    return rank_of(self, name, NULL) + names_before(self, name);
}

static alto_slice name_at_rank(const encoder *self, uint64_t rank)
{
    alto_cursor cursor;
    alto_cursor_seek_rank(&cursor, self->from, self->payload.first_rank + rank);
    alto_slice key = alto_cursor_key(&cursor);
    return (alto_slice){key.data + 1, key.size - 1};
}

static void resolve_rows(encoder *self)
{
    for (size_t i = 0; i < self->row_count; i++) {
        touched *row = &self->rows[i];
        row->ref = row->is_new ? ref_of(self, row->name) : row->ref + names_before(self, row->name);
    }
    for (size_t i = 0; i < self->removed_rows.count && self->name_count; i++)
        self->removed_rows.at[i] += names_before(self, name_at_rank(self, self->removed_rows.at[i]));
    for (size_t i = 0; i < self->empty_rows.count; i++)
        self->empty_rows.at[i] = self->rows[self->empty_rows.at[i]].ref;
}

/* ---- writing ---- */

static void put_count(encoder *self, uint64_t count)
{
    alto_bits_put_number(&self->out, count, ALTO_DELTA_COUNT);
    self->entries += count;
    self->raw_size++;
}

static alto_status put_column(encoder *self, const alto_numbers *column)
{
    for (size_t i = 0; i < column->count; i++)
        self->raw_size += ((64 - (unsigned)__builtin_clzll(column->at[i] | 1)) * 9 + 64) / 64; /* of a varint */
    return alto_column_write(&self->out, column->at, column->count);
}

/* Ascending numbers as the steps between them, less `least` (0 or 1), in place. */
static void to_steps(alto_numbers *column, uint64_t least)
{
    uint64_t before = 0;
    for (size_t i = 0; i < column->count; i++) {
        uint64_t value = column->at[i];
        column->at[i] = value - before;
        before = value + least;
    }
}

static alto_status put_ascending(encoder *self, alto_numbers *column)
{
    put_count(self, column->count);
    to_steps(column, 1);
    return put_column(self, column);
}

/* Bytes, packed where that helps. */
static alto_status put_blob(encoder *self, alto_slice raw)
{
    alto_buffer packed = alto_buffer_make(ALTO_MAX_PAYLOAD);
    alto_status status = ALTO_OK;
    bool good = raw.size >= ALTO_DELTA_WORTH;
    if (good)
        status = alto_compress(raw, ALTO_DELTA_LEVEL, &packed);
    good = good && status == ALTO_OK && packed.size + 2 < raw.size && raw.size <= alto_blob_limit(packed.size);
    alto_bits_put(&self->out, good, 1);
    alto_bits_put_number(&self->out, raw.size, ALTO_DELTA_SIZE);
    if (good)
        alto_bits_put_number(&self->out, packed.size, ALTO_DELTA_SIZE);
    alto_bits_align(&self->out);
    alto_bits_put_bytes(&self->out, good ? alto_buffer_slice(&packed) : raw);
    alto_buffer_fini(&packed);
    self->raw_size += raw.size;
    return status == ALTO_OK ? self->out.out->status : status;
}

static alto_status put_names(encoder *self)
{
    alto_numbers shared = {0}, rest = {0};
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_PAYLOAD);
    alto_slice before = {0};
    bool good = true;
    for (size_t i = 0; i < self->name_count && good; i++) {
        alto_slice name = self->names[i];
        size_t same = alto_common_start(before, name);
        good = alto_numbers_add(&shared, same) && alto_numbers_add(&rest, name.size - same);
        alto_buffer_add(&bytes, name.data + same, name.size - same);
        before = name;
    }
    alto_status status = good ? bytes.status : ALTO_NO_MEMORY;
    put_count(self, self->name_count);
    if (status == ALTO_OK)
        status = put_column(self, &shared);
    if (status == ALTO_OK)
        status = put_column(self, &rest);
    if (status == ALTO_OK && self->name_count)
        status = put_blob(self, alto_buffer_slice(&bytes));
    alto_numbers_fini(&shared);
    alto_numbers_fini(&rest);
    alto_buffer_fini(&bytes);
    return status;
}

static alto_status put_name_section(encoder *self)
{
    alto_status status = put_names(self);
    if (status == ALTO_OK)
        status = put_ascending(self, &self->removed_rows);
    if (status == ALTO_OK)
        status = put_ascending(self, &self->empty_rows);
    return status;
}

/* ---- writing: network maps ---- */

static int compare_events(const void *a, const void *b)
{
    const event *x = a, *y = b;
    int order = alto_slice_compare(x->key, y->key);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int compare_by_row(const void *a, const void *b)
{
    const event *x = a, *y = b;
    int order = (x->row > y->row) - (x->row < y->row);
    return order ? order : alto_slice_compare(x->key, y->key);
}

/* The columns of the prefixes. */
typedef struct {
    alto_numbers ops, plain_lengths, steps, widths, pids;
    alto_address *gaps;
    size_t families[2]; /* how many prefixes of each */
    size_t count;
} prefix_columns;

static void prefix_columns_fini(prefix_columns *self)
{
    alto_numbers_fini(&self->ops);
    alto_numbers_fini(&self->plain_lengths);
    alto_numbers_fini(&self->steps);
    alto_numbers_fini(&self->widths);
    alto_numbers_fini(&self->pids);
    free(self->gaps);
}

static unsigned address_width(alto_address value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    return high ? 128 - (unsigned)__builtin_clzll(high) : low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

/* Is this event with the next one a move: gone from one PID, come to one other, and no more? */
static bool is_move(const event *events, size_t left)
{
    return left >= 2 && alto_slice_equal(events[0].key, events[1].key) && events[0].removed != events[1].removed &&
           (left == 2 || !alto_slice_equal(events[1].key, events[2].key));
}

static bool add_pids(const encoder *self, prefix_columns *columns, alto_recent *recent, const event *events,
                     uint64_t op)
{
    const event *first = op == ALTO_PREFIX_MOVE && !events->removed ? events + 1 : events;
    if (!alto_numbers_add(&columns->pids, alto_recent_write(recent, self->rows[first->row].ref)))
        return false;
    const event *second = first == events ? events + 1 : events;
    return op != ALTO_PREFIX_MOVE ||
           alto_numbers_add(&columns->pids, alto_recent_write(recent, self->rows[second->row].ref));
}

static bool add_place(prefix_columns *columns, alto_prefix prefix, const alto_prefix *before)
{
    alto_address gap = (alto_units(prefix.family, prefix.address, prefix.length) -
                        alto_units(prefix.family, before->address, prefix.length)) &
                       alto_unit_mask(prefix.length);
    columns->gaps[columns->count++] = gap;
    columns->families[prefix.family == ALTO_ITEM_IPV6]++;
    return alto_numbers_add(&columns->widths, address_width(gap)) &&
           alto_numbers_add(&columns->plain_lengths, alto_length_code(false, prefix.family, prefix.length, 0)) &&
           alto_numbers_add(&columns->steps, alto_length_code(true, prefix.family, prefix.length, before->length));
}

static alto_prefix family_start(int family)
{
    return (alto_prefix){.family = family,
                         .length = family == ALTO_ITEM_IPV4 ? ALTO_FIRST_LENGTH4 : ALTO_FIRST_LENGTH6,
                         .address = alto_family_origin(family)};
}

static bool fill_prefix_columns(const encoder *self, prefix_columns *columns)
{
    alto_recent recent = {.count = 0};
    alto_prefix before = {0};
    columns->gaps = malloc(self->prefix_count * sizeof *columns->gaps);
    bool good = columns->gaps != NULL;
    for (size_t i = 0; good && i < self->prefix_count; i++) {
        const event *at = &self->prefixes[i];
        uint64_t op = is_move(at, self->prefix_count - i) ? ALTO_PREFIX_MOVE
                      : at->removed                       ? ALTO_PREFIX_REMOVE
                                                          : ALTO_PREFIX_ADD;
        alto_prefix prefix = {0};
        alto_prefix_of_key(at->key, &prefix);
        if (prefix.family != before.family)
            before = family_start(prefix.family);
        good = add_place(columns, prefix, &before) && alto_numbers_add(&columns->ops, op) &&
               add_pids(self, columns, &recent, at, op);
        before = prefix;
        i += op == ALTO_PREFIX_MOVE;
    }
    return good;
}

static void put_gaps(encoder *self, const prefix_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        unsigned width = (unsigned)columns->widths.at[i];
        if (width > 65)
            alto_bits_put_wide(&self->out, (uint64_t)(columns->gaps[i] >> 64) & ((UINT64_C(1) << (width - 65)) - 1),
                               width - 65);
        unsigned low = width > 64 ? 64 : width ? width - 1 : 0; /* the first one is known */
        uint64_t bits = (uint64_t)columns->gaps[i];
        alto_bits_put_wide(&self->out, low == 64 ? bits : bits & ((UINT64_C(1) << low) - 1), low);
        self->raw_size += width / 8;
    }
}

/* Which families there are: bit 0 IPv4, bit 1 IPv6; how many of IPv4 when both. */
static void put_families(encoder *self, const prefix_columns *columns)
{
    unsigned families = (columns->families[0] ? 1u : 0u) | (columns->families[1] ? 2u : 0u);
    alto_bits_put(&self->out, families, 2);
    if (families == 3)
        alto_bits_put_number(&self->out, columns->families[0], ALTO_DELTA_COUNT);
}

static alto_status put_prefix_columns(encoder *self, prefix_columns *columns)
{
    bool by_steps = alto_column_bits(columns->steps.at, columns->count) <
                    alto_column_bits(columns->plain_lengths.at, columns->count);
    put_count(self, columns->count);
    put_families(self, columns);
    alto_bits_put(&self->out, by_steps, 1);
    alto_status status = put_column(self, &columns->ops);
    if (status == ALTO_OK)
        status = put_column(self, by_steps ? &columns->steps : &columns->plain_lengths);
    if (status == ALTO_OK)
        status = put_column(self, &columns->widths);
    put_gaps(self, columns);
    if (status == ALTO_OK)
        status = put_column(self, &columns->pids);
    return status;
}

static alto_status put_prefixes(encoder *self)
{
    prefix_columns columns = {.gaps = NULL};
    qsort(self->prefixes, self->prefix_count, sizeof *self->prefixes, compare_events);
    alto_status status = fill_prefix_columns(self, &columns) ? put_prefix_columns(self, &columns) : ALTO_NO_MEMORY;
    prefix_columns_fini(&columns);
    return status;
}

static alto_status put_others(encoder *self)
{
    alto_numbers refs = {0}, ops = {0}, sizes = {0};
    alto_buffer keys = alto_buffer_make(ALTO_MAX_PAYLOAD);
    bool good = true;
    qsort(self->others, self->other_count, sizeof *self->others, compare_by_row);
    for (size_t i = 0; i < self->other_count && good; i++) {
        const event *other = &self->others[i];
        good = alto_numbers_add(&refs, self->rows[other->row].ref) && alto_numbers_add(&ops, other->removed) &&
               alto_numbers_add(&sizes, other->key.size);
        alto_buffer_add_slice(&keys, other->key);
    }
    alto_status status = good ? keys.status : ALTO_NO_MEMORY;
    put_count(self, self->other_count);
    to_steps(&refs, 0);
    if (status == ALTO_OK)
        status = put_column(self, &refs);
    if (status == ALTO_OK)
        status = put_column(self, &ops);
    if (status == ALTO_OK)
        status = put_column(self, &sizes);
    if (status == ALTO_OK)
        status = put_blob(self, alto_buffer_slice(&keys));
    alto_numbers_fini(&refs);
    alto_numbers_fini(&ops);
    alto_numbers_fini(&sizes);
    alto_buffer_fini(&keys);
    return status;
}

/* ---- writing: costs ---- */

enum { SAMPLE = 64, DIFFERENCE_SAMPLE = 256 };

/* The number of decimals that costs least, judged by every step-th value: values that need more are
 * written whole. */
static unsigned best_decimals(const double *values, size_t count, size_t step)
{
    double counts[ALTO_COST_DECIMALS + 1] = {0}, least = HUGE_VAL, exact = 0, all = 0;
    unsigned best = 0;
    for (size_t i = 0; i < count; i += step) {
        int64_t integer;
        unsigned decimals;
        bool found = alto_number_decimal(values[i], &integer, &decimals);
        counts[found ? decimals : ALTO_COST_DECIMALS]++;
        all++;
    }
    for (unsigned decimals = 0; decimals < ALTO_COST_DECIMALS; decimals++) {
        exact += counts[decimals];
        double cost = exact * decimals * 3.33 + (all - exact) * 72;
        if (cost < least) {
            least = cost;
            best = decimals;
        }
    }
    return best;
}

/* The costs of a column, ready to be written. */
typedef struct {
    unsigned decimals, form;
    alto_numbers exceptions; /* their indexes */
    alto_numbers values;
} cost_column;

static bool integers_of(const double *before, const double *after, size_t count, unsigned decimals, unsigned form,
                        cost_column *column)
{
    bool good = true;
    column->decimals = decimals;
    column->form = form;
    column->exceptions.count = column->values.count = 0;
    for (size_t i = 0; i < count && good; i++) {
        int64_t old = 0, new;
        if (!alto_cost_scaled(after[i], decimals, &new) ||
            (form == ALTO_COSTS_DIFFERENCES && (!alto_cost_scaled(before[i], decimals, &old) || old == new)))
            good = alto_numbers_add(&column->exceptions, i);
        else if (form == ALTO_COSTS_PLAIN && new < 0)
            return integers_of(before, after, count, decimals, ALTO_COSTS_SIGNED, column);
        else
            good = alto_numbers_add(&column->values, form == ALTO_COSTS_PLAIN    ? (uint64_t) new
                                                     : form == ALTO_COSTS_SIGNED ? alto_zigzag(new)
                                                                                 : alto_zigzag(new - old) - 1);
    }
    return good;
}

/* Is it likely that differences need fewer bits than the new values themselves? */
static bool prefer_differences(const double *before, const double *after, size_t count, unsigned decimals)
{
    uint64_t plain = 0, differences = 0;
    for (size_t i = 0; i < count; i += count / DIFFERENCE_SAMPLE + 1) {
        int64_t old, new;
        if (!alto_cost_scaled(after[i], decimals, &new) || !alto_cost_scaled(before[i], decimals, &old) || new == old)
            continue;
        plain += 64 - (unsigned)__builtin_clzll((new < 0 ? alto_zigzag(new) : (uint64_t) new) | 1);
        differences += 64 - (unsigned)__builtin_clzll((alto_zigzag(new - old) - 1) | 1);
    }
    return differences < plain;
}

static alto_status put_cost_column(encoder *self, cost_column *column, const double *after)
{
    alto_bits_put(&self->out, column->decimals, 4);
    alto_bits_put(&self->out, column->form, 2);
    alto_bits_put_number(&self->out, column->exceptions.count, 0);
    for (size_t i = 0; i < column->exceptions.count; i++) {
        uint64_t bits;
        memcpy(&bits, &after[column->exceptions.at[i]], sizeof bits);
        alto_bits_put_wide(&self->out, bits, 64);
        self->raw_size += sizeof bits;
    }
    to_steps(&column->exceptions, 1);
    alto_status status = put_column(self, &column->exceptions);
    return status == ALTO_OK ? put_column(self, &column->values) : status;
}

/* before NULL: there are no old values. */
static alto_status put_costs(encoder *self, const double *before, const double *after, size_t count)
{
    cost_column column = {.decimals = 0};
    unsigned decimals = best_decimals(after, count, count / SAMPLE + 1);
    bool differences = before && prefer_differences(before, after, count, decimals);
    unsigned form = differences ? ALTO_COSTS_DIFFERENCES : ALTO_COSTS_PLAIN;
    bool good = integers_of(before, after, count, decimals, form, &column);
    if (good && column.exceptions.count * 16 > count) { /* the sample misled */
        decimals = best_decimals(after, count, 1);
        form = form == ALTO_COSTS_DIFFERENCES && prefer_differences(before, after, count, decimals)
                   ? ALTO_COSTS_DIFFERENCES
                   : ALTO_COSTS_PLAIN;
        good = integers_of(before, after, count, decimals, form, &column);
    }
    alto_status status = good ? put_cost_column(self, &column, after) : ALTO_NO_MEMORY;
    alto_numbers_fini(&column.exceptions);
    alto_numbers_fini(&column.values);
    return status;
}

/* Destinations of the groups that have lists of their own. */
static bool fill_lists(encoder *self, alto_numbers *counts, alto_numbers *refs)
{
    bool good = true;
    for (size_t i = 0; i < self->group_count && good; i++) {
        const group *at = &self->groups[i];
        uint64_t next = 0;
        if (at->same)
            continue;
        good = alto_numbers_add(counts, at->count - 1);
        for (size_t k = at->first_key; k < at->first_key + at->count && good; k++) {
            uint64_t ref = ref_of(self, self->keys[k]);
            good = alto_numbers_add(refs, ref - next);
            next = ref + 1;
        }
    }
    return good;
}

static alto_status put_cells(encoder *self)
{
    alto_numbers rows = {0}, same = {0}, counts = {0}, refs = {0};
    bool good = true;
    for (size_t i = 0; i < self->group_count && good; i++)
        good = alto_numbers_add(&rows, self->rows[self->groups[i].row].ref) &&
               alto_numbers_add(&same, self->groups[i].same);
    good = good && fill_lists(self, &counts, &refs);
    alto_status status = good ? put_ascending(self, &rows) : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = put_column(self, &same);
    if (status == ALTO_OK)
        status = put_column(self, &counts);
    if (status == ALTO_OK)
        status = put_column(self, &refs);
    if (status == ALTO_OK)
        status = put_costs(self, NULL, self->added, self->added_count);
    self->entries += self->added_count;
    alto_numbers_fini(&rows);
    alto_numbers_fini(&same);
    alto_numbers_fini(&counts);
    alto_numbers_fini(&refs);
    return status;
}

/* ---- the whole ---- */

static unsigned sections_of(const encoder *self)
{
    unsigned flags = self->generic.flags;
    if (self->name_count || self->removed_rows.count || self->empty_rows.count)
        flags |= ALTO_DELTA_NAMES;
    if (self->prefix_count || self->changed.count)
        flags |= ALTO_DELTA_FIRST;
    if (self->other_count || self->removed.count)
        flags |= ALTO_DELTA_SECOND;
    if (self->group_count)
        flags |= ALTO_DELTA_CELLS;
    if (self->generic.rows)
        flags |= ALTO_DELTA_GENERIC;
    return flags;
}

static alto_status put_changed(encoder *self)
{
    size_t count = self->changed.count;
    alto_status status = put_ascending(self, &self->changed);
    return status == ALTO_OK ? put_costs(self, self->before, self->after, count) : status;
}

static alto_status put_generic(encoder *self)
{
    alto_bits_put_number(&self->out, self->generic.rows, ALTO_DELTA_COUNT);
    return put_blob(self, alto_buffer_slice(&self->generic.bytes));
}

static alto_status put_sections(encoder *self)
{
    bool costs = self->kind == ALTO_COST_MAP;
    unsigned flags = sections_of(self);
    alto_status status = ALTO_OK;
    alto_bits_put(&self->out, flags, 8);
    if (flags & ALTO_DELTA_NAMES)
        status = put_name_section(self);
    if (status == ALTO_OK && flags & ALTO_DELTA_FIRST)
        status = costs ? put_changed(self) : put_prefixes(self);
    if (status == ALTO_OK && flags & ALTO_DELTA_SECOND)
        status = costs ? put_ascending(self, &self->removed) : put_others(self);
    if (status == ALTO_OK && flags & ALTO_DELTA_CELLS)
        status = put_cells(self);
    if (status == ALTO_OK && flags & ALTO_DELTA_GENERIC)
        status = put_generic(self);
    alto_bits_align(&self->out);
    return status;
}

/* Zero bytes, so that as many entries as there are may be claimed. */
static void pad(encoder *self, size_t start)
{
    alto_buffer *out = self->out.out;
    uint64_t least = self->entries > ALTO_DELTA_FREE
                         ? (self->entries - ALTO_DELTA_FREE + ALTO_DELTA_RATIO - 1) / ALTO_DELTA_RATIO
                         : 0;
    size_t size = out->size - start;
    uint8_t *more = size < least ? alto_buffer_grow(out, (size_t)least - size) : NULL;
    if (more)
        memset(more, 0, (size_t)least - size);
}

alto_status alto_delta_encode(const alto_version *from, const alto_version *to, const alto_implied *implied,
                              alto_buffer *out, uint64_t *raw_size)
{
    assert(!from || alto_version_kind(from) == alto_version_kind(to));
    size_t start = out->size;
    encoder self = {.kind = alto_version_kind(to),
                    .from = from ? alto_version_tree(from) : NULL,
                    .to = alto_version_tree(to),
                    .generic = {.implied = implied, .bytes = alto_buffer_make(ALTO_MAX_PAYLOAD)},
                    .out = alto_bit_writer_make(out)};
    self.payload = alto_payload_range_of(self.from);
    self.walker = alto_row_walker_make(self.from);
    alto_status status = alto_tree_diff(self.from, self.to, found_row, &self);
    if (status == ALTO_OK)
        status = gather_names(&self);
    if (status == ALTO_OK) {
        resolve_rows(&self);
        status = put_sections(&self);
    }
    if (status == ALTO_OK) {
        pad(&self, start);
        status = out->status;
    }
    if (status == ALTO_OK && raw_size)
        *raw_size = self.raw_size;
    encoder_fini(&self);
    return status;
}
