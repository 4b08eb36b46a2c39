/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the format, in the byte order and word size of the machine ---- */

enum { BRANCH = 0x01, LEAF = 0x02, LARGE = 0x04, META = 0x08 }; /* kinds of pages */
enum { VALUE_IS_LARGE = 0x01, VALUE_IS_TREE = 0x02 };           /* flags of a node in a leaf */
enum { KEYS_ARE_NUMBERS = 0x08, TREE_FLAGS = 0x7f };            /* flags of a tree */
enum {
    DATA_FORMAT = 1,

    DEEPEST = 32,
    METAS = 2,
    LEAST_PAGE = 512,
    MOST_PAGE = 32768,
    SLACK_PAGES = 65536
};
static const uint32_t magic = 0xBEEFC0DE;

typedef struct {
    size_t number;
    uint16_t pad, kind;
    union {
        struct {
            uint16_t lower, upper; /* of the free space between the node offsets and the nodes */
        };
        uint32_t pages; /* of a large value */
    };
} page_header;

typedef struct {
    uint32_t pad; /* in the first tree of a meta: the page size */
    uint16_t flags, depth;
    size_t branch_pages, leaf_pages, large_pages, entries;
    size_t root; /* SIZE_MAX: empty */
} tree_record;

typedef struct {
    uint32_t magic, format;
    size_t address, map_size;
    tree_record free_list, main;
    size_t last_page, transaction;
} meta_record;

typedef struct {
    uint16_t halves[2]; /* of the value's size, or of the low bits of a page number */
    uint16_t flags, key_size;
} node_header;

typedef enum { OF_TABLES, OF_VALUES, OF_FREE_PAGES } content;

/* ---- reading ---- */

typedef struct {
    int fd;
    int failure; /* errno; 0: what is wrong is wrong in the file */
    size_t page_size, pages;
    size_t last_page;
    uint8_t *reached;  /* a bit for each page */
    size_t freed_by;   /* the last transaction whose list of free pages was met, 0 at first */
    size_t freed_from; /* those that follow are of this one or later */
} checked;

static bool read_at(checked *self, size_t at, void *into, size_t size)
{
    ssize_t got = pread(self->fd, into, size, (off_t)at);
    if (got < 0)
        self->failure = errno;
    return got >= 0 && (size_t)got == size;
}

static bool read_header(checked *self, size_t number, page_header *header)
{
    return read_at(self, number * self->page_size, header, sizeof *header) && header->number == number;
}

/* Nothing else may have reached these pages. */
static bool reach(checked *self, size_t first, size_t count)
{
    if (first < METAS || first >= self->pages || count > self->pages - first || first + count - 1 > self->last_page)
        return false;
    for (size_t page = first; page < first + count; page++) {
        uint8_t bit = (uint8_t)(1u << (page % 8));
        if (self->reached[page / 8] & bit)
            return false;
        self->reached[page / 8] |= bit;
    }
    return true;
}

static uint32_t joined(const uint16_t halves[2])
{
    bool low_first = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return (uint32_t)halves[low_first ? 0 : 1] | (uint32_t)halves[low_first ? 1 : 0] << 16;
}

static size_t child_of(const node_header *node)
{
    uint64_t number = joined(node->halves) | (sizeof(size_t) > 4 ? (uint64_t)node->flags << 32 : 0);
    return (size_t)number;
}

/* ---- values ---- */

static bool check_large(checked *self, size_t number, size_t size)
{
    page_header header;
    size_t needed = (sizeof header - 1 + size) / self->page_size + 1;
    return reach(self, number, 1) && read_header(self, number, &header) && header.kind == LARGE &&
           header.pages >= needed && (header.pages == 1 || reach(self, number + 1, header.pages - 1));
}

/* A list of free pages: their count, then the numbers, descending. A page past the end of the file was never written. */
static bool check_free_pages(checked *self, const uint8_t *list, size_t size)
{
    size_t count, number, before = SIZE_MAX;
    if (size < sizeof count)
        return false;
    memcpy(&count, list, sizeof count);
    if (count > size / sizeof count - 1)
        return false;
    for (size_t i = 1; i <= count; i++, before = number) {
        memcpy(&number, list + i * sizeof number, sizeof number);
        if (number >= before || number > self->last_page || (number < self->pages && !reach(self, number, 1)))
            return false;
    }
    return true;
}

static bool check_large_free_pages(checked *self, size_t number, size_t size)
{
    if (!check_large(self, number, size))
        return false;
    uint8_t *list = malloc(size); /* lies in the file */
    if (!list)
        self->failure = ENOMEM;
    bool good = list && read_at(self, number * self->page_size + sizeof(page_header), list, size) &&
                check_free_pages(self, list, size);
    free(list);
    return good;
}

static bool check_tree(checked *self, const tree_record *tree, content of);

static bool check_table(checked *self, const uint8_t *value, size_t size)
{
    tree_record table;
    if (size != sizeof table)
        return false;
    memcpy(&table, value, sizeof table);
    return table.flags == 0 && check_tree(self, &table, OF_VALUES);
}

/* A node of a leaf, whose value lies in the page or, large, elsewhere. */
static bool check_value(checked *self, const node_header *node, const uint8_t *value, content of)
{
    size_t size = joined(node->halves), number;
    if (of == OF_TABLES)
        return node->flags == VALUE_IS_TREE && check_table(self, value, size);
    if (node->flags == 0)
        return of == OF_VALUES || check_free_pages(self, value, size);
    if (node->flags != VALUE_IS_LARGE)
        return false;
    memcpy(&number, value, sizeof number);
    return of == OF_VALUES ? check_large(self, number, size) : check_large_free_pages(self, number, size);
}

/* The key of a list of free pages, or of a page of such lists, is the transaction that freed them. LMDB goes along these numbers to find
 * the lists that it has not read yet: were they not to ascend from 1, it would read one twice, use its pages twice, and abort. */
static bool check_freed_by(checked *self, const uint8_t *key, size_t size, bool in_leaf)
{
    size_t number;
    if (size != sizeof number)
        return false;
    memcpy(&number, key, sizeof number);
    if (number <= self->freed_by || number < self->freed_from)
        return false;
    *(in_leaf ? &self->freed_by : &self->freed_from) = number;
    return true;
}

/* ---- trees ---- */

static bool check_page(checked *self, size_t number, unsigned depth, content of);

/* A page being looked at; a bit for each two bytes that a node was found in. */
typedef struct {
    const uint8_t *bytes;
    uint8_t used[MOST_PAGE / 2 / 8];
} node_page;

/* No two nodes may share a byte: LMDB moves them about. */
static bool occupy(node_page *page, size_t begin, size_t end)
{
    for (size_t at = begin / 2; at < (end + 1) / 2; at++) {
        uint8_t bit = (uint8_t)(1u << (at % 8));
        if (page->used[at / 8] & bit)
            return false;
        page->used[at / 8] |= bit;
    }
    return true;
}

/* first: it is the first one of its page; in a branch its key says nothing. */
static bool check_node(checked *self, node_page *page, size_t at, unsigned depth, content of, bool first)
{
    node_header node;
    if (at % 2 || at > self->page_size - sizeof node)
        return false;
    memcpy(&node, page->bytes + at, sizeof node);
    const uint8_t *key = page->bytes + at + sizeof node;
    size_t key_end = at + sizeof node + node.key_size;
    if (key_end > self->page_size)
        return false;
    if (of == OF_FREE_PAGES && !(first && depth > 1) && !check_freed_by(self, key, node.key_size, depth == 1))
        return false;
    if (depth > 1)
        return occupy(page, at, key_end) && check_page(self, child_of(&node), depth - 1, of);
    size_t size = node.flags & VALUE_IS_LARGE ? sizeof(size_t) : joined(node.halves);
    return size <= self->page_size - key_end && occupy(page, at, key_end + size) &&
           check_value(self, &node, page->bytes + key_end, of);
}

static bool check_nodes(checked *self, node_page *page, unsigned depth, content of)
{
    page_header header;
    memcpy(&header, page->bytes, sizeof header);
    if (header.kind != (depth > 1 ? BRANCH : LEAF) || header.lower <= sizeof header || header.lower % 2 ||
        header.lower > header.upper || header.upper > self->page_size)
        return false;
    size_t count = (header.lower - sizeof header) / sizeof(uint16_t);
    if (depth > 1 && count < 2)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint16_t at;
        memcpy(&at, page->bytes + sizeof header + i * sizeof at, sizeof at);
        if (at < header.upper || !check_node(self, page, at, depth, of, i == 0))
            return false;
    }
    return true;
}

static bool check_page(checked *self, size_t number, unsigned depth, content of)
{
    page_header header;
    if (!reach(self, number, 1) || !read_header(self, number, &header))
        return false;
    uint8_t *bytes = malloc(self->page_size);
    node_page page = {.bytes = bytes};
    if (!bytes)
        self->failure = ENOMEM;
    bool good =
        bytes && read_at(self, number * self->page_size, bytes, self->page_size) && check_nodes(self, &page, depth, of);
    free(bytes);
    return good;
}

static bool check_tree(checked *self, const tree_record *tree, content of)
{
    if (tree->root == SIZE_MAX)
        return true;
    return tree->depth >= 1 && tree->depth <= DEEPEST && check_page(self, tree->root, tree->depth, of);
}

/* ---- transactions ---- */

static bool read_meta(checked *self, size_t index, meta_record *meta)
{
    page_header header;
    return read_header(self, index, &header) && header.kind == META &&
           read_at(self, index * self->page_size + sizeof header, meta, sizeof *meta) && meta->magic == magic &&
           meta->format == DATA_FORMAT && meta->free_list.pad == self->page_size;
}

/* Is all that a meta page leads to sound? */
static bool check_meta(checked *self, const meta_record *meta)
{
    self->last_page = meta->last_page;
    self->freed_by = self->freed_from = 0;
    memset(self->reached, 0, self->pages / 8 + 1);
    return meta->last_page / 2 <= self->pages + SLACK_PAGES && meta->main.flags == 0 &&
           (meta->free_list.flags & TREE_FLAGS) == KEYS_ARE_NUMBERS && check_tree(self, &meta->main, OF_TABLES) &&
           check_tree(self, &meta->free_list, OF_FREE_PAGES);
}

/* Let a meta page say what the other one does. */
static void write_meta(checked *self, size_t index, const meta_record *meta)
{
    uint8_t bytes[sizeof(page_header) + sizeof *meta];
    page_header header = {.number = index, .kind = META};
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, meta, sizeof *meta);
    ssize_t put = pwrite(self->fd, bytes, sizeof bytes, (off_t)(index * self->page_size));
    if (put < 0 || fsync(self->fd) < 0)
        self->failure = errno;
    else if ((size_t)put != sizeof bytes)
        self->failure = EIO;
}

static alto_check_verdict choose(checked *self)
{
    meta_record metas[METAS] = {{0}};
    bool readable[METAS];
    for (size_t i = 0; i < METAS; i++)
        readable[i] = read_meta(self, i, &metas[i]);
    size_t newest = readable[1] && (!readable[0] || metas[1].transaction > metas[0].transaction);
    size_t good = newest;
    if (!readable[good] || !check_meta(self, &metas[good])) {
        good = !newest;
        if (self->failure || !readable[good] || !check_meta(self, &metas[good]))
            return ALTO_CHECK_DAMAGED;
    }
    if (good == newest && readable[!good])
        return ALTO_CHECK_SOUND;
    write_meta(self, !good, &metas[good]);
    return ALTO_CHECK_CUT_BACK;
}

/* The first meta page names it; where that one is gone, it is the machine's. */
static size_t page_size_of(const meta_record *meta)
{
    size_t size = meta->free_list.pad;
    if (meta->magic == magic && size >= LEAST_PAGE && size <= MOST_PAGE && (size & (size - 1)) == 0)
        return size;
    long usual = sysconf(_SC_PAGESIZE);
    return usual < MOST_PAGE ? (size_t)usual : MOST_PAGE;
}

/* Do both meta pages speak of the same format that is not the one known here? */
static bool of_another_format(checked *self, const meta_record *first)
{
    meta_record second;
    return first->magic == magic && first->format != DATA_FORMAT &&
           read_at(self, self->page_size + sizeof(page_header), &second, sizeof second) && second.magic == magic &&
           second.format == first->format;
}

static alto_check_verdict check(checked *self, size_t file_size)
{
    meta_record first = {0};
    if (!read_at(self, sizeof(page_header), &first, sizeof first))
        first.magic = 0;
    self->page_size = page_size_of(&first);
    self->pages = file_size / self->page_size;
    if (of_another_format(self, &first))
        return ALTO_CHECK_SOUND;
    self->reached = malloc(self->pages / 8 + 1);
    if (!self->reached)
        self->failure = ENOMEM;
    return self->reached ? choose(self) : ALTO_CHECK_SOUND;
}

int alto_store_check(const char *path, alto_check_verdict *verdict)
{
    struct stat info;
    checked self = {.fd = open(path, O_RDWR | O_CLOEXEC)};
    *verdict = ALTO_CHECK_SOUND;
    if (self.fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (fstat(self.fd, &info) < 0)
        self.failure = errno;
    else if (info.st_size > 0)
        *verdict = check(&self, (size_t)info.st_size);
    free(self.reached);
    close(self.fd);
    return self.failure;
}
