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

/* Replace dir/id.json unless it has the content already. */
static alto_status write_map(const char *dir, const char *id, const alto_buffer *text, unsigned *files,
                             alto_error *error)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    if (text->status != ALTO_OK)
        return alto_fail(error, text->status, id, "%s", alto_status_text(text->status));
    if (snprintf(path, sizeof path, "%s/%s.json", dir, id) >= (int)sizeof path ||
        snprintf(fresh, sizeof fresh, "%s/.%s.json.new", dir, id) >= (int)sizeof fresh)
        return alto_fail(error, ALTO_IO, dir, "the path is too long");
    if (file_holds(path, alto_buffer_slice(text)))
        return ALTO_OK;
    if (!write_whole(fresh, alto_buffer_slice(text)) || rename(fresh, path) != 0) {
        alto_status status = alto_fail(error, ALTO_IO, path, "cannot be written: %s", strerror(errno));
        (void)remove(fresh);
        return status;
    }
    (*files)++;
    return ALTO_OK;
}

alto_status maps_write(const isp *self, const char *dir, maps_written *written, alto_error *error)
{
    char tag[MAPS_TAG_TEXT];
    *written = (maps_written){0};
    alto_status status = maps_tag(self, tag);
    if (status != ALTO_OK)
        return alto_fail(error, status, NETWORK_MAP_ID, "%s", alto_status_text(status));
    alto_buffer text = alto_buffer_make(ALTO_MAX_DOCUMENT);
    maps_network(self, tag, &text);
    written->network_bytes = text.size;
    status = write_map(dir, NETWORK_MAP_ID, &text, &written->files, error);
    if (status != ALTO_OK)
        goto done;
    alto_buffer_clear(&text);
    maps_cost(self, MAPS_ROUTINGCOST, tag, &text);
    written->routing_bytes = text.size;
    status = write_map(dir, "routingcost", &text, &written->files, error);
    if (status != ALTO_OK)
        goto done;
    alto_buffer_clear(&text);
    maps_cost(self, MAPS_HOPCOUNT, tag, &text);
    written->hop_bytes = text.size;
    status = write_map(dir, "hopcount", &text, &written->files, error);
done:
    alto_buffer_fini(&text);
    return status;
}
