/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "io/log.h"
#include "source_dir.h"

#include <stdio.h>
#include <stdlib.h>

enum { WHERE_SIZE = 512 };

struct source {
    const char *maps;
    source_dir *directory; /* one of them is there */
    source_alto *alto;
};

alto_status source_new(alto_loop *loop, const source_options *options, const source_events *events, source **out,
                       alto_error *error)
{
    source *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    self->maps = options->maps;
    alto_status status = options->maps ? source_dir_new(loop, options->maps, options->quiet_ms, options->max_quiet_ms,
                                                        events, &self->directory, error)
                                       : source_alto_new(loop, &options->alto, events, &self->alto, error);
    if (status == ALTO_OK)
        *out = self;
    else
        source_destroy(&self);
    return status;
}

void source_destroy(source **self)
{
    source *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    source_dir_destroy(&gone->directory);
    source_alto_destroy(&gone->alto);
    free(gone);
}

void source_look(source *self, const char *why)
{
    if (!self->alto)
        return;
    alto_log(ALTO_LOG_INFO, "look", "why=%s", why);
    source_alto_look(self->alto);
}

void source_doubt(source *self)
{
    if (self->alto)
        source_alto_doubt(self->alto);
}

void source_again(source *self, const char *name)
{
    if (self->alto)
        source_alto_again(self->alto, name);
    else
        source_dir_again(self->directory, name);
}

void source_where(const source *self, const char *name, char field[SOURCE_FIELD])
{
    char from[WHERE_SIZE], quoted[WHERE_SIZE];
    if (self->alto)
        snprintf(from, sizeof from, "%s", source_alto_url(self->alto, name));
    else
        snprintf(from, sizeof from, "%s/%s.json", self->maps, name);
    snprintf(field, SOURCE_FIELD, "%s=%s", self->alto ? "url" : "file", alto_log_value(from, quoted, sizeof quoted));
}
