/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_pull.h"

#include "core/capability.h"
#include "io/answer.h"
#include "io/loop.h"

#include <stdlib.h>

enum {
    RETRY_AFTER_S = 5,   /* for what only time can mend */
    RETRY_SPREAD_S = 3,  /* for what is made, or has to wait for others: 1 to so many */
    ADMIT_FROM = 65536,  /* bytes of an object from which on its transfer is counted */
    SINCE_MAX = 4194304, /* ALTO_MAX_RESOURCES of them with hashes and numbers */
    WHERE_MAX = 256
};

static const char since_prefix[] = "since/", ird_prefix[] = "ird/";

struct alto_front_pull {
    alto_archive *archive;
    alto_admission *admission; /* of large transfers */
};

alto_front_pull *alto_front_pull_new(alto_archive *archive, alto_admission *admission)
{
    alto_front_pull *self = calloc(1, sizeof *self);
    if (self)
        *self = (alto_front_pull){.archive = archive, .admission = admission};
    return self;
}

void alto_front_pull_destroy(alto_front_pull **self)
{
    free(*self);
    *self = NULL;
}

/* Seconds, spread so that those who are refused together do not come again together. */
static void refuse_as_busy(alto_front_pull *self, alto_http_answer *answer)
{
    alto_admission_count_refused(self->admission);
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

/* ---- paths ---- */

/* Say why there is no object. */
static void answer_without(alto_front_pull *self, alto_status status, const char *path, alto_http_answer *answer)
{
    alto_buffer where = alto_buffer_make(WHERE_MAX);
    if (status == ALTO_OLD)
        alto_archive_where(self->archive, &where);
    if (where.size)
        alto_answer_json(answer, 410, alto_buffer_slice(&where));
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
        alto_answer_json(answer, 200, alto_buffer_slice(&text));
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
        alto_answer_text(answer, 200, digits ? "application/alto-directory+json" : "application/json",
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
    if (strncmp(path, since_prefix, sizeof since_prefix - 1) == 0)
        answer_since(self, path + sizeof since_prefix - 1, answer);
    else if (strcmp(path, "ird-members") == 0)
        answer_for_operator(self, NULL, answer);
    else if (strncmp(path, ird_prefix, sizeof ird_prefix - 1) == 0)
        answer_for_operator(self, path + sizeof ird_prefix - 1, answer);
    else
        answer_object(self, path, request, answer);
}
