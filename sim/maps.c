/* SPDX-License-Identifier: Apache-2.0 */
#include "maps.h"

#include "core/crypto.h"
#include "core/number.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define NETWORK_MAP_ID "isp-network-map"

/* "ipv4":["10.0.0.0/24",...] of one PID; nothing when it has no such prefix. */
static bool add_family(const isp *self, size_t pid, int family, bool first, alto_buffer *out)
{
    bool any = false;
    for (size_t i = 0; i < self->prefix_count; i++) {
        const sim_prefix *prefix = &self->prefixes[i];
        if (prefix->pid != pid || prefix->family != family)
            continue;
        if (!any)
            alto_buffer_print(out, "%s\"ipv%d\":[", first ? "" : ",", family);
        alto_buffer_print(out, "%s\"%s\"", any ? "," : "", prefix->text);
        any = true;
    }
    if (any)
        alto_buffer_add_text(out, "]");
    return any;
}

/* The object of all PIDs, one a line. */
static void add_pids(const isp *self, alto_buffer *out)
{
    const char *separator = "{\n";
    for (size_t pid = 0; pid < self->slots; pid++) {
        if (!self->pids[pid].alive)
            continue;
        alto_buffer_print(out, "%s\"%s\":{", separator, self->pids[pid].name);
        bool first = !add_family(self, pid, 4, true, out);
        (void)add_family(self, pid, 6, first, out);
        alto_buffer_add_text(out, "}");
        separator = ",\n";
    }
    alto_buffer_add_text(out, "\n}");
}

alto_status maps_tag(const isp *self, char tag[MAPS_TAG_TEXT])
{
    alto_buffer content = alto_buffer_make(ALTO_MAX_DOCUMENT);
    add_pids(self, &content);
    alto_status status = content.status;
    if (status == ALTO_OK) {
        alto_hash hash = alto_hash_of("alto-sim-network-map", alto_buffer_slice(&content));
        alto_hex(tag, hash.bytes, (MAPS_TAG_TEXT - 1) / 2);
    }
    alto_buffer_fini(&content);
    return status;
}

void maps_network(const isp *self, const char *tag, alto_buffer *out)
{
    alto_buffer_print(
        out, "{\"meta\":{\"vtag\":{\"resource-id\":\"%s\",\"tag\":\"%s\"}},\n\"network-map\":", NETWORK_MAP_ID, tag);
    add_pids(self, out);
    alto_buffer_add_text(out, "}\n");
}

static void add_row(const isp *self, maps_metric metric, size_t from, alto_buffer *out)
{
    const char *separator = "";
    for (size_t to = 0; to < self->slots; to++) {
        size_t cell = from * self->slots + to;
        if (self->cost[cell] == SIM_NO_COST)
            continue;
        char text[ALTO_NUMBER_TEXT];
        size_t size = alto_number_format(metric == MAPS_ROUTINGCOST ? self->cost[cell] / 10.0 : self->hops[cell], text);
        alto_buffer_add_text(out, separator);
        alto_buffer_add_text(out, "\"");
        alto_buffer_add_text(out, self->pids[to].name);
        alto_buffer_add_text(out, "\":");
        alto_buffer_add(out, text, size);
        separator = ",";
    }
}

void maps_cost(const isp *self, maps_metric metric, const char *tag, alto_buffer *out)
{
    alto_buffer_print(out,
                      "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"%s\",\"tag\":\"%s\"}],"
                      "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"%s\"}},\n\"cost-map\":",
                      NETWORK_MAP_ID, tag, metric == MAPS_ROUTINGCOST ? "routingcost" : "hopcount");
    const char *separator = "{\n";
    for (size_t from = 0; from < self->slots; from++) {
        if (!self->pids[from].alive)
            continue;
        alto_buffer_print(out, "%s\"%s\":{", separator, self->pids[from].name);
        add_row(self, metric, from, out);
        alto_buffer_add_text(out, "}");
        separator = ",\n";
    }
    alto_buffer_add_text(out, "\n}}\n");
}

/* Does the file hold just these bytes? A file that cannot be read does not. */
static bool file_holds(const char *path, alto_slice text)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    bool same = true;
    size_t at = 0, got = 0;
    uint8_t block[16384];
    do {
        got = fread(block, 1, sizeof block, file);
        same = got <= text.size - at && memcmp(block, text.data + at, got) == 0;
        at += got;
    } while (same && got > 0);
    same = same && at == text.size && !ferror(file);
    (void)fclose(file);
    return same;
}

static bool write_whole(const char *path, alto_slice text)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return false;
    bool written = fwrite(text.data, 1, text.size, file) == text.size;
    return fclose(file) == 0 && written;
}

alto_status maps_write(void *context, const char *id, alto_slice text, bool *changed, alto_error *error)
{
    const char *dir = context;
    char path[PATH_MAX], fresh[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s.json", dir, id) >= (int)sizeof path ||
        snprintf(fresh, sizeof fresh, "%s/.%s.json.new", dir, id) >= (int)sizeof fresh)
        return alto_fail(error, ALTO_IO, dir, "the path is too long");
    *changed = !file_holds(path, text);
    if (!*changed || (write_whole(fresh, text) && rename(fresh, path) == 0))
        return ALTO_OK;
    alto_status status = alto_fail(error, ALTO_IO, path, "cannot be written: %s", strerror(errno));
    (void)remove(fresh);
    return status;
}

/* ---- all of them ---- */

typedef struct {
    maps_fn *take;
    void *context;
    alto_buffer text; /* of the next document */
    unsigned changed;
    alto_error *error;
} maker;

/* Hand over what was written into `text`; its size goes to *bytes. */
static alto_status hand_over(maker *self, const char *id, size_t *bytes)
{
    bool changed = false;
    *bytes = self->text.size;
    alto_status status = self->text.status;
    if (status == ALTO_OK)
        status = self->take(self->context, id, alto_buffer_slice(&self->text), &changed, self->error);
    else
        alto_fail(self->error, status, id, "%s", alto_status_text(status));
    self->changed += changed;
    alto_buffer_clear(&self->text);
    return status;
}

static alto_status make_all(maker *self, const isp *network, const char *tag, maps_made *made)
{
    maps_network(network, tag, &self->text);
    alto_status status = hand_over(self, NETWORK_MAP_ID, &made->network_bytes);
    if (status != ALTO_OK)
        return status;
    maps_cost(network, MAPS_ROUTINGCOST, tag, &self->text);
    status = hand_over(self, "routingcost", &made->routing_bytes);
    if (status != ALTO_OK)
        return status;
    maps_cost(network, MAPS_HOPCOUNT, tag, &self->text);
    return hand_over(self, "hopcount", &made->hop_bytes);
}

alto_status maps_make(const isp *self, maps_fn *take, void *context, maps_made *made, alto_error *error)
{
    char tag[MAPS_TAG_TEXT];
    *made = (maps_made){0};
    alto_status status = maps_tag(self, tag);
    if (status != ALTO_OK)
        return alto_fail(error, status, NETWORK_MAP_ID, "%s", alto_status_text(status));
    maker making = {.take = take, .context = context, .text = alto_buffer_make(ALTO_MAX_DOCUMENT), .error = error};
    status = make_all(&making, self, tag, made);
    made->changed = making.changed;
    alto_buffer_fini(&making.text);
    return status;
}
