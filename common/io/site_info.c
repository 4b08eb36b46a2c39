/* SPDX-License-Identifier: Apache-2.0 */
#include "io/site_info.h"

#include "io/loop.h"

/* How often each status was a refusal. */
typedef struct {
    uint64_t of[ALTO_STATUS_COUNT];
} refusals;

static void add_refusals(refusals *self, const alto_counts *counts)
{
    for (alto_status status = ALTO_NO_MEMORY; status < ALTO_STATUS_COUNT; status++)
        if (alto_is_refusal(status))
            self->of[status] += alto_counts_get(counts, status);
}

static void write_refusals(const refusals *self, alto_buffer *out)
{
    const char *separator = "";
    alto_buffer_add_text(out, ",\"refused\":{");
    for (alto_status status = ALTO_OK; status < ALTO_STATUS_COUNT; status++) {
        if (self->of[status] == 0)
            continue;
        alto_buffer_print(out, "%s\"%s\":%llu", separator, alto_status_name(status),
                          (unsigned long long)self->of[status]);
        separator = ",";
    }
    alto_buffer_add_text(out, "}");
}

static void write_name(const alto_site_origin *origin, alto_buffer *out)
{
    if (!origin->name)
        return;
    alto_buffer_add_text(out, ",\"name\":");
    alto_json_string(out, alto_slice_text(origin->name));
}

static void write_state(const alto_site_origin *origin, alto_buffer *out)
{
    alto_view *view = alto_archive_view(origin->archive);
    char position[ALTO_POSITION_TEXT];
    alto_buffer_print(out, ",\"state\":\"%s\"", alto_replica_state_name(origin->freshness.state));
    if (view && origin->freshness.issued_at_ms)
        alto_buffer_print(out, ",\"age-ms\":%llu",
                          (unsigned long long)alto_freshness_age_ms(&origin->freshness, alto_clock_ms()));
    if (view) {
        alto_position_text(&view->position, position);
        alto_buffer_print(out, ",\"position\":\"%s\"", position);
    }
    alto_view_release(view);
}

/* The first of the forks says that all the trust in the origin is in question. */
static void write_forks(const alto_evidence *evidence, alto_buffer *out)
{
    size_t count = evidence ? alto_evidence_count(evidence) : 0;
    if (count == 0)
        return;
    const alto_kept_fork *first = alto_evidence_at(evidence, 0);
    char position[ALTO_POSITION_TEXT], held[2 * ALTO_HASH_SIZE + 1], other[2 * ALTO_HASH_SIZE + 1];
    alto_position_text(&first->position, position);
    alto_hex(held, first->hashes[0].bytes, ALTO_HASH_SIZE);
    alto_hex(other, first->hashes[1].bytes, ALTO_HASH_SIZE);
    alto_buffer_print(out, ",\"fork\":{\"position\":\"%s\",\"held\":\"%s\",\"other\":\"%s\",\"kept\":%zu}", position,
                      held, other, count);
}

static void write_behind(const alto_behind *behind, alto_buffer *out)
{
    if (!behind->info)
        return;
    alto_buffer_add_text(out, ",\"alto-server\":");
    behind->info(behind->context, out);
}

static void write_curve_key(alto_push_gate *gate, alto_buffer *out)
{
    char key[ALTO_CURVE_KEY_TEXT];
    if (!gate)
        return;
    const alto_curve_key own = alto_push_gate_key(gate);
    alto_z85_write(own.bytes, key);
    alto_buffer_print(out, ",\"curve-key\":\"%s\"", key); /* Z85 has nothing that JSON would escape */
}

static void write_gate(alto_push_gate *gate, alto_buffer *out)
{
    if (!gate)
        return;
    alto_push_gate_counts counts = alto_push_gate_counts_now(gate);
    alto_buffer_add_text(out, ",\"curve\":{");
    if (alto_push_gate_is_listed(gate))
        alto_buffer_print(out, "\"peers\":%llu,", (unsigned long long)counts.listed);
    alto_buffer_print(out, "\"refused\":%llu}", (unsigned long long)counts.refused);
}

static void write_origin(const alto_site_origin *origin, alto_slice push, alto_push_gate *gate, alto_buffer *out)
{
    char hex[2 * ALTO_HASH_SIZE + 1];
    refusals own = {.of = {0}};
    alto_hex(hex, alto_archive_origin(origin->archive)->bytes, ALTO_HASH_SIZE);
    alto_buffer_print(out, "{\"origin\":\"%s\"", hex);
    write_name(origin, out);
    alto_buffer_add_text(out, ",\"push\":");
    alto_buffer_add_slice(out, push);
    write_curve_key(gate, out);
    alto_buffer_print(out, ",\"keep-ms\":%d", ALTO_KEEP_MS);
    write_state(origin, out);
    write_forks(origin->evidence, out);
    add_refusals(&own, origin->counts);
    if (origin->name) { /* else it is told of all */
        write_refusals(&own, out);
        write_behind(origin->behind, out);
    }
    alto_buffer_add_text(out, "}");
}

static void write_made(const alto_archive_made *made, alto_buffer *out)
{
    alto_buffer_print(out, ",\"made\":{\"snapshots\":%llu,\"deltas\":%llu,\"bundles\":%llu}",
                      (unsigned long long)made->snapshots, (unsigned long long)made->deltas,
                      (unsigned long long)made->bundles);
}

alto_status alto_site_info(const alto_site_hop *hop, const alto_site_origin *origins, size_t count, alto_buffer *out)
{
    alto_archive_made made = {0};
    refusals all = {.of = {0}};
    alto_buffer_add_text(out, "{\"altocast\":1,\"origins\":[");
    for (size_t i = 0; i < count; i++) {
        alto_archive_made own = alto_archive_made_so_far(origins[i].archive);
        made.snapshots += own.snapshots;
        made.deltas += own.deltas;
        made.bundles += own.bundles;
        add_refusals(&all, origins[i].counts);
        alto_buffer_add_text(out, i ? "," : "");
        write_origin(&origins[i], hop->push, hop->gate, out);
    }
    alto_buffer_add_text(out, "]");
    write_made(&made, out);
    alto_buffer_print(out, ",\"admission\":{\"refused\":%llu}", (unsigned long long)hop->refused);
    write_gate(hop->gate, out);
    write_refusals(&all, out);
    if (count == 1 && !origins[0].name)
        write_behind(origins[0].behind, out);
    if (hop->more)
        hop->more(hop->context, out);
    alto_buffer_add_text(out, "}");
    return out->status;
}
