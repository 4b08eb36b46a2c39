/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_pull.h"

#include "io/answer.h"

#include <stdlib.h>

enum {
    RETRY_AFTER_S = 5,  /* for what only time can mend */
    RETRY_SPREAD_S = 3, /* for what is made, or has to wait for others: 1 to so many */
    INFO_MAX = 65536,
    SINCE_MAX = 4194304, /* ALTO_MAX_RESOURCES of them with hashes and numbers */
    WHERE_MAX = 256
};

static const char since_prefix[] = "since/";

struct alto_front_pull {
    alto_archive *archive;
    const alto_counts *counts;
    alto_buffer info; /* the beginning of the answer to "info" */
};

static void write_info(alto_front_pull *self, const char *const *push, size_t count)
{
    char origin[2 * ALTO_HASH_SIZE + 1];
    alto_hex(origin, alto_archive_origin(self->archive)->bytes, ALTO_HASH_SIZE);
    alto_buffer_print(&self->info, "{\"altocast\":1,\"origins\":[{\"origin\":\"%s\",\"push\":[", origin);
    for (size_t i = 0; i < count; i++) {
        alto_buffer_add_text(&self->info, i ? "," : "");
        alto_json_string(&self->info, alto_slice_text(push[i]));
    }
    alto_buffer_print(&self->info, "],\"keep-ms\":%d}],\"refused\":{", ALTO_KEEP_MS);
}

alto_front_pull *alto_front_pull_new(alto_archive *archive, const char *const *push, size_t count,
                                     const alto_counts *counts)
{
    alto_front_pull *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->archive = archive;
    self->counts = counts;
    self->info = alto_buffer_make(INFO_MAX);
    write_info(self, push, count);
    if (self->info.status != ALTO_OK)
        alto_front_pull_destroy(&self);
    return self;
}

void alto_front_pull_destroy(alto_front_pull **self)
{
    if (!*self)
        return;
    alto_buffer_fini(&(*self)->info);
    free(*self);
    *self = NULL;
}

static alto_slice blob_piece(void *owner, size_t index)
{
    (void)index;
    const alto_blob *blob = owner;
    return alto_slice_of(blob->data, blob->size);
}

static void blob_release(void *owner)
{
    alto_blob_release(owner);
}

static void answer_blob(const alto_blob *blob, bool lasting, const char *path, const alto_http_request *request,
                        alto_http_answer *answer)
{
    bool made_here = strncmp(path, "deltas/", 7) == 0 || strncmp(path, "snapshots/", 10) == 0;
    alto_http_header(answer, "Content-Type", "application/octet-stream");
    alto_http_header(answer, "ETag", "%s", blob->etag);
    if (!lasting)
        alto_http_header(answer, "Cache-Control", "no-store");
    else if (made_here) /* another relay may have made other bytes for it */
        alto_http_header(answer, "Cache-Control", "public, max-age=3600");
    else
        alto_http_header(answer, "Cache-Control", "public, max-age=31536000, immutable");
    if (alto_answer_tag_matches(request->if_none_match, blob->etag)) {
        answer->status = 304;
        answer->size = blob->size;
        alto_blob_release(blob);
        return;
    }
    answer->status = 200;
    answer->piece_count = 1;
    answer->piece = blob_piece;
    answer->size = blob->size;
    answer->release = blob_release;
    answer->owner = (void *)(uintptr_t)blob;
}

static void answer_json(alto_http_answer *answer, unsigned status, alto_slice text)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "application/json");
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_body(answer, text);
}

static void answer_info(const alto_front_pull *self, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(2 * INFO_MAX);
    const char *separator = "";
    alto_buffer_add_slice(&text, alto_buffer_slice(&self->info));
    for (alto_status status = ALTO_NO_MEMORY; status < ALTO_STATUS_COUNT; status++) {
        uint64_t count = alto_counts_get(self->counts, status);
        if (count == 0 || status == ALTO_KNOWN || status == ALTO_NOT_WANTED)
            continue;
        alto_buffer_print(&text, "%s\"%s\":%llu", separator, alto_status_name(status), (unsigned long long)count);
        separator = ",";
    }
    alto_buffer_add_text(&text, "}}");
    answer_json(answer, 200, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

/* Seconds, spread so that those who are refused together do not come again together. */
static unsigned soon(void)
{
    return 1 + (unsigned)(alto_random() % RETRY_SPREAD_S);
}

/* Say why there is no object. */
static void answer_without(alto_front_pull *self, alto_status status, const char *path, alto_http_answer *answer)
{
    alto_buffer where = alto_buffer_make(WHERE_MAX);
    if (status == ALTO_OLD)
        alto_archive_where(self->archive, &where);
    if (where.size)
        answer_json(answer, 410, alto_buffer_slice(&where));
    else if (status == ALTO_NO_MEMORY)
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    else if (status == ALTO_BUSY)
        alto_answer_refuse_for_now(answer, soon(), "it is being made, or there is too much to do\n");
    else if (strcmp(path, "head") == 0)
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "nothing verified is held yet\n");
    else
        alto_answer_refuse(answer, 404, "not held, or no longer held\n");
    alto_buffer_fini(&where);
}

static void answer_object(alto_front_pull *self, const char *path, const alto_http_request *request,
                          alto_http_answer *answer)
{
    alto_status status;
    bool lasting;
    const alto_blob *blob = alto_archive_get(self->archive, path, &lasting, &status);
    if (blob)
        answer_blob(blob, lasting, path, request, answer);
    else
        answer_without(self, status, path, answer);
}

static void answer_since(alto_front_pull *self, const char *position, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(SINCE_MAX);
    alto_status status = alto_archive_since(self->archive, position, &text);
    if (status == ALTO_OK)
        answer_json(answer, 200, alto_buffer_slice(&text));
    else
        answer_without(self, status, since_prefix, answer);
    alto_buffer_fini(&text);
}

void alto_front_pull_answer(alto_front_pull *self, const char *path, const alto_http_request *request,
                            alto_http_answer *answer)
{
    alto_origin origin;
    size_t digits = 2 * ALTO_HASH_SIZE;
    if (strcmp(path, "info") == 0) {
        answer_info(self, answer);
        return;
    }
    if (strlen(path) <= digits || path[digits] != '/' ||
        !alto_unhex(origin.bytes, ALTO_HASH_SIZE, alto_slice_of(path, digits)) ||
        !alto_hash_equal(&origin, alto_archive_origin(self->archive))) {
        alto_answer_refuse(answer, 404, "no such origin here; see /redistribution/v1/info\n");
        return;
    }
    path += digits + 1;
    if (strncmp(path, since_prefix, sizeof since_prefix - 1) == 0)
        answer_since(self, path + sizeof since_prefix - 1, answer);
    else
        answer_object(self, path, request, answer);
}
