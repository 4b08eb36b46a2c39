/* SPDX-License-Identifier: Apache-2.0 */
/* altocast_verify: files in, verdicts out. */
#include "altocast.h"
#include "core/evidence.h"
#include "io/keyring.h"
#include "io/loop.h"

#include <stdio.h>
#include <stdlib.h>

/* Everything that was given, read. */
typedef struct {
    size_t count;
    alto_buffer *contents;
    alto_slice *objects;
    alto_verdict *verdicts;
} exhibits;

static void exhibits_fini(exhibits *self)
{
    for (size_t i = 0; self->contents && i < self->count; i++)
        alto_buffer_fini(&self->contents[i]);
    free(self->contents);
    free(self->objects);
    free(self->verdicts);
}

static alto_status read_all(exhibits *self, const char *const *files, alto_error *error)
{
    self->contents = calloc(self->count + 1, sizeof *self->contents);
    self->objects = calloc(self->count + 1, sizeof *self->objects);
    self->verdicts = calloc(self->count + 1, sizeof *self->verdicts);
    if (!self->contents || !self->objects || !self->verdicts)
        return alto_fail(error, ALTO_NO_MEMORY, "verify", "out of memory");
    alto_status status = ALTO_OK;
    for (size_t i = 0; i < self->count && status == ALTO_OK; i++) {
        self->contents[i] = alto_buffer_make(ALTO_MAX_DOCUMENT);
        status = alto_keyring_read(NULL, files[i], &self->contents[i], error);
        self->objects[i] = alto_buffer_slice(&self->contents[i]);
    }
    return status;
}

bool altocast_verify(const char *root_key_file, const char *const *files, size_t count,
                     void (*each)(void *context, const altocast_verdict *verdict), void *context, char *error,
                     size_t error_size)
{
    alto_anchor anchor;
    alto_error why = {.status = ALTO_OK};
    exhibits shown = {.count = count};
    alto_status status = alto_crypto_init();
    if (status != ALTO_OK)
        alto_fail(&why, status, "verify", "the system gives no random numbers");
    if (status == ALTO_OK)
        status = alto_keyring_read_anchor(NULL, root_key_file, &anchor, &why);
    if (status == ALTO_OK)
        status = read_all(&shown, files, &why);
    if (status == ALTO_OK) {
        status = alto_evidence_judge(&anchor, shown.objects, count, alto_clock_ms(), shown.verdicts);
        if (status != ALTO_OK)
            alto_fail(&why, status, "verify", "%s", alto_status_text(status));
    }
    for (size_t i = 0; status == ALTO_OK && i < count; i++) {
        const alto_verdict *judged = &shown.verdicts[i];
        altocast_verdict verdict = {files[i], judged->type, judged->says, judged->proved};
        each(context, &verdict);
    }
    exhibits_fini(&shown);
    if (status != ALTO_OK && error_size)
        snprintf(error, error_size, "%s: %s", why.where, why.why);
    return status == ALTO_OK;
}
