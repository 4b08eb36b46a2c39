/* SPDX-License-Identifier: Apache-2.0 */
/* Commits, heads and the catalog: the bytes themselves, what is refused, and the example of docs/wire-format.md. */
#include "cmocka_all.h"
#include "core/wire.h"
#include "files.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    (void)state;
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

/* A hash that is easy to spot: one byte, 32 times. */
static alto_hash pattern(uint8_t byte)
{
    alto_hash hash;
    memset(hash.bytes, byte, sizeof hash.bytes);
    return hash;
}

static alto_entry entry_of(alto_kind kind, uint8_t root)
{
    alto_entry entry = {.kind = kind, .root = pattern(root), .rows = 5, .items = 7, .text_size = 300};
    snprintf(entry.media_type, sizeof entry.media_type, "%s", alto_kind_media_type(kind));
    entry.flags = ALTO_ENTRY_REDISTRIBUTABLE;
    return entry;
}

static void set_tag(alto_entry *entry, const char *tag)
{
    snprintf(entry->tag, sizeof entry->tag, "%s", tag);
}

static void add_dependency(alto_entry *entry, const char *id, const char *tag)
{
    alto_vtag *vtag = &entry->dependencies[entry->dependency_count++];
    snprintf(vtag->resource_id, sizeof vtag->resource_id, "%s", id);
    snprintf(vtag->tag, sizeof vtag->tag, "%s", tag);
}

static alto_commit_change change_of(const char *id, alto_entry entry)
{
    return (alto_commit_change){.name = {.id = alto_slice_text(id)},
                                .has_from = true,
                                .has_entry = true,
                                .from_root = pattern(0xcc),
                                .entry = entry,
                                .raw_size = 40,
                                .size = 31,
                                .digest = pattern(0xee)};
}

static alto_statement commit_of(alto_commit_change *changes, size_t count)
{
    return (alto_statement){.type = ALTO_COMMIT,
                            .origin = pattern(0x0a),
                            .key_id = {{1, 2, 3, 4, 5, 6, 7, 8}},
                            .manifest_epoch = 1,
                            .manifest_version = 1,
                            .position = {1, 1760000000000, 2},
                            .has_prev = true,
                            .prev = pattern(0xaa),
                            .issued_at_ms = 1760000005000,
                            .valid_for_s = 86400,
                            .state_root = pattern(0xbb),
                            .change_count = count,
                            .changes = changes};
}

static alto_statement head_of(const alto_hash *commit)
{
    alto_statement head = commit_of(NULL, 0);
    head.type = ALTO_HEAD;
    head.has_prev = false;
    head.commit_hash = *commit;
    head.issued_at_ms = 1760000010000;
    head.interval_ms = 5000;
    return head;
}

static alto_buffer encoded(const alto_statement *statement)
{
    alto_buffer out = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_statement_encode(statement, &out), ALTO_OK);
    return out;
}

/* ---- the example of the documentation ---- */

typedef struct {
    alto_signing_key *root, *online;
    alto_origin origin;
    alto_commit_change change;
    alto_buffer commit, head;
} example;

static example example_make(void)
{
    example made = {.root = test_key(1), .online = test_key(2)};
    alto_public_key root = alto_signing_key_public(made.root), online = alto_signing_key_public(made.online);
    made.origin = alto_origin_of(1, &root, 1);
    alto_entry entry = entry_of(ALTO_NETWORK_MAP, 0xdd);
    set_tag(&entry, "da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785");
    made.change = change_of("my-default-network-map", entry);
    alto_statement commit = commit_of(&made.change, 1);
    commit.origin = made.origin;
    commit.key_id = alto_key_id_of(&online);
    made.commit = encoded(&commit);
    alto_hash hash = alto_commit_hash(alto_buffer_slice(&made.commit));
    alto_statement head = head_of(&hash);
    head.origin = commit.origin;
    head.key_id = commit.key_id;
    made.head = encoded(&head);
    return made;
}

static void example_fini(example *self)
{
    alto_signing_key_destroy(&self->root);
    alto_signing_key_destroy(&self->online);
    alto_buffer_fini(&self->commit);
    alto_buffer_fini(&self->head);
}

/* The hexadecimal digits of the fenced block that follows the line "Example NAME:", remarks after '#' left out. */
static alto_buffer documented(const char *text, const char *name)
{
    char mark[80];
    snprintf(mark, sizeof mark, "\nExample %s:\n\n```\n", name);
    alto_buffer hex = alto_buffer_make(1 << 16);
    const char *at = strstr(text, mark);
    if (!at)
        fail_msg("docs/wire-format.md has no example \"%s\"", name);
    bool in_remark = false;
    for (at += strlen(mark); *at && *at != '`'; at++) {
        in_remark = *at != '\n' && (in_remark || *at == '#');
        if (!in_remark && *at != ' ' && *at != '\n')
            alto_buffer_put(&hex, (uint8_t)*at);
    }
    alto_buffer_put(&hex, 0);
    return hex;
}

static void assert_documented(const char *text, const char *name, const void *data, size_t size)
{
    alto_buffer hex = documented(text, name);
    char *ours = malloc(2 * size + 1);
    assert_non_null(ours);
    alto_hex(ours, data, size);
    print_message("  example: %s\n", name);
    assert_string_equal(ours, (char *)hex.data);
    free(ours);
    alto_buffer_fini(&hex);
}

static void the_worked_example_of_the_documentation_is_what_the_code_does(void **state)
{
    (void)state;
    alto_buffer doc = test_file("docs/wire-format.md");
    alto_buffer_add_u8(&doc, 0);
    const char *text = (const char *)doc.data;
    example it = example_make();
    alto_public_key root = alto_signing_key_public(it.root), online = alto_signing_key_public(it.online);
    alto_key_id root_id = alto_key_id_of(&root), online_id = alto_key_id_of(&online);
    alto_slice commit = alto_buffer_slice(&it.commit), head = alto_buffer_slice(&it.head);
    alto_hash hash = alto_commit_hash(commit);
    alto_signature commit_signature = alto_sign(it.online, commit), head_signature = alto_sign(it.online, head);
    uint8_t topic[ALTO_TOPIC_SIZE];

    assert_documented(text, "root public key", root.bytes, sizeof root.bytes);
    assert_documented(text, "root key id", root_id.bytes, sizeof root_id.bytes);
    assert_documented(text, "online public key", online.bytes, sizeof online.bytes);
    assert_documented(text, "online key id", online_id.bytes, sizeof online_id.bytes);
    assert_documented(text, "origin", it.origin.bytes, sizeof it.origin.bytes);
    assert_documented(text, "commit", commit.data, commit.size);
    assert_documented(text, "commit signature", commit_signature.bytes, sizeof commit_signature.bytes);
    assert_documented(text, "commit hash", hash.bytes, sizeof hash.bytes);
    assert_documented(text, "head", head.data, head.size);
    assert_documented(text, "head signature", head_signature.bytes, sizeof head_signature.bytes);
    alto_topic(topic, 'h', &it.origin, NULL);
    assert_documented(text, "topic of headers", topic, sizeof topic);
    alto_topic(topic, 'p', &it.origin, &it.change.name);
    assert_documented(text, "topic of payloads", topic, sizeof topic);
    example_fini(&it);
    alto_buffer_fini(&doc);
}

/* ---- there and back ---- */

static void assert_same_entry(const alto_entry *a, const alto_entry *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->media_type, b->media_type);
    assert_true(alto_hash_equal(&a->root, &b->root));
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->items, b->items);
    assert_int_equal(a->text_size, b->text_size);
    assert_string_equal(a->tag, b->tag);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->dependency_count, b->dependency_count);
    for (size_t i = 0; i < a->dependency_count; i++) {
        assert_string_equal(a->dependencies[i].resource_id, b->dependencies[i].resource_id);
        assert_string_equal(a->dependencies[i].tag, b->dependencies[i].tag);
    }
}

static void a_commit_comes_back_with_every_field(void **state)
{
    (void)state;
    alto_entry cost = entry_of(ALTO_COST_MAP, 2);
    add_dependency(&cost, "net", "tag-1");
    add_dependency(&cost, "other", "~");
    alto_entry document = entry_of(ALTO_DOCUMENT, 3);
    snprintf(document.media_type, sizeof document.media_type, "application/alto-propmap+json");
    set_tag(&document, "!");
    document.flags = ALTO_ENTRY_WITHHELD | 0x40;
    document.rows = UINT64_C(1) << 40;
    alto_commit_change changes[] = {change_of(".capability", document), change_of("cost", cost),
                                    change_of("cost", cost), change_of("gone", cost), change_of("renamed", document)};
    changes[2].name.input = alto_slice_text("{\"pids\":[]}");
    changes[2].has_from = false;
    changes[3].has_entry = false;
    changes[3].raw_size = changes[3].size = 0;
    changes[4].raw_size = changes[4].size = 0;
    alto_statement commit = commit_of(changes, countof(changes)), read;
    alto_buffer bytes = encoded(&commit);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&bytes), &read), ALTO_OK);

    alto_hash hash = alto_commit_hash(alto_buffer_slice(&bytes));
    assert_true(alto_hash_equal(&read.commit_hash, &hash));
    assert_int_equal(read.type, ALTO_COMMIT);
    assert_true(alto_hash_equal(&read.origin, &commit.origin));
    assert_memory_equal(read.key_id.bytes, commit.key_id.bytes, ALTO_KEY_ID_SIZE);
    assert_int_equal(read.manifest_epoch, 1);
    assert_int_equal(read.manifest_version, 1);
    assert_int_equal(alto_position_compare(&read.position, &commit.position), 0);
    assert_true(read.has_prev && alto_hash_equal(&read.prev, &commit.prev));
    assert_int_equal(read.issued_at_ms, commit.issued_at_ms);
    assert_int_equal(read.valid_for_s, commit.valid_for_s);
    assert_true(alto_hash_equal(&read.state_root, &commit.state_root));
    assert_int_equal(read.change_count, countof(changes));
    for (size_t i = 0; i < countof(changes); i++) {
        const alto_commit_change *a = &changes[i], *b = &read.changes[i];
        assert_true(alto_slice_equal(a->name.id, b->name.id) && alto_slice_equal(a->name.input, b->name.input));
        assert_true(a->has_from == b->has_from && a->has_entry == b->has_entry);
        assert_true(!a->has_from || alto_hash_equal(&a->from_root, &b->from_root));
        if (a->has_entry)
            assert_same_entry(&a->entry, &b->entry);
        assert_int_equal(a->raw_size, b->raw_size);
        assert_int_equal(a->size, b->size);
        assert_true(!a->size || alto_hash_equal(&a->digest, &b->digest));
    }
    alto_statement_fini(&read);
    alto_buffer_fini(&bytes);
}

static void a_head_comes_back_with_every_field(void **state)
{
    (void)state;
    alto_hash commit = pattern(0x55);
    alto_statement head = head_of(&commit), read;
    alto_buffer bytes = encoded(&head);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&bytes), &read), ALTO_OK);
    assert_int_equal(read.type, ALTO_HEAD);
    assert_true(alto_hash_equal(&read.commit_hash, &commit));
    assert_true(alto_hash_equal(&read.state_root, &head.state_root));
    assert_int_equal(read.issued_at_ms, head.issued_at_ms);
    assert_int_equal(read.valid_for_s, head.valid_for_s);
    assert_int_equal(read.interval_ms, 5000);
    assert_int_equal(alto_position_compare(&read.position, &head.position), 0);
    alto_statement_fini(&read);
    alto_buffer_fini(&bytes);
}

static void a_commit_may_change_nothing_and_follow_nothing(void **state)
{
    (void)state;
    alto_statement commit = commit_of(NULL, 0), read;
    commit.has_prev = false;
    alto_buffer bytes = encoded(&commit);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&bytes), &read), ALTO_OK);
    assert_true(!read.has_prev && read.change_count == 0 && !read.changes);
    alto_statement_fini(&read);
    alto_buffer_fini(&bytes);
}

static void positions_are_ordered_by_epoch_then_chain_then_seq(void **state)
{
    (void)state;
    static const alto_position ascending[] = {{1, 1, 1}, {1, 1, 2}, {1, 2, 1}, {2, 1, 1}, {2, 1, UINT64_MAX}};
    for (size_t i = 0; i < countof(ascending); i++)
        for (size_t j = 0; j < countof(ascending); j++) {
            int order = alto_position_compare(&ascending[i], &ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

/* Everything that a one-resource commit costs beside its payload, in its push messages: numbers as large as real ones get. */
static size_t fixed_part(alto_entry entry)
{
    entry.rows = 86000;
    entry.items = 9000000;
    entry.text_size = 150000000;
    alto_commit_change change = change_of("sixteen-letters-", entry);
    change.raw_size = 200000;
    change.size = 100000;
    alto_statement commit = commit_of(&change, 1);
    commit.position.seq = 1000000;
    commit.manifest_version = 100;
    alto_buffer bytes = encoded(&commit);
    size_t size = 2 * ALTO_TOPIC_SIZE + ALTO_HASH_SIZE + 1 + bytes.size + ALTO_SIGNATURE_SIZE;
    print_message("  fixed part: %zu bytes\n", size);
    alto_buffer_fini(&bytes);
    return size;
}

static void the_fixed_part_stays_below_512_bytes(void **state)
{
    (void)state;
    static const char tag[] = "0123456789abcdef0123456789abcdef";
    alto_entry network = entry_of(ALTO_NETWORK_MAP, 1), cost = entry_of(ALTO_COST_MAP, 2);
    set_tag(&network, tag);
    add_dependency(&cost, "the-network-map-", tag);
    assert_true(fixed_part(network) < 512);
    assert_true(fixed_part(cost) < 512);
}

/* ---- refusals ---- */

static alto_commit_change three[3];

static alto_statement good_commit(void)
{
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < countof(three); i++)
        three[i] = change_of(ids[i], entry_of(ALTO_NETWORK_MAP, 1));
    return commit_of(three, countof(three));
}

static void swap_changes(alto_statement *commit)
{
    (void)commit;
    three[0].name.id = alto_slice_text("bb");
}
static void repeat_change(alto_statement *commit)
{
    (void)commit;
    three[1].name.id = three[0].name.id;
}
static void no_validity(alto_statement *commit)
{
    commit->valid_for_s = 0;
}
static void no_seq(alto_statement *commit)
{
    commit->position.seq = 0;
}
static void other_epoch(alto_statement *commit)
{
    commit->position.epoch++;
}
static void huge_time(alto_statement *commit)
{
    commit->issued_at_ms = UINT64_MAX;
}
static void bad_id(alto_statement *commit)
{
    (void)commit;
    three[0].name.id = alto_slice_text("a/b");
}
static void dot_id(alto_statement *commit)
{
    (void)commit;
    three[0].name.id = alto_slice_text("./");
}
static void bad_tag(alto_statement *commit)
{
    (void)commit;
    set_tag(&three[0].entry, "a b");
}
static void bad_dependency(alto_statement *commit)
{
    (void)commit;
    add_dependency(&three[0].entry, "net", "");
}
static void no_media_type(alto_statement *commit)
{
    (void)commit;
    three[0].entry.media_type[0] = 0;
}
static void bad_media_type(alto_statement *commit)
{
    (void)commit;
    three[0].entry.media_type[0] = '\n';
}
static void nothing_to_nothing(alto_statement *commit)
{
    (void)commit;
    three[0].has_from = three[0].has_entry = false;
    three[0].size = three[0].raw_size = 0;
}
static void payload_of_withdrawal(alto_statement *commit)
{
    (void)commit;
    three[0].has_entry = false;
}
static void raw_size_alone(alto_statement *commit)
{
    (void)commit;
    three[0].size = 0;
}
static void huge_payload(alto_statement *commit)
{
    (void)commit;
    three[0].size = (uint64_t)ALTO_MAX_PAYLOAD + 1;
}

static void what_no_decoder_would_take_is_not_written(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        void (*spoil)(alto_statement *commit);
    } cases[] = {
        {"changes out of order", swap_changes},
        {"the same resource twice", repeat_change},
        {"valid for no time", no_validity},
        {"seq 0", no_seq},
        {"an epoch that is not the manifest's", other_epoch},
        {"a time beyond 2^53", huge_time},
        {"an ID with a slash", bad_id},
        {"a dot and no name", dot_id},
        {"a tag with a space", bad_tag},
        {"a dependency without a tag", bad_dependency},
        {"no media type", no_media_type},
        {"a media type with a newline", bad_media_type},
        {"neither before nor after", nothing_to_nothing},
        {"a withdrawal with a payload", payload_of_withdrawal},
        {"a raw size without a payload", raw_size_alone},
        {"a payload beyond the limit", huge_payload},
    };
    alto_buffer out = alto_buffer_make(ALTO_MAX_STATEMENT);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_statement commit = good_commit();
        cases[i].spoil(&commit);
        assert_int_equal(alto_statement_encode(&commit, &out), ALTO_INVALID);
        assert_int_equal(out.size, 0);
    }
    alto_statement commit = good_commit();
    assert_int_equal(alto_statement_encode(&commit, &out), ALTO_OK);
    commit.change_count = ALTO_MAX_RESOURCES + 1;
    assert_int_equal(alto_statement_encode(&commit, &out), ALTO_TOO_LARGE);
    alto_buffer_fini(&out);
}

#define H8 "1111111111111111"
#define HASH "c420" H8 H8 H8 H8
#define MANY_ENTRY_DEPENDENCIES                                                                                        \
    "dc0011"                                                                                                           \
    "92a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea174"                       \
    "92a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea17492a16ea174"

/* A commit in pieces: its fields, those of its only change, those of the entry in that. Field 10 of the commit
 * and 3 of the change are filled from the level below. */
enum { COMMIT_LEVEL, CHANGE_LEVEL, ENTRY_LEVEL, HEAD_LEVEL };
static const char *const good_fields[][13] = {
    [COMMIT_LEVEL] = {"9c", "b1616c746f636173742d636f6d6d69742d31", HASH, "c4081111111111111111", "920101", "01", "01",
                      "c0", "01", "01", HASH, "91", "80"},
    [CHANGE_LEVEL] = {"97", "a161", "c0", HASH, "", "01", "01", HASH},
    [ENTRY_LEVEL] = {"99", "01", "c0", HASH, "01", "01", "01", "c0", "90", "01"},
    [HEAD_LEVEL] = {"9c", "af616c746f636173742d686561642d31", HASH, "c4081111111111111111", "920101", "01", "01", HASH,
                    HASH, "01", "01", "01", "80"},
};

typedef struct {
    const char *label;
    unsigned level, field; /* field 0 is the array's own header */
    const char *hex;
    alto_status status;
} refusal;

static void add_level(alto_buffer *hex, unsigned level, const refusal *change)
{
    for (unsigned i = 0; i < countof(good_fields[level]) && good_fields[level][i]; i++) {
        bool replaced = change->level == level && change->field == i;
        alto_buffer_add_text(hex, replaced ? change->hex : good_fields[level][i]);
        if (replaced && (level == COMMIT_LEVEL || level == CHANGE_LEVEL) && i == (level == COMMIT_LEVEL ? 11 : 4))
            continue; /* the replacement stands for the whole */
        if (level == COMMIT_LEVEL && i == 11)
            add_level(hex, CHANGE_LEVEL, change);
        if (level == CHANGE_LEVEL && i == 4)
            add_level(hex, ENTRY_LEVEL, change);
    }
}

static alto_status status_of_hex(const alto_buffer *hex)
{
    size_t size = hex->size / 2;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_true(alto_unhex(bytes, size, alto_buffer_slice(hex)));
    alto_statement read;
    alto_status status = alto_statement_decode(alto_slice_of(bytes, size), &read);
    alto_statement_fini(&read);
    free(bytes);
    return status;
}

static void every_field_is_checked_when_read(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"a good commit", COMMIT_LEVEL, 99, "", ALTO_OK},
        {"a good head", HEAD_LEVEL, 99, "", ALTO_OK},
        {"another version of the format", COMMIT_LEVEL, 1, "b1616c746f636173742d636f6d6d69742d32", ALTO_WRONG_TYPE},
        {"a manifest", COMMIT_LEVEL, 1, "b3616c746f636173742d6d616e69666573742d31", ALTO_WRONG_TYPE},
        {"no type", COMMIT_LEVEL, 1, "01", ALTO_MALFORMED},
        {"a field too many", COMMIT_LEVEL, 12, "8080", ALTO_MALFORMED},
        {"a field too many, and counted", COMMIT_LEVEL, 0, "9d", ALTO_MALFORMED},
        {"a field too few", COMMIT_LEVEL, 0, "9b", ALTO_MALFORMED},
        {"a short origin", COMMIT_LEVEL, 2, "c410" H8 H8, ALTO_MALFORMED},
        {"an origin that is a text", COMMIT_LEVEL, 2, "d920" H8 H8 H8 H8, ALTO_MALFORMED},
        {"a long key id", COMMIT_LEVEL, 3, "c409111111111111111111", ALTO_MALFORMED},
        {"a manifest name of one", COMMIT_LEVEL, 4, "9101", ALTO_MALFORMED},
        {"an epoch beyond 32 bits", COMMIT_LEVEL, 4, "92cf000000010000000001", ALTO_TOO_LARGE},
        {"a negative chain", COMMIT_LEVEL, 5, "ff", ALTO_MALFORMED},
        {"a chain beyond 2^53", COMMIT_LEVEL, 5, "cf0020000000000000", ALTO_TOO_LARGE},
        {"a chain just below 2^53", COMMIT_LEVEL, 5, "cf001fffffffffffff", ALTO_OK},
        {"seq 0", COMMIT_LEVEL, 6, "00", ALTO_MALFORMED},
        {"prev", COMMIT_LEVEL, 7, HASH, ALTO_OK},
        {"prev of no bytes", COMMIT_LEVEL, 7, "c400", ALTO_MALFORMED},
        {"valid for no time", COMMIT_LEVEL, 9, "00", ALTO_MALFORMED},
        {"valid for ever", COMMIT_LEVEL, 9, "cf0000000100000000", ALTO_TOO_LARGE},
        {"no state root", COMMIT_LEVEL, 10, "c0", ALTO_MALFORMED},
        {"no changes", COMMIT_LEVEL, 11, "90", ALTO_OK},
        {"changes that are nil", COMMIT_LEVEL, 11, "c0", ALTO_MALFORMED},
        {"more changes than bytes", COMMIT_LEVEL, 11, "dd10000000", ALTO_MALFORMED},
        {"more changes than could fit", COMMIT_LEVEL, 11, "9290909090909090909090", ALTO_MALFORMED},
        {"ext with unknown keys", COMMIT_LEVEL, 12, "82a16101a16293c0c2c3", ALTO_OK},
        {"ext that is nil", COMMIT_LEVEL, 12, "c0", ALTO_MALFORMED},
        {"ext cut short", COMMIT_LEVEL, 12, "81a161", ALTO_MALFORMED},
        {"ext of 8 GiB", COMMIT_LEVEL, 12, "df10000000", ALTO_MALFORMED},
        {"an empty ID", CHANGE_LEVEL, 1, "a0", ALTO_MALFORMED},
        {"an ID with a slash", CHANGE_LEVEL, 1, "a3612f62", ALTO_MALFORMED},
        {"an ID with a NUL", CHANGE_LEVEL, 1, "a3610062", ALTO_MALFORMED},
        {"a reserved ID", CHANGE_LEVEL, 1, "a42e697264", ALTO_OK},
        {"an ID of 65 bytes", CHANGE_LEVEL, 1,
         "d941616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616"
         "161"
         "61616161616161616161",
         ALTO_TOO_LARGE},
        {"an input", CHANGE_LEVEL, 2, "c4027b7d", ALTO_OK},
        {"an empty input", CHANGE_LEVEL, 2, "c400", ALTO_MALFORMED},
        {"an input that is a text", CHANGE_LEVEL, 2, "a27b7d", ALTO_MALFORMED},
        {"from nothing", CHANGE_LEVEL, 3, "c0", ALTO_OK},
        {"an entry of another type", CHANGE_LEVEL, 4, "01", ALTO_MALFORMED},
        {"a withdrawal with a payload", CHANGE_LEVEL, 4, "c0", ALTO_MALFORMED},
        {"a size without a digest", CHANGE_LEVEL, 7, "c0", ALTO_MALFORMED},
        {"a digest without a size", CHANGE_LEVEL, 6, "00", ALTO_MALFORMED},
        {"a size beyond the limit", CHANGE_LEVEL, 6, "ce40000001", ALTO_TOO_LARGE},
        {"a change with 8 fields", CHANGE_LEVEL, 0, "98", ALTO_MALFORMED},
        {"an entry with 10 fields", ENTRY_LEVEL, 0, "9a", ALTO_MALFORMED},
        {"kind 0", ENTRY_LEVEL, 1, "00", ALTO_MALFORMED},
        {"kind 4", ENTRY_LEVEL, 1, "04", ALTO_MALFORMED},
        {"a media type of its own", ENTRY_LEVEL, 2, "a3612f62", ALTO_OK},
        {"an empty media type", ENTRY_LEVEL, 2, "a0", ALTO_MALFORMED},
        {"a media type with a newline", ENTRY_LEVEL, 2, "a3610a62", ALTO_MALFORMED},
        {"the implied media type in words", ENTRY_LEVEL, 2,
         "d9206170706c69636174696f6e2f616c746f2d6e6574776f726b6d61702b6a736f6e", ALTO_MALFORMED},
        {"rows beyond 2^53", ENTRY_LEVEL, 4, "cfffffffffffffffff", ALTO_TOO_LARGE},
        {"items in floating point", ENTRY_LEVEL, 5, "cb3ff0000000000000", ALTO_MALFORMED},
        {"a tag", ENTRY_LEVEL, 7, "a3212b7e", ALTO_OK},
        {"an empty tag", ENTRY_LEVEL, 7, "a0", ALTO_MALFORMED},
        {"a tag with a space", ENTRY_LEVEL, 7, "a3612062", ALTO_MALFORMED},
        {"a tag with a NUL", ENTRY_LEVEL, 7, "a3610062", ALTO_MALFORMED},
        {"a dependency", ENTRY_LEVEL, 8, "9192a16ea174", ALTO_OK},
        {"a dependency of one", ENTRY_LEVEL, 8, "9191a16e", ALTO_MALFORMED},
        {"a dependency without a name", ENTRY_LEVEL, 8, "9192a0a174", ALTO_MALFORMED},
        {"17 dependencies", ENTRY_LEVEL, 8, MANY_ENTRY_DEPENDENCIES, ALTO_TOO_LARGE},
        {"flags beyond 32 bits", ENTRY_LEVEL, 9, "cf0000000100000000", ALTO_TOO_LARGE},
        {"a head without a commit", HEAD_LEVEL, 7, "c0", ALTO_MALFORMED},
        {"a head valid for no time", HEAD_LEVEL, 10, "00", ALTO_MALFORMED},
        {"an interval beyond 32 bits", HEAD_LEVEL, 11, "cf0000000100000000", ALTO_TOO_LARGE},
        {"a head with a field too few", HEAD_LEVEL, 0, "9b", ALTO_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_buffer hex = alto_buffer_make(1 << 16);
        add_level(&hex, cases[i].level == HEAD_LEVEL ? HEAD_LEVEL : COMMIT_LEVEL, &cases[i]);
        assert_int_equal(status_of_hex(&hex), cases[i].status);
        alto_buffer_fini(&hex);
    }
}

static void changes_must_ascend_when_read(void **state)
{
    (void)state;
    /* Written in order under names that sort otherwise once one letter is replaced in the bytes. */
    static const struct {
        const char *label;
        uint8_t first;
        alto_status status;
    } cases[] = {{"ascending", 'a', ALTO_OK}, {"equal", 'b', ALTO_MALFORMED}, {"descending", 'z', ALTO_MALFORMED}};
    alto_statement commit = good_commit(), read;
    alto_buffer bytes = encoded(&commit);
    uint8_t *name = memmem(bytes.data, bytes.size,
                           "\x97\xa1"
                           "a",
                           3);
    assert_non_null(name);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        name[2] = cases[i].first;
        assert_int_equal(alto_statement_decode(alto_buffer_slice(&bytes), &read), cases[i].status);
        alto_statement_fini(&read);
    }
    alto_buffer_fini(&bytes);
}

static void sizes_beyond_the_limits_are_refused_unread(void **state)
{
    (void)state;
    alto_statement read;
    alto_origin origin = pattern(1);
    alto_tree *tree;
    uint8_t *bytes = calloc(1, ALTO_MAX_CATALOG + 1);
    assert_non_null(bytes);
    assert_int_equal(alto_statement_decode(alto_slice_of(bytes, ALTO_MAX_STATEMENT + 1), &read), ALTO_TOO_LARGE);
    alto_statement_fini(&read);
    assert_int_equal(alto_catalog_decode(NULL, alto_slice_of(bytes, ALTO_MAX_CATALOG + 1), &origin, &tree),
                     ALTO_TOO_LARGE);
    free(bytes);
}

/* ---- signed files, topics ---- */

static void a_signed_file_is_object_then_signature(void **state)
{
    (void)state;
    example it = example_make();
    alto_slice object, commit = alto_buffer_slice(&it.commit);
    alto_public_key key = alto_signing_key_public(it.online);
    alto_signature signature = alto_sign(it.online, commit), read;
    alto_buffer file = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_buffer_add_slice(&file, commit);
    alto_buffer_add(&file, signature.bytes, sizeof signature.bytes);
    assert_int_equal(alto_signed_split(alto_buffer_slice(&file), &object, &read), ALTO_OK);
    assert_true(alto_slice_equal(object, commit));
    assert_true(alto_verify(&key, object, &read));
    assert_int_equal(alto_signed_split(alto_slice_of(file.data, ALTO_SIGNATURE_SIZE), &object, &read), ALTO_MALFORMED);
    assert_int_equal(alto_signed_split(alto_slice_of(NULL, 0), &object, &read), ALTO_MALFORMED);
    alto_buffer_fini(&file);
    example_fini(&it);
}

static void topics_tell_origins_resources_and_inputs_apart(void **state)
{
    (void)state;
    alto_origin one = pattern(1), two = pattern(2);
    alto_resource_name a = {alto_slice_text("a"), {NULL, 0}}, b = {alto_slice_text("b"), {NULL, 0}};
    alto_resource_name filtered = {alto_slice_text("a"), alto_slice_text("{}")};
    uint8_t topics[6][ALTO_TOPIC_SIZE];
    alto_topic(topics[0], 'h', &one, NULL);
    alto_topic(topics[1], 'h', &two, NULL);
    alto_topic(topics[2], 'p', &one, &a);
    alto_topic(topics[3], 'p', &one, &b);
    alto_topic(topics[4], 'p', &two, &a);
    alto_topic(topics[5], 'p', &one, &filtered);
    for (size_t i = 0; i < countof(topics); i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(topics[i], topics[j], ALTO_TOPIC_SIZE);
    assert_memory_equal(topics[0], "h\1\1\1\1\1\1\1\1\0\0\0\0\0\0\0\0", ALTO_TOPIC_SIZE);
    assert_memory_equal(topics[2], "p\1\1\1\1\1\1\1\1", 9);
}

/* ---- catalog ---- */

static void a_catalog_key_comes_apart_again(void **state)
{
    (void)state;
    static const struct {
        const char *label, *id, *input;
    } cases[] = {{"plain", "net", ""}, {"reserved", ".ird", ""}, {"with input", "net", "{\"pids\":[\"a\"]}"}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_resource_name name = {alto_slice_text(cases[i].id), alto_slice_text(cases[i].input)}, read;
        alto_buffer key = alto_buffer_make(1000);
        alto_catalog_key(&name, &key);
        assert_true(alto_catalog_name(alto_buffer_slice(&key), &read));
        assert_true(alto_slice_equal(read.id, name.id) && alto_slice_equal(read.input, name.input));
        alto_buffer_fini(&key);
    }
    alto_resource_name read;
    assert_false(alto_catalog_name(alto_slice_of(NULL, 0), &read));
    assert_false(alto_catalog_name(alto_slice_text("net"), &read));
    assert_false(alto_catalog_name(alto_slice_of("\0x", 2), &read));
    assert_false(alto_catalog_name(alto_slice_of("a b\0", 4), &read));
}

/* A catalog of n resources "r0000"..., every third a cost map with an input. */
static alto_tree *catalog_of(alto_pool *pool, size_t count)
{
    alto_tree *tree = NULL;
    for (size_t i = 0; i < count; i++) {
        char id[24];
        snprintf(id, sizeof id, "r%04zu", i);
        alto_entry entry = entry_of(i % 3 ? ALTO_NETWORK_MAP : ALTO_COST_MAP, (uint8_t)i);
        alto_resource_name name = {alto_slice_text(id), alto_slice_text(i % 3 ? "" : "{}")};
        alto_buffer key = alto_buffer_make(1000), value = alto_buffer_make(10000);
        alto_catalog_key(&name, &key);
        assert_int_equal(alto_entry_encode(&entry, &value), ALTO_OK);
        alto_edit edit = {.key = alto_buffer_slice(&key), .value = {.text = alto_buffer_slice(&value)}};
        alto_tree *next;
        assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_TEXT, tree, &edit, 1, &next), ALTO_OK);
        alto_tree_release(tree);
        tree = next;
        alto_buffer_fini(&key);
        alto_buffer_fini(&value);
    }
    return tree;
}

static void a_catalog_comes_back_with_the_same_state_root(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 40, 500};
    alto_origin origin = pattern(9), other = pattern(8);
    alto_pool *pool = alto_pool_new();
    assert_non_null(pool);
    for (size_t i = 0; i < countof(counts); i++) {
        alto_tree *tree = catalog_of(pool, counts[i]), *read = NULL;
        alto_buffer out = alto_buffer_make(ALTO_MAX_CATALOG), again = alto_buffer_make(ALTO_MAX_CATALOG);
        assert_int_equal(alto_catalog_encode(&origin, tree, &out), ALTO_OK);
        alto_slice bytes = alto_buffer_slice(&out);
        assert_int_equal(alto_catalog_decode(pool, bytes, &other, &read), ALTO_WRONG_ORIGIN);
        assert_int_equal(alto_catalog_decode(pool, bytes, &origin, &read), ALTO_OK);
        alto_hash before = alto_state_root(tree), after = alto_state_root(read);
        assert_true(alto_hash_equal(&before, &after));
        assert_int_equal(alto_tree_entries(read), counts[i]);
        assert_int_equal(alto_catalog_encode(&origin, read, &again), ALTO_OK);
        assert_true(alto_slice_equal(bytes, alto_buffer_slice(&again)));
        alto_tree_release(tree);
        alto_tree_release(read);
        alto_buffer_fini(&out);
        alto_buffer_fini(&again);
    }
    alto_pool_destroy(&pool);
}

static void rows_of_a_catalog_must_ascend_and_fill_it(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        char first; /* last letter of the first of the rows r0001, r0002 */
        size_t cut; /* bytes missing at the end */
        alto_status status;
    } cases[] = {{"ascending", '1', 0, ALTO_OK},         {"equal", '2', 0, ALTO_MALFORMED},
                 {"descending", '3', 0, ALTO_MALFORMED}, {"an ID with a slash", '/', 0, ALTO_MALFORMED},
                 {"no ext", '1', 1, ALTO_MALFORMED},     {"a row too few", '1', 40, ALTO_MALFORMED}};
    alto_pool *pool = alto_pool_new();
    assert_non_null(pool);
    alto_origin origin = pattern(9);
    alto_tree *tree = catalog_of(pool, 3), *read;
    alto_buffer out = alto_buffer_make(ALTO_MAX_CATALOG);
    assert_int_equal(alto_catalog_encode(&origin, tree, &out), ALTO_OK);
    uint8_t *name = memmem(out.data, out.size, "r0001", 5);
    assert_non_null(name);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        name[4] = (uint8_t)cases[i].first;
        alto_slice bytes = alto_slice_of(out.data, out.size - cases[i].cut);
        assert_int_equal(alto_catalog_decode(pool, bytes, &origin, &read), cases[i].status);
        if (cases[i].status == ALTO_OK)
            alto_tree_release(read);
    }
    alto_tree_release(tree);
    alto_buffer_fini(&out);
    alto_pool_destroy(&pool);
}

static void a_state_root_tells_catalogs_apart(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    assert_non_null(pool);
    alto_tree *one = catalog_of(pool, 1), *two = catalog_of(pool, 2);
    alto_hash none_root = alto_state_root(NULL), one_root = alto_state_root(one), two_root = alto_state_root(two);
    assert_false(alto_hash_equal(&none_root, &one_root));
    assert_false(alto_hash_equal(&one_root, &two_root));
    alto_tree_release(one);
    alto_tree_release(two);
    alto_pool_destroy(&pool);
}

/* ---- whatever arrives ---- */

enum { ROUNDS = 20000 };

/* A heap copy of exactly its size with one to four random changes: bits, bytes, cuts, repeats. */
static alto_slice mutated(test_random *random, alto_slice bytes)
{
    uint8_t *copy = malloc(bytes.size + 16);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    size_t size = bytes.size;
    for (uint64_t left = 1 + test_random_below(random, 4); left > 0 && size > 1; left--) {
        size_t at = test_random_below(random, size);
        switch (test_random_below(random, 5)) {
        case 0:
            copy[at] ^= (uint8_t)(1 << test_random_below(random, 8));
            break;
        case 1:
            copy[at] = (uint8_t)test_random_next(random);
            break;
        case 2:
            size = test_random_below(random, 8) ? size : at + 1;
            break;
        case 3:
            memmove(copy + at, copy + at + 1, size - at - 1);
            size--;
            break;
        default:
            if (size < bytes.size + 16) {
                memmove(copy + at + 1, copy + at, size - at);
                size++;
            }
            break;
        }
    }
    uint8_t *exact = malloc(size);
    assert_non_null(exact);
    memcpy(exact, copy, size);
    free(copy);
    return alto_slice_of(exact, size);
}

/* What was accepted encodes to the same bytes, but for what stands in ext: `again` ends in an empty one. */
static void assert_same_but_ext(alto_slice accepted, alto_slice again)
{
    assert_true(again.size <= accepted.size);
    assert_memory_equal(accepted.data, again.data, again.size - 1);
    assert_int_equal(again.data[again.size - 1], 0x80);
    uint8_t ext = accepted.data[again.size - 1];
    assert_true((ext & 0xf0) == 0x80 || ext == 0xde || ext == 0xdf);
    assert_true(ext != 0x80 || again.size == accepted.size);
}

static unsigned try_statement(alto_slice bytes)
{
    alto_statement read;
    if (alto_statement_decode(bytes, &read) != ALTO_OK)
        return 0;
    alto_buffer again = encoded(&read);
    assert_same_but_ext(bytes, alto_buffer_slice(&again));
    alto_buffer_fini(&again);
    alto_statement_fini(&read);
    return 1;
}

static void mutated_statements_are_refused_or_encode_to_the_same_bytes(void **state)
{
    (void)state;
    alto_entry cost = entry_of(ALTO_COST_MAP, 2), document = entry_of(ALTO_DOCUMENT, 3);
    add_dependency(&cost, "net", "tag-1");
    snprintf(document.media_type, sizeof document.media_type, "application/x");
    alto_commit_change changes[] = {change_of("a", document), change_of("b", cost), change_of("c", cost)};
    changes[0].name.input = alto_slice_text("{}");
    changes[2].has_entry = false;
    changes[2].raw_size = changes[2].size = 0;
    alto_statement commit = commit_of(changes, countof(changes)), head = head_of(&changes[0].digest);
    alto_buffer bytes[] = {encoded(&commit), encoded(&head)};
    test_random random = test_random_make(20001);
    unsigned accepted = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        alto_slice spoiled = mutated(&random, alto_buffer_slice(&bytes[i % 2]));
        accepted += try_statement(spoiled);
        free((void *)(uintptr_t)spoiled.data);
    }
    print_message("  %u of %u accepted\n", accepted, (unsigned)ROUNDS);
    assert_in_range(accepted, 1, ROUNDS - 1);
    alto_buffer_fini(&bytes[0]);
    alto_buffer_fini(&bytes[1]);
}

static void mutated_entries_and_catalogs_are_refused_or_encode_to_the_same_bytes(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    assert_non_null(pool);
    alto_origin origin = pattern(9);
    alto_tree *tree = catalog_of(pool, 4);
    alto_buffer listing = alto_buffer_make(ALTO_MAX_CATALOG), one = alto_buffer_make(10000);
    assert_int_equal(alto_catalog_encode(&origin, tree, &listing), ALTO_OK);
    alto_entry entry = entry_of(ALTO_COST_MAP, 2), read;
    add_dependency(&entry, "net", "tag-1");
    assert_int_equal(alto_entry_encode(&entry, &one), ALTO_OK);
    test_random random = test_random_make(20002);
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        alto_slice spoiled = mutated(&random, alto_buffer_slice(&one));
        alto_buffer again = alto_buffer_make(ALTO_MAX_CATALOG);
        if (alto_entry_decode(spoiled, &read) == ALTO_OK) {
            assert_int_equal(alto_entry_encode(&read, &again), ALTO_OK);
            assert_true(alto_slice_equal(spoiled, alto_buffer_slice(&again)));
        }
        free((void *)(uintptr_t)spoiled.data);
        alto_buffer_clear(&again);
        spoiled = mutated(&random, alto_buffer_slice(&listing));
        alto_tree *got;
        if (alto_catalog_decode(pool, spoiled, &origin, &got) == ALTO_OK) {
            assert_int_equal(alto_catalog_encode(&origin, got, &again), ALTO_OK);
            assert_same_but_ext(spoiled, alto_buffer_slice(&again));
            alto_tree_release(got);
        }
        free((void *)(uintptr_t)spoiled.data);
        alto_buffer_fini(&again);
    }
    alto_tree_release(tree);
    alto_buffer_fini(&listing);
    alto_buffer_fini(&one);
    alto_pool_destroy(&pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_of_the_documentation_is_what_the_code_does),
        cmocka_unit_test(a_commit_comes_back_with_every_field),
        cmocka_unit_test(a_head_comes_back_with_every_field),
        cmocka_unit_test(a_commit_may_change_nothing_and_follow_nothing),
        cmocka_unit_test(positions_are_ordered_by_epoch_then_chain_then_seq),
        cmocka_unit_test(the_fixed_part_stays_below_512_bytes),
        cmocka_unit_test(what_no_decoder_would_take_is_not_written),
        cmocka_unit_test(every_field_is_checked_when_read),
        cmocka_unit_test(changes_must_ascend_when_read),
        cmocka_unit_test(sizes_beyond_the_limits_are_refused_unread),
        cmocka_unit_test(a_signed_file_is_object_then_signature),
        cmocka_unit_test(topics_tell_origins_resources_and_inputs_apart),
        cmocka_unit_test(a_catalog_key_comes_apart_again),
        cmocka_unit_test(a_catalog_comes_back_with_the_same_state_root),
        cmocka_unit_test(rows_of_a_catalog_must_ascend_and_fill_it),
        cmocka_unit_test(a_state_root_tells_catalogs_apart),
        cmocka_unit_test(mutated_statements_are_refused_or_encode_to_the_same_bytes),
        cmocka_unit_test(mutated_entries_and_catalogs_are_refused_or_encode_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
