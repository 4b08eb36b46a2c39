/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_pull.h"

#include "core/capability.h"
#include "io/admission.h"
#include "io/answer.h"
#include "io/loop.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    RETRY_AFTER_S = 5,  /* for what only time can mend */
    RETRY_SPREAD_S = 3, /* for what is made, or has to wait for others: 1 to so many */
    ADMIT_FROM = 65536, /* bytes of an object from which on its transfer is counted */
    INFO_MAX = 65536,
    SINCE_MAX = 4194304, /* ALTO_MAX_RESOURCES of them with hashes and numbers */
    WHERE_MAX = 256
};

static const char since_prefix[] = "since/", ird_prefix[] = "ird/";

struct alto_front_pull {
    alto_archive *archive;
    const alto_counts *counts;
    const alto_shared_freshness *freshness;
    alto_admission *admission; /* of large transfers */
    _Atomic uint64_t refused;  /* told to come again, because something is being made or too much is under way */
    alto_buffer info;          /* the beginning of the answer to "info" */
    alto_behind behind;        /* all NULL: nobody */
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
    alto_buffer_print(&self->info, "],\"keep-ms\":%d", ALTO_KEEP_MS);
}

alto_front_pull *alto_front_pull_new(alto_archive *archive, const char *const *push, size_t count,
                                     const alto_counts *counts, const alto_shared_freshness *freshness)
{
    alto_front_pull *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->archive = archive;
    self->counts = counts;
    self->freshness = freshness;
    self->admission = alto_admission_new();
    self->info = alto_buffer_make(INFO_MAX);
    write_info(self, push, count);
    if (!self->admission || self->info.status != ALTO_OK)
        alto_front_pull_destroy(&self);
    return self;
}

void alto_front_pull_destroy(alto_front_pull **self)
{
    if (!*self)
        return;
    alto_admission_destroy(&(*self)->admission);
    alto_buffer_fini(&(*self)->info);
    free(*self);
    *self = NULL;
}

void alto_front_pull_set_behind(alto_front_pull *self, const alto_behind *behind)
{
    self->behind = *behind;
}

static void answer_text(alto_http_answer *answer, unsigned status, const char *media_type, alto_slice text)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "%s", media_type);
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_body(answer, text);
}

static void answer_json(alto_http_answer *answer, unsigned status, alto_slice text)
{
    answer_text(answer, status, "application/json", text);
}

/* Seconds, spread so that those who are refused together do not come again together. */
static void refuse_as_busy(alto_front_pull *self, alto_http_answer *answer)
{
    atomic_fetch_add_explicit(&self->refused, 1, memory_order_relaxed);
    alto_answer_refuse_for_now(answer, 1 + (unsigned)(alto_random() % RETRY_SPREAD_S),
                               "it is being made, or there is too much to do\n");
}

/* ---- objects ---- */

/* A blob on its way out. */
typedef struct {
    const alto_blob *blob;
    alto_admission *admission;
    uint64_t ticket; /* 0: too small to be counted */
} transfer;

static alto_slice transfer_piece(void *owner, size_t index)
{
    (void)index;
    const transfer *self = owner;
    return alto_slice_of(self->blob->data, self->blob->size);
}

static void transfer_release(void *owner)
{
    transfer *self = owner;
    if (self->ticket)
        alto_admission_leave(self->admission, self->ticket);
    alto_blob_release(self->blob);
    free(self);
}

/* Takes the blob over. NULL: not admitted, or out of memory. */
static transfer *transfer_new(alto_front_pull *self, const alto_blob *blob)
{
    transfer *made = malloc(sizeof *made);
    bool counted = blob->size >= ADMIT_FROM;
    if (made)
        *made = (transfer){.blob = blob, .admission = self->admission};
    if (made && counted)
        made->ticket = alto_admission_enter(self->admission, blob->size, alto_monotonic_ms());
    if (made && (made->ticket || !counted))
        return made;
    alto_blob_release(blob);
    free(made);
    return NULL;
}

static void describe(alto_http_answer *answer, const char *path, bool lasting, const char *etag)
{
    bool made_here = strncmp(path, "deltas/", 7) == 0 || strncmp(path, "snapshots/", 10) == 0;
    alto_http_header(answer, "Content-Type", "application/octet-stream");
    alto_http_header(answer, "ETag", "%s", etag);
    if (!lasting)
        alto_http_header(answer, "Cache-Control", "no-store");
    else if (made_here) /* another relay may have made other bytes for it */
        alto_http_header(answer, "Cache-Control", "public, max-age=3600");
    else
        alto_http_header(answer, "Cache-Control", "public, max-age=31536000, immutable");
}

/* Takes the blob over. */
static void answer_blob(alto_front_pull *self, const alto_blob *blob, const char *path, bool lasting,
                        const alto_http_request *request, alto_http_answer *answer)
{
    if (alto_answer_tag_matches(request->if_none_match, blob->etag) || strcmp(request->method, "HEAD") == 0) {
        describe(answer, path, lasting, blob->etag);
        answer->status = alto_answer_tag_matches(request->if_none_match, blob->etag) ? 304 : 200;
        answer->size = blob->size;
        alto_blob_release(blob);
        return;
    }
    transfer *sent = transfer_new(self, blob);
    if (!sent) {
        refuse_as_busy(self, answer);
        return;
    }
    describe(answer, path, lasting, blob->etag);
    answer->status = 200;
    answer->piece_count = 1;
    answer->piece = transfer_piece;
    answer->size = blob->size;
    answer->release = transfer_release;
    answer->owner = sent;
}

/* ---- info ---- */

static void write_refusals(const alto_front_pull *self, alto_buffer *out)
{
    const char *separator = "";
    for (alto_status status = ALTO_NO_MEMORY; status < ALTO_STATUS_COUNT; status++) {
        uint64_t count = alto_counts_get(self->counts, status);
        if (count == 0 || status == ALTO_KNOWN || status == ALTO_NOT_WANTED)
            continue;
        alto_buffer_print(out, "%s\"%s\":%llu", separator, alto_status_name(status), (unsigned long long)count);
        separator = ",";
    }
}

static void write_state(const alto_front_pull *self, alto_buffer *out)
{
    alto_freshness freshness = alto_freshness_now(self->freshness);
    alto_view *view = alto_archive_view(self->archive);
    char position[ALTO_POSITION_TEXT];
    alto_buffer_print(out, ",\"state\":\"%s\"", alto_replica_state_name(freshness.state));
    if (view && freshness.issued_at_ms)
        alto_buffer_print(out, ",\"age-ms\":%llu",
                          (unsigned long long)alto_freshness_age_ms(&freshness, alto_clock_ms()));
    if (view) {
        alto_position_text(&view->position, position);
        alto_buffer_print(out, ",\"position\":\"%s\"", position);
    }
    alto_view_release(view);
}

static void answer_info(const alto_front_pull *self, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(2 * INFO_MAX);
    alto_archive_made made = alto_archive_made_so_far(self->archive);
    uint64_t refused = atomic_load_explicit(&((alto_front_pull *)(uintptr_t)self)->refused, memory_order_relaxed);
    alto_buffer_add_slice(&text, alto_buffer_slice(&self->info));
    write_state(self, &text);
    alto_buffer_print(&text, "}],\"made\":{\"snapshots\":%llu,\"deltas\":%llu,\"bundles\":%llu}",
                      (unsigned long long)made.snapshots, (unsigned long long)made.deltas,
                      (unsigned long long)made.bundles);
    alto_buffer_print(&text, ",\"admission\":{\"refused\":%llu},\"refused\":{", (unsigned long long)refused);
    write_refusals(self, &text);
    alto_buffer_add_text(&text, "}");
    if (self->behind.info) {
        alto_buffer_add_text(&text, ",\"alto-server\":");
        self->behind.info(self->behind.context, &text);
    }
    alto_buffer_add_text(&text, "}");
    answer_json(answer, 200, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

/* ---- paths ---- */

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
        refuse_as_busy(self, answer);
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
        answer_blob(self, blob, path, lasting, request, answer);
    else if (status == ALTO_BUSY && request->can_wait)
        answer->later = true;
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

/* ---- for the operator of the ALTO server ---- */

/* An index in decimal digits; false for anything else. */
static bool index_of(const char *digits, size_t *index)
{
    size_t count = strspn(digits, "0123456789");
    *index = count ? strtoul(digits, NULL, 10) : 0;
    return count > 0 && count <= 4 && digits[count] == 0;
}

/* digits: of the RProxy whose directory it is to be; NULL: what his own directory gains. */
static void answer_for_operator(const alto_front_pull *self, const char *digits, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(ALTO_MAX_CATALOG);
    alto_view *view = alto_archive_view(self->archive);
    alto_status status = ALTO_NOT_FOUND;
    size_t index;
    if (view && !digits)
        status = alto_capability_ird_members(view, &text);
    else if (view && index_of(digits, &index))
        status = alto_capability_ird(view, index, &text);
    if (status == ALTO_OK)
        answer_text(answer, 200, digits ? "application/alto-directory+json" : "application/json",
                    alto_buffer_slice(&text));
    else if (status == ALTO_NOT_FOUND)
        alto_answer_refuse(answer, 404, "the origin names no such RProxy in .capability\n");
    else
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    alto_view_release(view);
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
    else if (strcmp(path, "ird-members") == 0)
        answer_for_operator(self, NULL, answer);
    else if (strncmp(path, ird_prefix, sizeof ird_prefix - 1) == 0)
        answer_for_operator(self, path + sizeof ird_prefix - 1, answer);
    else
        answer_object(self, path, request, answer);
}
