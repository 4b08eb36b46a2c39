/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include "io/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { VALUE_SIZE = 512 };

/* A document whose last text was refused. */
struct intake_refusal {
    intake_refusal *next;
    alto_status status;
    char name[256];
};

static void forget_refusal(intake *self, const char *name)
{
    for (intake_refusal **link = &self->refusals; *link; link = &(*link)->next)
        if (strcmp((*link)->name, name) == 0) {
            intake_refusal *gone = *link;
            *link = gone->next;
            free(gone);
            return;
        }
}

void intake_fini(intake *self)
{
    while (self->refusals)
        forget_refusal(self, self->refusals->name);
}

static void note_refusal(intake *self, const char *name, alto_status status)
{
    forget_refusal(self, name);
    intake_refusal *made = calloc(1, sizeof *made);
    if (!made)
        return;
    snprintf(made->name, sizeof made->name, "%s", name);
    made->status = status;
    made->next = self->refusals;
    self->refusals = made;
}

void intake_refuse(intake *self, const char *name, const alto_error *error)
{
    char from[SOURCE_FIELD], where[VALUE_SIZE], why[VALUE_SIZE];
    source_where(self->source, name, from);
    alto_counts_add(&self->counts, error->status);
    alto_log(ALTO_LOG_WARN, "refused", "%s path=%s status=%s why=%s count=%llu", from,
             alto_log_value(error->where, where, sizeof where), alto_status_name(error->status),
             alto_log_value(error->why, why, sizeof why),
             (unsigned long long)alto_counts_get(&self->counts, error->status));
    note_refusal(self, name, error->status);
}

alto_status intake_take(intake *self, const char *name, const char *media_type, alto_slice text)
{
    alto_error error = {.status = ALTO_OK};
    uint64_t begin_ns = alto_monotonic_ns();
    self->found_any = true;
    alto_status status = ingest_typed(self->ingest, name, media_type, text, alto_monotonic_ms(), &error);
    if (status == ALTO_OK || status == ALTO_KNOWN) {
        alto_counts_add(&self->counts, status);
        forget_refusal(self, name);
        alto_log(ALTO_LOG_DEBUG, "read", "document=%s bytes=%zu us=%llu news=%s", name, text.size,
                 (unsigned long long)(alto_monotonic_ns() - begin_ns) / 1000, status == ALTO_OK ? "yes" : "no");
        return status;
    }
    error.status = status;
    intake_refuse(self, name, &error);
    return status;
}

void intake_remove(intake *self, const char *name)
{
    forget_refusal(self, name);
    ingest_remove(self->ingest, name, alto_monotonic_ms());
    for (const intake_refusal *at = self->refusals; at; at = at->next)
        if (at->status == ALTO_DUPLICATE) /* perhaps of what went just now */
            source_again(self->source, at->name);
    alto_log(ALTO_LOG_INFO, "removed", "document=%s", name);
}

bool intake_is_whole(const intake *self)
{
    return self->found_any && !self->refusals;
}
