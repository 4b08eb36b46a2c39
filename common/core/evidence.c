/* SPDX-License-Identifier: Apache-2.0 */
#include "core/evidence.h"

#include "core/roots.h"
#include "core/snapshot.h"
#include "core/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A manifest file, alone or in a list of root sets. */
typedef struct {
    alto_slice file;
    alto_manifest manifest; /* decoded */
    size_t object;          /* where it stands */
    alto_status status;     /* of checking it: ALTO_OK, or ALTO_EXPIRED, which counts too */
} shown_manifest;

/* A commit or head whose signature is right. */
typedef struct {
    alto_statement decoded;
} shown_statement;

/* A version that something signed names. */
typedef struct {
    alto_hash root;
    alto_kind kind;
    uint64_t text_size;
    char id[ALTO_MAX_NAME + 2];
    alto_position position;
} named_version;

typedef struct {
    const alto_slice *objects;
    size_t count;
    uint64_t now_ms;
    alto_verdict *verdicts;
    alto_roots roots;
    alto_pool *pool;
    shown_manifest *manifests; /* in order of their numbers once they are judged */
    size_t manifest_count;
    shown_statement *statements;
    size_t statement_count;
    named_version *versions;
    size_t version_count, version_room;
} evidence;

/* ---- saying ---- */

static void say(alto_verdict *verdict, bool proved, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(alto_verdict *verdict, bool proved, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->says, sizeof verdict->says, format, arguments);
    va_end(arguments);
    verdict->proved = proved;
}

/* A date in words. */
typedef struct {
    char text[32];
} date;

static date date_of(uint64_t time_ms)
{
    date made;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(made.text, sizeof made.text, "%Y-%m-%d %H:%M:%S UTC", &parts))
        snprintf(made.text, sizeof made.text, "a time beyond the calendar");
    return made;
}

typedef struct {
    char text[2 * ALTO_HASH_SIZE + 1];
} hex;

static hex hex_of(const void *bytes, size_t size)
{
    hex made;
    alto_hex(made.text, bytes, size);
    return made;
}

/* ---- what they are ---- */

/* A msgpack array that begins with this text? */
static bool has_type(alto_slice bytes, const char *type)
{
    size_t length = strlen(type);
    return bytes.size > 2 + length && (bytes.data[0] & 0xf0) == 0x90 && bytes.data[1] == (0xa0 | length) &&
           memcmp(bytes.data + 2, type, length) == 0;
}

static bool is_root_list(alto_slice bytes)
{
    alto_reader in = alto_reader_make(bytes);
    alto_slice first = alto_reader_slice(&in, alto_reader_u32(&in));
    return in.status == ALTO_OK && has_type(first, "altocast-manifest-1");
}

static bool is_json(alto_slice bytes)
{
    size_t at = 0;
    while (at < bytes.size && strchr(" \t\r\n", bytes.data[at]) && bytes.data[at])
        at++;
    return at < bytes.size && bytes.data[at] == '{';
}

static bool begins_with(alto_slice bytes, const char *text)
{
    return bytes.size >= strlen(text) && memcmp(bytes.data, text, strlen(text)) == 0;
}

static const char *type_of(alto_slice bytes)
{
    return has_type(bytes, "altocast-manifest-1")      ? "manifest"
           : has_type(bytes, "altocast-commit-1")      ? "commit"
           : has_type(bytes, "altocast-head-1")        ? "head"
           : has_type(bytes, "altocast-catalog-1")     ? "catalog"
           : begins_with(bytes, "altocast-snapshot-1") ? "snapshot"
           : is_root_list(bytes)                       ? "roots"
           : is_json(bytes)                            ? "alto-json"
                                                       : "unknown";
}

static bool is_a(const evidence *self, size_t object, const char *type)
{
    return strcmp(self->verdicts[object].type, type) == 0;
}

/* ---- manifests and root sets ---- */

/* false: it is no manifest file, which is said. */
static bool add_manifest(evidence *self, size_t object, alto_slice file)
{
    shown_manifest *added = &self->manifests[self->manifest_count];
    *added = (shown_manifest){.file = file, .object = object};
    alto_status status = alto_manifest_read(file, &added->manifest);
    if (status == ALTO_OK)
        self->manifest_count++;
    else
        say(&self->verdicts[object], false, "a manifest that nobody has signed, or that is damaged: %s",
            alto_status_text(status));
    return status == ALTO_OK;
}

static void add_list(evidence *self, size_t object)
{
    alto_reader in = alto_reader_make(self->objects[object]);
    for (size_t i = 0; i < ALTO_MAX_ROOT_SETS && alto_reader_left(&in); i++) {
        alto_slice file = alto_reader_slice(&in, alto_reader_u32(&in));
        if (in.status != ALTO_OK) {
            say(&self->verdicts[object], false, "a list of root sets that is damaged: %s", alto_status_text(in.status));
            return;
        }
        if (!add_manifest(self, object, file))
            return;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const alto_manifest *one = &((const shown_manifest *)a)->manifest, *other = &((const shown_manifest *)b)->manifest;
    return alto_manifest_compare(one, other->epoch, other->version);
}

static void say_manifest(const evidence *self, const shown_manifest *shown)
{
    const alto_manifest *manifest = &shown->manifest;
    alto_verdict *verdict = &self->verdicts[shown->object];
    if (shown->status == ALTO_OK || shown->status == ALTO_EXPIRED)
        say(verdict, true, "manifest %u.%u, signed by enough root keys, %s %s, online keys: %zu", manifest->epoch,
            manifest->version, shown->status == ALTO_OK ? "good until" : "which has expired on",
            date_of(manifest->not_after_ms).text, manifest->online_count);
    else
        say(verdict, false, "manifest %u.%u: %s", manifest->epoch, manifest->version,
            shown->status == ALTO_UNKNOWN_KEY ? "too few signatures of the root keys that are known; after a change of "
                                                "root keys, give the list (roots) too"
                                              : alto_status_text(shown->status));
}

/* A list is as good as its weakest part. */
static void say_list(const evidence *self, size_t object)
{
    size_t changes = 0;
    for (size_t i = 0; i < self->manifest_count; i++) {
        const shown_manifest *each = &self->manifests[i];
        if (each->object != object)
            continue;
        if (each->status != ALTO_OK && each->status != ALTO_EXPIRED) {
            say(&self->verdicts[object], false, "list of root sets, of which manifest %u.%u is refused: %s",
                each->manifest.epoch, each->manifest.version, alto_status_text(each->status));
            return;
        }
        changes++;
    }
    say(&self->verdicts[object], true, "list of root sets, changes: %zu, each signed by the keys before and after it",
        changes);
}

static alto_status judge_manifests(evidence *self)
{
    if (self->manifest_count) /* sorting nothing may not be given NULL */
        qsort(self->manifests, self->manifest_count, sizeof *self->manifests, compare_numbers);
    for (size_t i = 0; i < self->manifest_count; i++) {
        shown_manifest *each = &self->manifests[i];
        each->status = alto_manifest_check(each->file, &each->manifest, &self->roots.reached, self->now_ms);
        if (each->status != ALTO_OK && each->status != ALTO_EXPIRED)
            continue;
        alto_status status = alto_roots_take(&self->roots, each->file, &each->manifest);
        if (status == ALTO_NO_MEMORY)
            return status;
        if (status != ALTO_OK)
            each->status = status;
    }
    for (size_t i = 0; i < self->manifest_count; i++)
        if (is_a(self, self->manifests[i].object, "manifest"))
            say_manifest(self, &self->manifests[i]);
    for (size_t i = 0; i < self->count; i++)
        if (is_a(self, i, "roots") && !self->verdicts[i].says[0])
            say_list(self, i);
    return ALTO_OK;
}

static alto_status take_manifests(evidence *self)
{
    size_t room = 0;
    for (size_t i = 0; i < self->count; i++)
        room += is_a(self, i, "manifest") ? 1 : is_a(self, i, "roots") ? ALTO_MAX_ROOT_SETS : 0;
    self->manifests = calloc(room + 1, sizeof *self->manifests);
    if (!self->manifests)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count; i++)
        if (is_a(self, i, "manifest"))
            add_manifest(self, i, self->objects[i]);
        else if (is_a(self, i, "roots"))
            add_list(self, i);
    return judge_manifests(self);
}

/* ---- statements ---- */

/* The newest manifest of that epoch that names the key for that time; NULL: none. *last: is none of the epoch newer? */
static const shown_manifest *find_signer(const evidence *self, const alto_statement *statement,
                                         const alto_public_key **key, bool *last)
{
    *last = true;
    for (size_t i = self->manifest_count; i-- > 0;) {
        const shown_manifest *each = &self->manifests[i];
        if ((each->status != ALTO_OK && each->status != ALTO_EXPIRED) ||
            each->manifest.epoch != statement->manifest_epoch)
            continue;
        *key = alto_manifest_key(&each->manifest, &statement->key_id, statement->issued_at_ms);
        if (*key)
            return each;
        *last = false;
    }
    return NULL;
}

static alto_status check_statement(const evidence *self, const alto_statement *statement, alto_slice object,
                                   const alto_signature *signature, alto_verdict *verdict)
{
    const alto_public_key *key;
    bool last;
    const shown_manifest *signer = find_signer(self, statement, &key, &last);
    hex id = hex_of(statement->key_id.bytes, sizeof statement->key_id.bytes);
    if (!alto_hash_equal(&statement->origin, &self->roots.reached.origin)) {
        say(verdict, false, "%s of another origin", verdict->type);
        return ALTO_WRONG_ORIGIN;
    }
    if (!signer) {
        say(verdict, false, "none of the manifests proved here names its key %s for %s: give manifest %u.%u", id.text,
            date_of(statement->issued_at_ms).text, statement->manifest_epoch, statement->manifest_version);
        return ALTO_UNKNOWN_KEY;
    }
    if (!alto_verify(key, object, signature)) {
        say(verdict, false, "its signature is not by key %s, which it names", id.text);
        return ALTO_BAD_SIGNATURE;
    }
    if (!last) {
        say(verdict, false,
            "its signature is by key %s of manifest %u.%u, which a newer manifest no longer names: revoked", id.text,
            signer->manifest.epoch, signer->manifest.version);
        return ALTO_UNKNOWN_KEY;
    }
    if (statement->issued_at_ms > self->now_ms + ALTO_MAX_CLOCK_MS) {
        say(verdict, false, "dated %s, which is in the future", date_of(statement->issued_at_ms).text);
        return ALTO_FUTURE;
    }
    char position[ALTO_POSITION_TEXT];
    uint64_t until_ms = statement->issued_at_ms + statement->valid_for_s * 1000;
    alto_position_text(&statement->position, position);
    say(verdict, true, "%s %s, signed by online key %s (manifest %u.%u) on %s, %s %s, state root %s", verdict->type,
        position, id.text, signer->manifest.epoch, signer->manifest.version, date_of(statement->issued_at_ms).text,
        until_ms > self->now_ms ? "valid until" : "valid no longer than", date_of(until_ms).text,
        hex_of(statement->state_root.bytes, ALTO_HASH_SIZE).text);
    return ALTO_OK;
}

/* A version is named by a signed statement, or by a catalog that has the root of one. */
static alto_status add_version(evidence *self, alto_slice id, const alto_entry *entry, const alto_position *position)
{
    if (self->version_count == self->version_room) {
        size_t room = 2 * self->version_room + 16;
        named_version *more = realloc(self->versions, room * sizeof *more);
        if (!more)
            return ALTO_NO_MEMORY;
        self->versions = more;
        self->version_room = room;
    }
    named_version *added = &self->versions[self->version_count++];
    *added =
        (named_version){.root = entry->root, .kind = entry->kind, .text_size = entry->text_size, .position = *position};
    snprintf(added->id, sizeof added->id, "%.*s", (int)id.size, (const char *)id.data);
    return ALTO_OK;
}

static alto_status take_statement(evidence *self, size_t object)
{
    alto_slice bytes;
    alto_signature signature;
    alto_verdict *verdict = &self->verdicts[object];
    shown_statement *added = &self->statements[self->statement_count];
    alto_status status = alto_signed_split(self->objects[object], &bytes, &signature);
    if (status == ALTO_OK)
        status = alto_statement_decode(bytes, &added->decoded);
    if (status != ALTO_OK) {
        say(verdict, false, "a %s that is damaged, or has no signature behind it: %s", verdict->type,
            alto_status_text(status));
        return status == ALTO_NO_MEMORY ? status : ALTO_OK;
    }
    if (check_statement(self, &added->decoded, bytes, &signature, verdict) != ALTO_OK) {
        alto_statement_fini(&added->decoded);
        return ALTO_OK;
    }
    self->statement_count++;
    for (size_t i = 0; i < added->decoded.change_count && status == ALTO_OK; i++) {
        const alto_commit_change *change = &added->decoded.changes[i];
        if (change->has_entry)
            status = add_version(self, change->name.id, &change->entry, &added->decoded.position);
    }
    return status;
}

static alto_status take_statements(evidence *self)
{
    alto_status status = ALTO_OK;
    self->statements = calloc(self->count + 1, sizeof *self->statements);
    if (!self->statements)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count && status == ALTO_OK; i++)
        if (is_a(self, i, "commit") || is_a(self, i, "head"))
            status = take_statement(self, i);
    return status;
}

/* ---- catalogs ---- */

static const alto_statement *find_state(const evidence *self, const alto_hash *state_root)
{
    for (size_t i = 0; i < self->statement_count; i++)
        if (alto_hash_equal(&self->statements[i].decoded.state_root, state_root))
            return &self->statements[i].decoded;
    return NULL;
}

static alto_status add_entries(evidence *self, const alto_tree *catalog, const alto_position *position)
{
    alto_cursor at;
    alto_status status = ALTO_OK;
    for (alto_cursor_first(&at, catalog); alto_cursor_valid(&at) && status == ALTO_OK; alto_cursor_next(&at)) {
        alto_entry entry;
        alto_resource_name name;
        status = alto_entry_decode(alto_cursor_value(&at).text, &entry);
        if (status == ALTO_OK && alto_catalog_name(alto_cursor_key(&at), &name))
            status = add_version(self, name.id, &entry, position);
    }
    return status;
}

static alto_status take_catalog(evidence *self, size_t object)
{
    alto_tree *catalog = NULL;
    alto_verdict *verdict = &self->verdicts[object];
    alto_status status = alto_catalog_decode(self->pool, self->objects[object], &self->roots.reached.origin, &catalog);
    if (status != ALTO_OK) {
        say(verdict, false, "a catalog that is refused: %s", alto_status_text(status));
        return status == ALTO_NO_MEMORY ? status : ALTO_OK;
    }
    alto_hash root = alto_state_root(catalog);
    const alto_statement *statement = find_state(self, &root);
    hex name = hex_of(root.bytes, sizeof root.bytes);
    if (!statement) {
        say(verdict, false, "catalog with state root %s, which none of the commits and heads proved here names",
            name.text);
    } else {
        char position[ALTO_POSITION_TEXT];
        alto_position_text(&statement->position, position);
        say(verdict, true, "catalog of %llu resources at %s, state root %s",
            (unsigned long long)alto_tree_entries(catalog), position, name.text);
        status = add_entries(self, catalog, &statement->position);
    }
    alto_tree_release(catalog);
    return status;
}

/* ---- content ---- */

static const named_version *find_version(const evidence *self, const alto_hash *root)
{
    const named_version *newest = NULL;
    for (size_t i = 0; i < self->version_count; i++) {
        const named_version *each = &self->versions[i];
        if (alto_hash_equal(&each->root, root) &&
            (!newest || alto_position_compare(&each->position, &newest->position) > 0))
            newest = each;
    }
    return newest;
}

static void say_version(const evidence *self, const alto_version *version, alto_verdict *verdict)
{
    const alto_hash *root = alto_version_root(version);
    const named_version *named = find_version(self, root);
    hex name = hex_of(root->bytes, sizeof root->bytes);
    if (!named) {
        say(verdict, false, "its content has root %s, which none of the catalogs and commits proved here names",
            name.text);
        return;
    }
    char position[ALTO_POSITION_TEXT];
    alto_position_text(&named->position, position);
    say(verdict, true, "resource %s as it was at %s, root %s", named->id, position, name.text);
}

static alto_status take_json(evidence *self, size_t object)
{
    alto_version *version = NULL;
    alto_error error = {.status = ALTO_OK};
    alto_verdict *verdict = &self->verdicts[object];
    alto_status status = alto_map_read(self->pool, self->objects[object], NULL, NULL, &version, &error);
    if (status == ALTO_OK)
        say_version(self, version, verdict);
    else
        say(verdict, false, "no ALTO JSON: %s%s%s", error.where, error.where[0] ? ": " : "", error.why);
    alto_version_release(version);
    return status == ALTO_NO_MEMORY ? status : ALTO_OK;
}

/* The largest text of that kind that is signed: no more is made of a snapshot. */
static uint64_t largest_text(const evidence *self, alto_kind kind)
{
    uint64_t most = 0;
    for (size_t i = 0; i < self->version_count; i++)
        if (self->versions[i].kind == kind && self->versions[i].text_size > most)
            most = self->versions[i].text_size;
    return most;
}

static alto_status read_snapshot(const evidence *self, alto_kind kind, uint64_t limit, alto_slice bytes,
                                 alto_version **out)
{
    alto_snapshot_reader *reader = alto_snapshot_reader_new(self->pool, kind, NULL);
    if (!reader)
        return ALTO_NO_MEMORY;
    alto_snapshot_reader_limit(reader, limit);
    alto_status status = alto_snapshot_read(reader, bytes);
    if (status == ALTO_OK)
        status = alto_snapshot_finish(reader, out);
    alto_snapshot_reader_destroy(&reader);
    return status;
}

static alto_status take_snapshot(evidence *self, size_t object)
{
    enum { KIND_AT = 19 };
    alto_slice bytes = self->objects[object];
    alto_verdict *verdict = &self->verdicts[object];
    unsigned kind = bytes.size > KIND_AT ? bytes.data[KIND_AT] : 0;
    if (kind < ALTO_NETWORK_MAP || kind > ALTO_DOCUMENT) {
        say(verdict, false, "a snapshot that is damaged");
        return ALTO_OK;
    }
    uint64_t limit = largest_text(self, (alto_kind)kind);
    if (limit == 0) {
        say(verdict, false, "a snapshot; none of the catalogs and commits proved here names anything of its kind");
        return ALTO_OK;
    }
    alto_version *version = NULL;
    alto_status status = read_snapshot(self, (alto_kind)kind, limit, bytes, &version);
    if (status == ALTO_OK)
        say_version(self, version, verdict);
    else
        say(verdict, false, "a snapshot that is refused: %s", alto_status_text(status));
    alto_version_release(version);
    return status == ALTO_NO_MEMORY ? status : ALTO_OK;
}

/* Anything else: perhaps a payload that a commit has signed. */
static void take_payload(evidence *self, size_t object)
{
    alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, self->objects[object]);
    alto_verdict *verdict = &self->verdicts[object];
    for (size_t i = 0; i < self->statement_count; i++) {
        const alto_statement *statement = &self->statements[i].decoded;
        for (size_t j = 0; j < statement->change_count; j++) {
            const alto_commit_change *change = &statement->changes[j];
            if (!change->size || !alto_hash_equal(&change->digest, &digest))
                continue;
            char position[ALTO_POSITION_TEXT];
            alto_position_text(&statement->position, position);
            verdict->type = "payload";
            say(verdict, true, "payload (delta) of resource %.*s in commit %s", (int)change->name.id.size,
                (const char *)change->name.id.data, position);
            return;
        }
    }
    say(verdict, false,
        "neither a signed object nor ALTO JSON, nor a payload of a commit proved here; a delta that a "
        "server made proves itself only where it is applied");
}

static alto_status take_content(evidence *self)
{
    alto_status status = ALTO_OK;
    for (size_t i = 0; i < self->count && status == ALTO_OK; i++) {
        if (is_a(self, i, "alto-json"))
            status = take_json(self, i);
        else if (is_a(self, i, "snapshot"))
            status = take_snapshot(self, i);
        else if (is_a(self, i, "unknown"))
            take_payload(self, i);
    }
    return status;
}

/* ---- all of it ---- */

static alto_status judge(evidence *self)
{
    alto_status status = self->pool ? take_manifests(self) : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = take_statements(self);
    for (size_t i = 0; i < self->count && status == ALTO_OK; i++)
        if (is_a(self, i, "catalog"))
            status = take_catalog(self, i);
    return status == ALTO_OK ? take_content(self) : status;
}

alto_status alto_evidence_judge(const alto_anchor *anchor, const alto_slice *objects, size_t count, uint64_t now_ms,
                                alto_verdict *verdicts)
{
    evidence self = {
        .objects = objects, .count = count, .now_ms = now_ms, .verdicts = verdicts, .pool = alto_pool_new()};
    alto_roots_init(&self.roots, anchor);
    for (size_t i = 0; i < count; i++)
        verdicts[i] = (alto_verdict){.type = type_of(objects[i])};
    alto_status status = judge(&self);
    for (size_t i = 0; i < self.statement_count; i++)
        alto_statement_fini(&self.statements[i].decoded);
    free(self.statements);
    free(self.manifests);
    free(self.versions);
    alto_roots_fini(&self.roots);
    alto_pool_destroy(&self.pool);
    return status;
}
