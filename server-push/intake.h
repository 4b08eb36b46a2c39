/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h - the documents of a source on their way into an ingest: what became of each is counted and told in the log, and those
 * whose last text was refused are remembered.
 *
 * Threads: belongs to the thread of the source's loop; any thread may read the counts. */
#ifndef INTAKE_H
#define INTAKE_H

#include "core/counts.h"
#include "ingest.h"
#include "source.h"

typedef struct intake_refusal intake_refusal;

typedef struct {
    ingest *ingest;     /* borrowed */
    source *source;     /* borrowed; there before the first document is */
    alto_counts counts; /* of documents, by what became of them */
    intake_refusal *refusals;
    bool found_any;
} intake;

/* Forgets the refusals. */
void intake_fini(intake *self);

/* A document is there; as source_events.changed. */
alto_status intake_take(intake *self, const char *name, const char *media_type, alto_slice text);
/* It is gone. What was refused for it may be looked at again. */
void intake_remove(intake *self, const char *name);
/* What came for it is no document. */
void intake_refuse(intake *self, const char *name, const alto_error *error);
/* Has something come, and is nothing of it refused? */
bool intake_is_whole(const intake *self);

#endif
