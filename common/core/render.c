/* SPDX-License-Identifier: Apache-2.0 */
#include "core/render.h"

#include "core/compress.h"
#include "core/render_piece.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    ITEMS_MAX = 4096, /* items of one piece: some 64 KB of text */
    ROWS_MAX = 8192,  /* the same for rows, each of which counts ROW_WEIGHT beside its items */
    ROW_WEIGHT = 2,
    TEXT_PER_ITEM = 16,  /* bytes of JSON values that count as one item */
    GROUP_BITS = 3,      /* of 8 nodes that follow each other, one ends a piece */
    SMALL_ROW = 8,       /* items: such a row is written as glue rather than kept as a piece */
    SMALL_TEXT = 1024,   /* bytes of JSON values: likewise */
    LEAD_MAX = 256,      /* bytes of glue that are stored as they are, and kept with the piece behind them */
    JOINED_MAX = 262144, /* bytes: a rendering up to this size is one slice */
    ZSTD_LEVEL = 3
};

struct alto_rendering {
    atomic_uint refs;
    uint64_t size;
    size_t count, piece_count;
    alto_slice *slices;  /* owned array; into pieces and glue */
    alto_piece **pieces; /* owned references */
    uint8_t *glue;       /* owned */
};

/* A slice while the glue still moves. */
typedef struct {
    const uint8_t *data; /* NULL: in the glue, at `at` */
    size_t at, size;
} part;

/* A rendering being made. */
typedef struct {
    alto_kind kind;
    alto_coding coding;
    bool keep;               /* pieces are kept with the nodes; otherwise all text goes to `pending` */
    alto_status status;      /* first failure outside of the buffers */
    alto_buffer *pending;    /* glue not yet written */
    alto_buffer own_pending; /* `pending`, unless the caller's buffer is */
    alto_buffer scratch;     /* text of a piece being made: lead and body */
    alto_buffer packed;      /* its compressed form */
    alto_buffer glue;        /* bytes of the parts that are no pieces */
    alto_buffer parts;       /* of part */
    alto_buffer pieces;      /* of alto_piece *, owned */
    alto_deflater *deflater; /* made when needed */
    uint32_t crc;
    uint64_t text_size;
} maker;

/* Entries of one row, or the payload rows, as they are written one after another. */
typedef struct {
    maker *to;
    alto_form form;
    alto_slice last; /* key of the last entry written, while `started` */
    bool started;
} stretch;

static maker maker_make(alto_kind kind, alto_coding coding, bool keep)
{
    maker made = {.kind = kind, .coding = coding, .keep = keep, .status = ALTO_OK};
    made.own_pending = made.scratch = made.packed = made.glue = made.parts = made.pieces = alto_buffer_make(SIZE_MAX);
    return made;
}

static void maker_fini(maker *self)
{
    alto_piece **pieces = (alto_piece **)(void *)self->pieces.data;
    for (size_t i = 0; i < self->pieces.size / sizeof *pieces; i++)
        alto_piece_release(pieces[i]);
    alto_buffer_fini(&self->own_pending);
    alto_buffer_fini(&self->scratch);
    alto_buffer_fini(&self->packed);
    alto_buffer_fini(&self->glue);
    alto_buffer_fini(&self->parts);
    alto_buffer_fini(&self->pieces);
    alto_deflater_destroy(&self->deflater);
}

static alto_status maker_status(const maker *self)
{
    const alto_buffer *const buffers[] = {self->pending, &self->scratch, &self->packed,
                                          &self->glue,   &self->parts,   &self->pieces};
    alto_status status = self->status;
    for (size_t i = 0; status == ALTO_OK && i < sizeof buffers / sizeof *buffers; i++)
        status = buffers[i]->status;
    return status;
}

/* ---- writing ---- */

static alto_status deflate_to(maker *self, alto_slice text, alto_buffer *out)
{
    if (!self->deflater)
        self->deflater = alto_deflater_new();
    return self->deflater ? alto_deflate(self->deflater, text, out) : ALTO_NO_MEMORY;
}

/* Append the text, compressed as the coding wants it. */
static bool pack(maker *self, alto_slice text, alto_buffer *out)
{
    alto_status status = self->coding == ALTO_GZIP ? deflate_to(self, text, out) : alto_compress(text, ZSTD_LEVEL, out);
    if (self->status == ALTO_OK)
        self->status = status;
    return status == ALTO_OK;
}

/* Append the text as it is, in what the coding wants around it. */
static void store(const maker *self, alto_slice text, alto_buffer *out)
{
    if (self->coding == ALTO_IDENTITY)
        alto_buffer_add_slice(out, text);
    else if (self->coding == ALTO_GZIP)
        alto_gzip_store(out, text);
    else
        alto_frame_store(out, text);
}

/* What was added to the glue since `begin` becomes a part. */
static void add_glue_part(maker *self, size_t begin)
{
    size_t count = self->parts.size / sizeof(part), size = self->glue.size - begin;
    part *last = count ? (part *)(void *)self->parts.data + count - 1 : NULL;
    if (last && !last->data)
        last->size += size;
    else if (size > 0)
        alto_buffer_add(&self->parts, &(part){.at = begin, .size = size}, sizeof(part));
}

static void flush_pending(maker *self)
{
    size_t begin = self->glue.size;
    alto_slice text = alto_buffer_slice(self->pending);
    if (self->coding == ALTO_IDENTITY || text.size <= LEAD_MAX)
        store(self, text, &self->glue);
    else
        pack(self, text, &self->glue);
    add_glue_part(self, begin);
    alto_buffer_empty(self->pending);
}

/* Lead and body of a block from the text in `scratch`, whose first `lead` bytes are the lead. */
static alto_block *make_block(maker *self, size_t lead)
{
    alto_slice text = alto_buffer_slice(&self->scratch), bytes = text;
    alto_slice body = alto_slice_of(text.data + lead, text.size - lead);
    size_t block_lead = lead;
    if (self->coding != ALTO_IDENTITY) {
        alto_buffer_clear(&self->packed);
        store(self, alto_slice_of(text.data, lead), &self->packed);
        block_lead = self->packed.size;
        if (!pack(self, body, &self->packed))
            return NULL;
        bytes = alto_buffer_slice(&self->packed);
    }
    alto_block *made = malloc(sizeof *made + bytes.size);
    if (!made)
        return NULL;
    *made = (alto_block){.lead = block_lead, .size = bytes.size};
    if (bytes.size)
        memcpy(made->data, bytes.data, bytes.size);
    if (self->coding == ALTO_GZIP) {
        made->crc = alto_crc_add(0, body);
        made->shift = alto_crc_shift(body.size);
    }
    return made;
}

/* The body's text: that of the block made for the identity coding, or made from the nodes. */
static void fetch_text(maker *self, const alto_piece *piece, alto_form form, const alto_tree *const *nodes,
                       size_t count)
{
    const alto_block *text = piece ? alto_piece_block(piece, ALTO_IDENTITY) : NULL;
    if (text)
        alto_buffer_add(&self->scratch, text->data + text->lead, text->size - text->lead);
    else
        alto_text_nodes(&self->scratch, form, nodes, count);
}

/* The piece of these nodes with its block, found or made; NULL: out of memory. */
static alto_piece *obtain(maker *self, alto_form form, const alto_tree *const *nodes, size_t count)
{
    const alto_tree *holder = nodes[count - 1];
    alto_hash identity = alto_piece_identity(nodes, count);
    alto_piece *piece = alto_piece_find(holder, form, &identity);
    if (piece && alto_piece_block(piece, self->coding))
        return piece;
    size_t lead = self->pending->size <= LEAD_MAX ? self->pending->size : 0;
    alto_buffer_clear(&self->scratch);
    alto_buffer_add(&self->scratch, self->pending->data, lead);
    fetch_text(self, piece, form, nodes, count);
    alto_block *block = self->scratch.status == ALTO_OK ? make_block(self, lead) : NULL;
    if (block && !piece)
        piece = alto_piece_keep(holder, form, &identity, self->scratch.size - lead);
    if (block && piece) {
        alto_piece_add_block(piece, self->coding, block);
        return piece;
    }
    free(block);
    alto_piece_release(piece);
    return NULL;
}

static void add_piece(maker *self, alto_piece *piece)
{
    const alto_block *block = alto_piece_block(piece, self->coding);
    self->text_size += self->pending->size + alto_piece_text_size(piece);
    if (self->coding == ALTO_GZIP) {
        self->crc = alto_crc_add(self->crc, alto_buffer_slice(self->pending));
        self->crc = alto_crc_join(self->crc, block->crc, block->shift);
    }
    size_t skip = 0;
    if (alto_slice_equal(alto_block_lead(block, self->coding), alto_buffer_slice(self->pending))) {
        alto_buffer_empty(self->pending);
    } else {
        flush_pending(self);
        skip = block->lead;
    }
    if (block->size > skip)
        alto_buffer_add(&self->parts, &(part){.data = block->data + skip, .size = block->size - skip}, sizeof(part));
    alto_buffer_add(&self->pieces, &piece, sizeof piece);
    if (self->pieces.status != ALTO_OK)
        alto_piece_release(piece);
}

static void emit(stretch *self, const alto_tree *const *nodes, size_t count)
{
    maker *to = self->to;
    alto_slice first = alto_first_key(nodes[0]);
    if (self->started)
        alto_text_between(to->pending, self->form, &self->last, &first);
    self->started = true;
    self->last = alto_last_key(nodes[count - 1]);
    if (!to->keep) {
        alto_text_nodes(to->pending, self->form, nodes, count);
        return;
    }
    alto_piece *piece = maker_status(to) == ALTO_OK ? obtain(to, self->form, nodes, count) : NULL;
    if (piece)
        add_piece(to, piece);
    else if (to->status == ALTO_OK)
        to->status = ALTO_NO_MEMORY;
}

/* ---- cutting a tree into pieces ---- */

/* Bytes of keys and values below a node of texts; stops counting beyond max. */
static uint64_t text_bytes(const alto_tree *node, uint64_t max)
{
    alto_node_info info = alto_node_look(node);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < info.count && bytes <= max; i++)
        bytes += info.level ? text_bytes(alto_node_child(node, i), max)
                            : alto_node_key(node, i).size + alto_node_value(node, i).text.size;
    return bytes;
}

/* About how much text the node has, in items. */
static uint64_t weight(alto_form form, const alto_tree *node)
{
    if (alto_form_is_rows(form))
        return alto_tree_items(node) + ROW_WEIGHT * alto_tree_entries(node);
    if (form == ALTO_FORM_MEMBERS || form == ALTO_FORM_VALUE)
        return text_bytes(node, ITEMS_MAX * TEXT_PER_ITEM) / TEXT_PER_ITEM;
    return alto_tree_entries(node);
}

static uint64_t most_weight(alto_form form)
{
    return alto_form_is_rows(form) ? ROWS_MAX : ITEMS_MAX;
}

/* Does a piece end with this child of a node? As everywhere in the tree, its greatest key alone decides: the bits
 * above those that ended the child itself. */
static bool ends_group(const alto_tree *child)
{
    unsigned shift = ALTO_TREE_BITS * (alto_node_look(child).level + 1);
    if (shift + GROUP_BITS > 64)
        return false;
    return (alto_short_hash(alto_last_key(child)) >> shift & ((1u << GROUP_BITS) - 1)) == 0;
}

static void walk(stretch *self, const alto_tree *node);
static void write_row(maker *self, alto_slice key, const alto_tree *items);

/* A leaf of rows that are too much for one piece. */
static void walk_rows(stretch *self, const alto_tree *leaf)
{
    for (uint32_t i = 0; i < alto_node_look(leaf).count; i++) {
        alto_slice key = alto_node_key(leaf, i);
        if (alto_row_class(key) != ALTO_ROW_PAYLOAD)
            continue;
        if (self->started)
            alto_text_between(self->to->pending, self->form, &self->last, &key);
        self->started = true;
        self->last = key;
        write_row(self->to, key, alto_node_value(leaf, i).row);
    }
}

static bool has_payload(const alto_tree *node)
{
    return alto_row_class(alto_last_key(node)) == ALTO_ROW_PAYLOAD;
}

static void walk_group(stretch *self, const alto_tree *const *nodes, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += weight(self->form, nodes[i]);
    if (total <= most_weight(self->form)) {
        if (!alto_form_is_rows(self->form) || has_payload(nodes[count - 1]))
            emit(self, nodes, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        walk(self, nodes[i]);
}

static void walk_children(stretch *self, const alto_tree *node)
{
    const alto_tree *group[ALTO_TREE_CAP];
    size_t gathered = 0;
    uint32_t count = alto_node_look(node).count;
    assert(count <= ALTO_TREE_CAP);
    for (uint32_t i = 0; i < count; i++) {
        group[gathered++] = alto_node_child(node, i);
        if (i + 1 == count || ends_group(group[gathered - 1])) {
            walk_group(self, group, gathered);
            gathered = 0;
        }
    }
}

/* Write a node as one piece, or cut it further. */
static void walk(stretch *self, const alto_tree *node)
{
    bool rows = alto_form_is_rows(self->form), leaf = alto_node_look(node).level == 0;
    if (rows && !has_payload(node))
        return;
    if ((leaf && !rows) || weight(self->form, node) <= most_weight(self->form))
        emit(self, &node, 1);
    else if (leaf)
        walk_rows(self, node);
    else
        walk_children(self, node);
}

static bool is_small(alto_form form, const alto_tree *items)
{
    if (form == ALTO_FORM_MEMBERS || form == ALTO_FORM_VALUE)
        return text_bytes(items, SMALL_TEXT) <= SMALL_TEXT;
    return alto_tree_entries(items) <= SMALL_ROW;
}

static void write_row(maker *self, alto_slice key, const alto_tree *items)
{
    alto_form form = alto_item_form(self->kind, alto_row_class(key));
    if (!items || is_small(form, items)) {
        alto_text_row(self->pending, self->kind, key, items);
        return;
    }
    alto_slice first = alto_first_key(items), last = alto_last_key(items);
    stretch row = {.to = self, .form = form};
    alto_text_row_name(self->pending, key);
    alto_text_between(self->pending, form, NULL, &first);
    walk(&row, items);
    alto_text_between(self->pending, form, &last, NULL);
}

/* ---- a whole version ---- */

static alto_slice row_name(alto_slice key)
{
    return alto_slice_of(key.data + 1, key.size - 1);
}

static bool at_class(const alto_cursor *cursor, uint8_t row_class)
{
    return alto_cursor_valid(cursor) && alto_row_class(alto_cursor_key(cursor)) == row_class;
}

/* Of the rows that two cursors stand at, members and other values, the next by name; NULL at the end. */
static alto_cursor *next_member(alto_cursor *objects, alto_cursor *values)
{
    if (!at_class(objects, ALTO_ROW_MEMBER))
        return at_class(values, ALTO_ROW_VALUE) ? values : NULL;
    if (!at_class(values, ALTO_ROW_VALUE))
        return objects;
    bool value_first = alto_slice_compare(row_name(alto_cursor_key(values)), row_name(alto_cursor_key(objects))) < 0;
    return value_first ? values : objects;
}

static void write_member(maker *self, const alto_cursor *at, bool *first)
{
    if (!*first)
        alto_buffer_put(self->pending, ',');
    *first = false;
    write_row(self, alto_cursor_key(at), alto_cursor_value(at).row);
}

/* "meta", then all other rows that are not payload. */
static void write_members(maker *self, const alto_tree *rows, bool *first)
{
    const alto_slice meta = alto_slice_text("meta");
    const uint8_t classes[] = {ALTO_ROW_MEMBER, ALTO_ROW_VALUE};
    alto_cursor at[2], *next;
    for (size_t i = 0; i < 2; i++) {
        alto_row_key key = alto_row_key_make(classes[i], meta);
        alto_cursor_seek_key(&at[i], rows, alto_row_key_slice(&key));
        if (alto_cursor_valid(&at[i]) && alto_slice_equal(alto_cursor_key(&at[i]), alto_row_key_slice(&key)))
            write_member(self, &at[i], first);
        alto_cursor_seek_key(&at[i], rows, alto_slice_of(&classes[i], 1));
    }
    while ((next = next_member(&at[0], &at[1]))) {
        if (!alto_slice_equal(row_name(alto_cursor_key(next)), meta))
            write_member(self, next, first);
        alto_cursor_next(next);
    }
}

static alto_form rows_form(alto_kind kind)
{
    return kind == ALTO_COST_MAP ? ALTO_FORM_COST_ROWS : ALTO_FORM_ADDRESS_ROWS;
}

static void write_version(maker *self, const alto_version *version)
{
    const alto_tree *rows = alto_version_tree(version);
    const char *member = alto_kind_member(self->kind);
    bool first = true;
    alto_buffer_put(self->pending, '{');
    if (rows)
        write_members(self, rows, &first);
    if (member) {
        alto_buffer_add_text(self->pending, first ? "\"" : ",\"");
        alto_buffer_add_text(self->pending, member);
        alto_buffer_add_text(self->pending, "\":{");
        stretch payload = {.to = self, .form = rows_form(self->kind)};
        if (rows)
            walk(&payload, rows);
        alto_buffer_put(self->pending, '}');
    }
    alto_buffer_put(self->pending, '}');
}

static void write_end(maker *self)
{
    self->text_size += self->pending->size;
    if (self->coding == ALTO_GZIP)
        self->crc = alto_crc_add(self->crc, alto_buffer_slice(self->pending));
    flush_pending(self);
    if (self->coding == ALTO_GZIP) {
        size_t begin = self->glue.size;
        alto_gzip_end(&self->glue, self->crc, self->text_size);
        add_glue_part(self, begin);
    }
}

/* ---- the rendering ---- */

/* All slices of a small rendering become one, and its pieces are let go. */
static bool join_slices(alto_rendering *self)
{
    uint8_t *joined = malloc((size_t)self->size);
    if (!joined)
        return false;
    size_t size = 0;
    for (size_t i = 0; i < self->count; i++) {
        memcpy(joined + size, self->slices[i].data, self->slices[i].size);
        size += self->slices[i].size;
    }
    for (size_t i = 0; i < self->piece_count; i++)
        alto_piece_release(self->pieces[i]);
    free(self->pieces);
    free(self->glue);
    self->pieces = NULL;
    self->piece_count = 0;
    self->glue = joined;
    self->slices[0] = alto_slice_of(joined, size);
    self->count = 1;
    return true;
}

/* Hand over what was made; on failure the maker still owns it. */
static alto_rendering *rendering_new(maker *made)
{
    const part *parts = (const part *)(const void *)made->parts.data;
    size_t count = made->parts.size / sizeof *parts;
    alto_rendering *self = calloc(1, sizeof *self);
    alto_slice *slices = malloc((count + 1) * sizeof *slices);
    if (!self || !slices) {
        free(self);
        free(slices);
        return NULL;
    }
    atomic_init(&self->refs, 1);
    self->slices = slices;
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        slices[i] = alto_slice_of(parts[i].data ? parts[i].data : made->glue.data + parts[i].at, parts[i].size);
        self->size += parts[i].size;
    }
    self->pieces = (alto_piece **)(void *)made->pieces.data;
    self->piece_count = made->pieces.size / sizeof *self->pieces;
    self->glue = made->glue.data;
    made->pieces = made->glue = alto_buffer_make(0);
    return self;
}

alto_status alto_render(const alto_version *version, alto_coding coding, alto_rendering **out)
{
    maker made = maker_make(alto_version_kind(version), coding, true);
    made.pending = &made.own_pending;
    if (coding == ALTO_GZIP) {
        alto_gzip_begin(&made.glue);
        add_glue_part(&made, 0);
    }
    write_version(&made, version);
    write_end(&made);
    alto_status status = maker_status(&made);
    if (status != ALTO_OK)
        goto done;
    alto_rendering *rendering = rendering_new(&made);
    status = rendering ? ALTO_OK : ALTO_NO_MEMORY;
    if (rendering && rendering->count > 1 && rendering->size <= JOINED_MAX && !join_slices(rendering)) {
        alto_rendering_release(rendering);
        status = ALTO_NO_MEMORY;
    }
    if (status == ALTO_OK)
        *out = rendering;
done:
    maker_fini(&made);
    return status;
}

alto_rendering *alto_rendering_retain(alto_rendering *self)
{
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return self;
}

void alto_rendering_release(alto_rendering *self)
{
    if (!self || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < self->piece_count; i++)
        alto_piece_release(self->pieces[i]);
    free(self->pieces);
    free(self->slices);
    free(self->glue);
    free(self);
}

uint64_t alto_rendering_size(const alto_rendering *self)
{
    return self->size;
}

size_t alto_rendering_pieces(const alto_rendering *self)
{
    return self->count;
}

alto_slice alto_rendering_piece(const alto_rendering *self, size_t index)
{
    assert(index < self->count);
    return self->slices[index];
}

/* What stands around the rows: braces, and "member":{} around those of the payload, with a comma where there are only others. */
static uint64_t frame_size(alto_kind kind, const alto_tree *rows)
{
    const char *member = alto_kind_member(kind);
    bool others_only = rows && alto_row_class(alto_last_key(rows)) != ALTO_ROW_PAYLOAD;
    return strlen("{}") + (member ? strlen(member) + strlen("\"\":{}") + others_only : 0);
}

alto_status alto_render_size(const alto_version *version, uint64_t *bytes)
{
    alto_kind kind = alto_version_kind(version);
    const alto_tree *rows = alto_version_tree(version);
    alto_buffer scratch = alto_buffer_make(SIZE_MAX);
    uint64_t inner = 0;
    alto_status status = rows ? alto_text_size(kind, rows_form(kind), rows, &scratch, &inner) : ALTO_OK;
    alto_buffer_fini(&scratch);
    *bytes = frame_size(kind, rows) + inner;
    return status;
}

alto_status alto_render_size_after(const alto_version *before, uint64_t bytes_before, const alto_version *version,
                                   uint64_t *bytes)
{
    alto_kind kind = alto_version_kind(version);
    const alto_tree *old = alto_version_tree(before), *new = alto_version_tree(version);
    assert(kind == alto_version_kind(before));
    if (!old || !new)
        return alto_render_size(version, bytes);
    alto_buffer scratch = alto_buffer_make(SIZE_MAX);
    int64_t change = 0;
    alto_status status = alto_text_change(kind, rows_form(kind), old, new, &scratch, &change);
    alto_buffer_fini(&scratch);
    *bytes = bytes_before + frame_size(kind, new) - frame_size(kind, old) + (uint64_t)change;
    return status;
}

alto_status alto_render_text(const alto_version *version, alto_buffer *out)
{
    maker made = maker_make(alto_version_kind(version), ALTO_IDENTITY, false);
    made.pending = out;
    write_version(&made, version);
    alto_status status = maker_status(&made);
    maker_fini(&made);
    return status;
}
