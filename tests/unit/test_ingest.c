/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be published of documents that come, change, contradict each other and go. After every step the published
 * set is checked as a client would see it: what is shown names the tag that its network map has. */
#include "cmocka_all.h"
#include "ingest.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOLD_MS = 10000, MAX_CHANGES = 64, SUMMARY = 2048 };

/* What replicas hold of one resource. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    alto_version *version; /* NULL: nothing */
    bool withheld;
    char media_type[ALTO_MAX_MEDIA_TYPE + 1];
} shown;

typedef struct {
    alto_pool *pool;
    ingest *ingest;
    bool retag;
    uint64_t now_ms, again_ms;
    shown shown[MAX_CHANGES];
    size_t shown_count;
    char summary[SUMMARY]; /* of the last take */
    alto_error error;      /* of the last document */
} fixture;

static void begin(fixture *self)
{
    ingest_options options = {.hold_ms = HOLD_MS, .retag = self->retag};
    self->ingest = ingest_new(&options, self->pool);
    assert_non_null(self->ingest);
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    self->pool = alto_pool_new();
    self->now_ms = 1000;
    begin(self);
    *state = self;
    return 0;
}

static int set_up_retag(void **state)
{
    set_up(state);
    fixture *self = *state;
    ingest_destroy(&self->ingest);
    self->retag = true;
    begin(self);
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    ingest_destroy(&self->ingest);
    for (size_t i = 0; i < self->shown_count; i++)
        alto_version_release(self->shown[i].version);
    alto_pool_destroy(&self->pool);
    free(self);
    return 0;
}

/* ---- documents ---- */

static alto_status doc(fixture *self, const char *name, const char *text)
{
    self->error = (alto_error){.status = ALTO_OK};
    return ingest_document(self->ingest, name, alto_slice_text(text), self->now_ms, &self->error);
}

/* A network map "id" with a tag; content differs with octet. */
static alto_status net_as(fixture *self, const char *name, const char *id, const char *tag, unsigned octet)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"meta\":{\"vtag\":{\"resource-id\":\"%s\",\"tag\":\"%s\"}},\"network-map\":{\"P1\":{\"ipv4\":["
             "\"10.%u.0.0/16\"]}}}",
             id, tag, octet);
    return doc(self, name, text);
}

static alto_status net(fixture *self, const char *tag, unsigned octet)
{
    return net_as(self, "net", "net", tag, octet);
}

/* A cost map that names a tag of "net". */
static alto_status cost(fixture *self, const char *name, const char *tag, unsigned value)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"%s\"}],\"cost-type\":{\"cost-mode\":"
             "\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"P1\":{\"P1\":%u}}}",
             tag, value);
    return doc(self, name, text);
}

/* One of two network maps "a" and "b" changed; a cost map that names both. */
static alto_status cost_of_two(fixture *self, const char *name, const char *a, const char *b)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"a\",\"tag\":\"%s\"},{\"resource-id\":\"b\",\"tag\":"
             "\"%s\"}]},\"cost-map\":{}}",
             a, b);
    return doc(self, name, text);
}

/* ---- what is published ---- */

static shown *shown_as(fixture *self, const char *id)
{
    for (size_t i = 0; i < self->shown_count; i++)
        if (strcmp(self->shown[i].id, id) == 0)
            return &self->shown[i];
    return NULL;
}

static void assert_consistent(fixture *self)
{
    for (size_t i = 0; i < self->shown_count; i++) {
        alto_vtag dependencies[ALTO_MAX_DEPENDENCIES], vtag;
        size_t count;
        const shown *at = &self->shown[i];
        if (!at->version || at->withheld)
            continue;
        assert_int_equal(alto_version_dependencies(at->version, dependencies, &count), ALTO_OK);
        for (size_t d = 0; d < count; d++) {
            const shown *map = shown_as(self, dependencies[d].resource_id);
            if (map && map->version && alto_version_kind(map->version) == ALTO_NETWORK_MAP &&
                alto_version_vtag(map->version, &vtag) == ALTO_OK)
                assert_string_equal(vtag.tag, dependencies[d].tag);
        }
    }
}

static void describe(fixture *self, const alto_new_state *change)
{
    alto_vtag vtag = {.tag = ""}, dependencies[ALTO_MAX_DEPENDENCIES] = {{.tag = ""}};
    size_t count, used = strlen(self->summary);
    if (change->version && alto_version_vtag(change->version, &vtag) != ALTO_OK &&
        alto_version_dependencies(change->version, dependencies, &count) == ALTO_OK && count)
        vtag = dependencies[0];
    snprintf(self->summary + used, SUMMARY - used, "%s%.*s%s%s%s", used ? " " : "", (int)change->name.id.size,
             (const char *)change->name.id.data, change->version ? "@" : "-",
             change->version ? (self->retag ? "#" : vtag.tag) : "", change->flags & ALTO_ENTRY_WITHHELD ? "!" : "");
}

static void apply(fixture *self, const alto_new_state *change)
{
    char id[ALTO_MAX_NAME + 1];
    snprintf(id, sizeof id, "%.*s", (int)change->name.id.size, (const char *)change->name.id.data);
    shown *at = shown_as(self, id);
    if (!at) {
        assert_true(self->shown_count < MAX_CHANGES);
        at = &self->shown[self->shown_count++];
        *at = (shown){.version = NULL};
        memcpy(at->id, id, sizeof id);
    }
    alto_version_release(at->version);
    at->version = alto_version_retain(change->version);
    at->withheld = change->flags & ALTO_ENTRY_WITHHELD;
    const char *type = change->media_type ? change->media_type
                       : change->version  ? alto_kind_media_type(alto_version_kind(change->version))
                                          : "";
    snprintf(at->media_type, sizeof at->media_type, "%s", type);
}

/* What is taken now, such as "cost@t2 net@t2", "cost@t1!" (withheld), "net-" (withdrawn), in the order given. */
static const char *take(fixture *self)
{
    alto_new_state changes[MAX_CHANGES];
    size_t count = ingest_take(self->ingest, self->now_ms, changes, MAX_CHANGES, &self->again_ms);
    self->summary[0] = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || alto_slice_compare(changes[i - 1].name.id, changes[i].name.id) < 0);
        describe(self, &changes[i]);
        apply(self, &changes[i]);
    }
    assert_consistent(self);
    return self->summary;
}

/* A new life that is given what is published. */
static void restart(fixture *self)
{
    const alto_resource *resources[MAX_CHANGES];
    size_t count = 0;
    ingest_destroy(&self->ingest);
    begin(self);
    for (size_t i = 0; i < self->shown_count; i++) {
        const shown *at = &self->shown[i];
        alto_entry entry = {.flags = at->withheld ? ALTO_ENTRY_WITHHELD : 0u};
        alto_buffer key = alto_buffer_make(200);
        if (!at->version)
            continue;
        alto_resource_name name = {.id = alto_slice_text(at->id)};
        alto_catalog_key(&name, &key);
        entry.root = *alto_version_root(at->version);
        entry.kind = alto_version_kind(at->version);
        alto_vtag vtag;
        if (alto_version_vtag(at->version, &vtag) == ALTO_OK)
            memcpy(entry.tag, vtag.tag, sizeof entry.tag);
        alto_version_dependencies(at->version, entry.dependencies, &entry.dependency_count);
        resources[count++] = alto_resource_new(alto_buffer_slice(&key), &entry, at->version);
        alto_buffer_fini(&key);
    }
    assert_int_equal(ingest_restore(self->ingest, resources, count), ALTO_OK);
    while (count > 0)
        alto_resource_release(resources[--count]);
}

static void on_report(void *context, const char *id, const char *why)
{
    char *out = context;
    assert_true(strlen(why) > 0);
    strcat(strcat(out, id), " ");
}

static const char *waiting(fixture *self, char out[200])
{
    out[0] = 0;
    ingest_report(self->ingest, on_report, out);
    return out;
}

/* net and two cost maps at t1, published. */
static void publish_first(fixture *self)
{
    assert_int_equal(net(self, "t1", 1), ALTO_OK);
    assert_int_equal(cost(self, "c1", "t1", 1), ALTO_OK);
    assert_int_equal(cost(self, "c2", "t1", 1), ALTO_OK);
    assert_string_equal(take(self), self->retag ? "c1@# c2@# net@#" : "c1@t1 c2@t1 net@t1");
    assert_int_equal(self->again_ms, UINT64_MAX);
    self->now_ms += 60000;
}

/* ---- what belongs together ---- */

static void documents_are_published_and_then_change_nothing(void **state)
{
    fixture *self = *state;
    publish_first(self);
    assert_string_equal(take(self), "");
    assert_int_equal(net(self, "t1", 1), ALTO_KNOWN);
    assert_int_equal(cost(self, "c1", "t1", 1), ALTO_KNOWN);
    assert_string_equal(take(self), "");
    assert_int_equal(cost(self, "c1", "t1", 2), ALTO_OK);
    assert_string_equal(take(self), "c1@t1");
    assert_string_equal(take(self), "");
}

static void a_network_map_waits_for_its_cost_maps(void **state)
{
    fixture *self = *state;
    char who[200];
    publish_first(self);
    assert_int_equal(net(self, "t2", 2), ALTO_OK);
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, self->now_ms + HOLD_MS);
    assert_string_equal(waiting(self, who), "net ");
    self->now_ms += 1000;
    assert_int_equal(cost(self, "c1", "t2", 2), ALTO_OK);
    assert_string_equal(take(self), "");
    assert_string_equal(waiting(self, who), "c1 net ");
    assert_int_equal(cost(self, "c2", "t2", 2), ALTO_OK);
    assert_string_equal(take(self), "c1@t2 c2@t2 net@t2");
    assert_int_equal(self->again_ms, UINT64_MAX);
    assert_string_equal(waiting(self, who), "");
}

static void cost_maps_that_come_first_wait_for_their_network_map(void **state)
{
    fixture *self = *state;
    char who[200];
    publish_first(self);
    cost(self, "c2", "t2", 2);
    cost(self, "c1", "t2", 2);
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, UINT64_MAX); /* what is published still fits: they may wait for ever */
    assert_string_equal(waiting(self, who), "c1 c2 ");
    net(self, "t2", 2);
    assert_string_equal(take(self), "c1@t2 c2@t2 net@t2");
}

static void a_cost_map_that_stays_behind_is_withheld_until_it_fits(void **state)
{
    fixture *self = *state;
    char who[200];
    publish_first(self);
    net(self, "t2", 2);
    cost(self, "c1", "t2", 2);
    assert_string_equal(take(self), "");
    self->now_ms += HOLD_MS - 1;
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, self->now_ms + 1);
    self->now_ms++;
    assert_string_equal(take(self), "c1@t2 c2@t1! net@t2");
    assert_int_equal(self->again_ms, UINT64_MAX);
    assert_string_equal(take(self), "");
    assert_string_equal(waiting(self, who), "c2 ");
    self->now_ms += 5;
    cost(self, "c2", "t2", 2);
    assert_string_equal(take(self), "c2@t2");
    net(self, "t3", 3); /* and back to where it fits as it is */
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), "c1@t2! c2@t2! net@t3");
    assert_int_equal(net(self, "t2", 2), ALTO_OK);
    assert_string_equal(take(self), "c1@t2 c2@t2 net@t2");
}

static void a_network_map_that_changes_on_and_on_does_not_wait_for_ever(void **state)
{
    fixture *self = *state;
    publish_first(self);
    char tag[20];
    for (unsigned i = 2; i < 6; i++) {
        snprintf(tag, sizeof tag, "t%u", i);
        net(self, tag, i);
        assert_string_equal(take(self), "");
        self->now_ms += HOLD_MS / 4;
    }
    assert_string_equal(take(self), "c1@t1! c2@t1! net@t5");
}

static void a_network_map_that_changes_back_waits_for_nothing(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 2);
    assert_string_equal(take(self), "");
    self->now_ms += 9000;
    net(self, "t1", 1);
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, UINT64_MAX);
    net(self, "t3", 3); /* a hold of its own */
    self->now_ms += 5000;
    assert_string_equal(take(self), "");
}

static void resources_that_are_withheld_hold_nobody_back(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 2);
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), "c1@t1! c2@t1! net@t2");
    net(self, "t3", 3);
    assert_string_equal(take(self), "net@t3");
}

static void a_new_cost_map_stays_away_until_it_fits(void **state)
{
    fixture *self = *state;
    publish_first(self);
    cost(self, "c3", "t2", 1);
    assert_string_equal(take(self), "");
    net(self, "t2", 2);
    cost(self, "c1", "t2", 1);
    cost(self, "c2", "t2", 1);
    assert_string_equal(take(self), "c1@t2 c2@t2 c3@t2 net@t2");
}

static void a_cost_map_whose_network_map_nobody_has_is_published_as_it_is(void **state)
{
    fixture *self = *state;
    cost(self, "c1", "t1", 1);
    assert_string_equal(take(self), "c1@t1");
    net(self, "t1", 1);
    assert_string_equal(take(self), "net@t1");
    ingest_remove(self->ingest, "net", self->now_ms);
    assert_string_equal(take(self), "net-");
    assert_string_equal(take(self), "");
    net(self, "t2", 2);
    assert_string_equal(take(self), "c1@t1! net@t2");
}

static void a_resource_without_dependencies_holds_nobody_back(void **state)
{
    fixture *self = *state;
    net(self, "t1", 1);
    doc(self, "plain", "{\"cost-map\":{}}");
    take(self);
    net(self, "t2", 2);
    assert_string_equal(take(self), "net@t2");
}

static void what_was_removed_holds_nobody_back(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 2);
    cost(self, "c1", "t2", 2);
    ingest_remove(self->ingest, "c2", self->now_ms);
    assert_string_equal(take(self), "c1@t2 c2- net@t2");
    ingest_remove(self->ingest, "nothing", self->now_ms);
    assert_string_equal(take(self), "");
}

static void maps_that_one_cost_map_needs_together_move_together(void **state)
{
    fixture *self = *state;
    net_as(self, "a", "a", "a1", 1);
    net_as(self, "b", "b", "b1", 1);
    cost_of_two(self, "both", "a1", "b1");
    cost(self, "unrelated", "x", 1);
    doc(self, "only-b", "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"b\",\"tag\":\"b1\"}]},\"x\":1}");
    assert_string_equal(take(self), "a@a1 b@b1 both@a1 only-b@b1 unrelated@x");
    net_as(self, "a", "a", "a2", 2);
    net_as(self, "b", "b", "b2", 2);
    cost_of_two(self, "both", "a2", "b2");
    assert_string_equal(take(self), ""); /* only-b holds b back, so both, so a */
    doc(self, "only-b", "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"b\",\"tag\":\"b2\"}]},\"x\":1}");
    assert_string_equal(take(self), "a@a2 b@b2 both@a2 only-b@b2");
}

static void what_could_not_be_committed_is_given_again(void **state)
{
    fixture *self = *state;
    alto_new_state changes[MAX_CHANGES];
    publish_first(self);
    net(self, "t2", 2);
    cost(self, "c1", "t2", 2);
    ingest_remove(self->ingest, "c2", self->now_ms);
    cost(self, "c3", "t2", 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ingest_take(self->ingest, self->now_ms, changes, MAX_CHANGES, &self->again_ms), 4);
        ingest_give_back(self->ingest);
    }
    assert_string_equal(take(self), "c1@t2 c2- c3@t2 net@t2");
    ingest_give_back(self->ingest);
    ingest_give_back(self->ingest);
    assert_string_equal(take(self), "c1@t2 c2- c3@t2 net@t2");
    assert_string_equal(take(self), "");
}

/* ---- refusals ---- */

static void bad_documents_keep_the_last_good_state(void **state)
{
    static const struct {
        const char *label, *name, *text;
        alto_status status;
        const char *where;
    } cases[] = {
        {"no JSON", "c1", "{\"cost-map\":{\"P1\":{\"P1\":", ALTO_SYNTAX, NULL},
        {"nothing", "c1", "", ALTO_SYNTAX, NULL},
        {"not an object", "c1", "[1]", ALTO_SYNTAX, NULL},
        {"no vtag", "net", "{\"network-map\":{}}", ALTO_INVALID, "/meta/vtag"},
        {"vtag without tag", "net", "{\"meta\":{\"vtag\":{\"resource-id\":\"net\"}},\"network-map\":{}}", ALTO_INVALID,
         "/meta/vtag"},
        {"vtag of bad ID", "net", "{\"meta\":{\"vtag\":{\"resource-id\":\"a b\",\"tag\":\"x\"}},\"network-map\":{}}",
         ALTO_INVALID, "/meta/vtag"},
        {"same tag", "net",
         "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{\"P2\":{}}}", ALTO_SAME_TAG,
         "/meta/vtag/tag"},
        {"bad dependencies", "c1", "{\"meta\":{\"dependent-vtags\":{}},\"cost-map\":{}}", ALTO_INVALID,
         "/meta/dependent-vtags"},
        {"bad file name", "c 1", "{\"a\":1}", ALTO_INVALID, ""},
        {"long file name", "x1234567890123456789012345678901234567890123456789012345678901234", "{\"a\":1}",
         ALTO_INVALID, ""},
        {"ID of another document", "other",
         "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t9\"}},"
         "\"network-map\":{}}",
         ALTO_DUPLICATE, ""},
        {"ID of a network map", "net2",
         "{\"meta\":{\"vtag\":{\"resource-id\":\"c1\",\"tag\":\"t9\"}},"
         "\"network-map\":{}}",
         ALTO_DUPLICATE, ""},
    };
    fixture *self = *state;
    publish_first(self);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_status status = doc(self, cases[i].name, cases[i].text);
        if (status != cases[i].status && cases[i].status == ALTO_SYNTAX)
            status = status == ALTO_INVALID ? ALTO_SYNTAX : status; /* either word will do for these */
        assert_string_equal(alto_status_name(status), alto_status_name(cases[i].status));
        assert_true(strlen(self->error.why) > 0);
        if (cases[i].where)
            assert_string_equal(self->error.where, cases[i].where);
        assert_string_equal(take(self), "");
        assert_int_equal(net(self, "t1", 1), ALTO_KNOWN);
        assert_int_equal(cost(self, "c1", "t1", 1), ALTO_KNOWN);
    }
    cost(self, "c1", "t1", 7);
    assert_string_equal(take(self), "c1@t1");
}

static void a_tag_is_not_used_again_for_other_content_even_while_a_newer_one_waits(void **state)
{
    fixture *self = *state;
    publish_first(self);
    assert_int_equal(net(self, "t2", 2), ALTO_OK);
    assert_string_equal(take(self), "");
    assert_int_equal(net(self, "t1", 9), ALTO_SAME_TAG); /* t1 is what everybody has, with other content */
    assert_int_equal(net(self, "t2", 9), ALTO_SAME_TAG);
    assert_int_equal(net(self, "t1", 1), ALTO_OK);
    assert_string_equal(take(self), "");
}

static void tags_of_other_resources_are_held_to_the_same_rule(void **state)
{
    fixture *self = *state;
    const char *first = "{\"meta\":{\"vtag\":{\"resource-id\":\"c\",\"tag\":\"x\"}},\"cost-map\":{\"P1\":{\"P1\":1}}}";
    const char *second = "{\"meta\":{\"vtag\":{\"resource-id\":\"c\",\"tag\":\"x\"}},\"cost-map\":{\"P1\":{\"P1\":2}}}";
    assert_int_equal(doc(self, "c", first), ALTO_OK);
    assert_int_equal(doc(self, "c", second), ALTO_SAME_TAG);
    assert_int_equal(doc(self, "c", first), ALTO_KNOWN);
}

static void a_document_may_become_another_resource(void **state)
{
    fixture *self = *state;
    publish_first(self);
    assert_int_equal(net_as(self, "net", "renamed", "r1", 1), ALTO_OK);
    assert_string_equal(take(self), "net- renamed@r1");
    assert_int_equal(net_as(self, "again", "net", "t1", 1), ALTO_OK);
    assert_string_equal(take(self), "net@t1");
    assert_int_equal(doc(self, "net", "{\"cost-map\":{}}"), ALTO_DUPLICATE); /* "net" comes from again.json now */
    assert_string_equal(take(self), "");
    ingest_remove(self->ingest, "again", self->now_ms);
    assert_int_equal(doc(self, "net", "{\"cost-map\":{}}"), ALTO_OK); /* another kind, another document */
    assert_string_equal(take(self), "net@ renamed-");
}

static void the_file_name_names_what_is_no_network_map(void **state)
{
    fixture *self = *state;
    net_as(self, "some file name", "net", "t1", 1);
    doc(self, "x:y@z_1", "{\"a\":1}");
    assert_string_equal(take(self), "net@t1 x:y@z_1@");
    const char *names[4];
    assert_int_equal(ingest_names(self->ingest, names, 4), 2);
    assert_string_equal(names[0], "some file name");
    assert_string_equal(names[1], "x:y@z_1");
}

static void each_kind_of_document_has_its_media_type(void **state)
{
    static const struct {
        const char *text, *media_type;
        alto_kind kind;
    } cases[] = {
        {"{\"cost-map\":{\"P\":{\"P\":1}}}", "application/alto-costmap+json", ALTO_COST_MAP},
        {"{\"cost-map\":{\"P\":{\"P\":\"a\"}}}", "application/alto-costmap+json", ALTO_DOCUMENT},
        {"{\"meta\":{},\"property-map\":{}}", "application/alto-propmap+json", ALTO_DOCUMENT},
        {"{\"resources\":{}}", "application/alto-directory+json", ALTO_DOCUMENT},
        {"{\"endpoint-properties\":{}}", "application/alto-endpointprop+json", ALTO_DOCUMENT},
        {"{\"endpoint-cost-map\":{}}", "application/alto-endpointcost+json", ALTO_DOCUMENT},
        {"{\"anything\":[1,2]}", "application/json", ALTO_DOCUMENT},
        {"{}", "application/json", ALTO_DOCUMENT},
    };
    fixture *self = *state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(doc(self, "x", cases[i].text), ALTO_OK);
        assert_string_equal(take(self), "x@");
        assert_string_equal(shown_as(self, "x")->media_type, cases[i].media_type);
        assert_int_equal(alto_version_kind(shown_as(self, "x")->version), cases[i].kind);
    }
}

/* ---- restart ---- */

static void the_same_documents_after_a_restart_change_nothing(void **state)
{
    fixture *self = *state;
    publish_first(self);
    doc(self, "p", "{\"property-map\":{\"a\":{}}}");
    take(self);
    restart(self);
    assert_string_equal(take(self), ""); /* nothing read yet: nothing said */
    net(self, "t1", 1);
    cost(self, "c1", "t1", 1);
    cost(self, "c2", "t1", 1);
    doc(self, "p", "{\"property-map\":{\"a\":{}}}");
    ingest_settle(self->ingest, self->now_ms);
    assert_string_equal(take(self), "");
    cost(self, "c2", "t1", 3);
    assert_string_equal(take(self), "c2@t1");
}

static void what_has_no_document_any_more_goes_when_all_were_read(void **state)
{
    fixture *self = *state;
    publish_first(self);
    restart(self);
    net(self, "t1", 1);
    cost(self, "c1", "t1", 5);
    assert_string_equal(take(self), "c1@t1");
    assert_string_equal(take(self), "");
    ingest_settle(self->ingest, self->now_ms);
    assert_string_equal(take(self), "c2-");
    assert_string_equal(take(self), "");
}

static void tags_are_remembered_over_a_restart(void **state)
{
    fixture *self = *state;
    publish_first(self);
    restart(self);
    assert_int_equal(net(self, "t1", 9), ALTO_SAME_TAG);
    assert_string_equal(take(self), "");
    assert_int_equal(net(self, "t2", 9), ALTO_OK);
    assert_string_equal(take(self), ""); /* what is restored and not read yet counts as shown */
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), "c1@t1! c2@t1! net@t2");
}

static void what_is_said_to_be_gone_goes_before_all_were_read(void **state)
{
    fixture *self = *state;
    publish_first(self);
    restart(self);
    ingest_remove(self->ingest, "c2", self->now_ms);
    assert_string_equal(take(self), "c2-");
    net(self, "t1", 1);
    assert_string_equal(take(self), "");
    ingest_remove(self->ingest, "c1", self->now_ms);
    assert_string_equal(take(self), "c1-");
}

static void content_is_of_the_type_that_its_source_says(void **state)
{
    fixture *self = *state;
    static const struct {
        const char *text, *type; /* the only one that it may be said to be */
    } cases[] = {
        {"{\"meta\":{\"vtag\":{\"resource-id\":\"d\",\"tag\":\"t\"}},\"network-map\":{}}",
         "application/alto-networkmap+json"},
        {"{\"meta\":{},\"cost-map\":{}}", "application/alto-costmap+json"},
        {"{\"meta\":{},\"cost-map\":{\"a\":{\"a\":\"text\"}}}", "application/alto-costmap+json"},
        {"{\"property-map\":{}}", "application/alto-propmap+json"},
        {"{\"resources\":{}}", "application/alto-directory+json"},
        {"{\"x\":{}}", NULL},
    };
    static const char *const types[] = {"application/alto-networkmap+json", "application/alto-costmap+json",
                                        "application/alto-propmap+json", "application/alto-directory+json"};
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t j = 0; j < countof(types); j++) {
            bool fits = cases[i].type && strcmp(cases[i].type, types[j]) == 0;
            alto_error error = {.status = ALTO_OK};
            print_message("  case: %s as %s\n", cases[i].text, types[j]);
            assert_int_equal(
                ingest_typed(self->ingest, "d", types[j], alto_slice_text(cases[i].text), self->now_ms, &error),
                fits ? ALTO_OK : ALTO_WRONG_TYPE);
            assert_true(fits || error.status == ALTO_WRONG_TYPE);
            ingest_remove(self->ingest, "d", self->now_ms);
        }
}

static void a_media_type_survives_a_restart(void **state)
{
    fixture *self = *state;
    const char *text =
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}]},\"property-map\":{}}";
    net(self, "t1", 1);
    doc(self, "p", text);
    take(self);
    restart(self);
    net(self, "t2", 2);
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), "net@t2 p@t1!"); /* withheld before it was read again */
    assert_string_equal(shown_as(self, "p")->media_type, "application/alto-propmap+json");
}

static void withheld_stays_withheld_over_a_restart(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 2);
    cost(self, "c1", "t2", 2);
    self->now_ms += HOLD_MS;
    take(self);
    restart(self);
    net(self, "t2", 2);
    cost(self, "c1", "t2", 2);
    cost(self, "c2", "t1", 1);
    assert_string_equal(take(self), "");
    cost(self, "c2", "t2", 1);
    assert_string_equal(take(self), "c2@t2");
}

/* ---- tags made of the content ---- */

static void retag_follows_content_that_changes_under_one_tag(void **state)
{
    fixture *self = *state;
    alto_vtag before, after;
    publish_first(self);
    assert_int_equal(alto_version_vtag(shown_as(self, "net")->version, &before), ALTO_OK);
    assert_int_equal(net(self, "t1", 2), ALTO_OK);
    assert_string_equal(take(self), "c1@# c2@# net@#"); /* dependents are renamed with it */
    assert_int_equal(alto_version_vtag(shown_as(self, "net")->version, &after), ALTO_OK);
    assert_string_not_equal(before.tag, after.tag);
    assert_int_equal(net(self, "t1", 1), ALTO_OK); /* round two: the old content, the old tag */
    assert_string_equal(take(self), "c1@# c2@# net@#");
    assert_int_equal(alto_version_vtag(shown_as(self, "net")->version, &after), ALTO_OK);
    assert_string_equal(before.tag, after.tag);
    assert_string_equal(take(self), "");
    cost(self, "c1", "t1", 8);
    assert_string_equal(take(self), "c1@#");
}

static void retag_waits_for_documents_that_do_change_tags(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 2);
    assert_string_equal(take(self), "");
    cost(self, "c1", "t2", 2);
    assert_string_equal(take(self), "");
    cost(self, "c2", "t2", 2);
    assert_string_equal(take(self), "c1@# c2@# net@#");
    net(self, "t3", 3);
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), "c1@#! c2@#! net@#");
    cost(self, "c1", "t3", 3);
    assert_string_equal(take(self), "c1@#");
}

static void retag_ignores_a_new_tag_on_the_same_content(void **state)
{
    fixture *self = *state;
    publish_first(self);
    net(self, "t2", 1);
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, UINT64_MAX);
    cost(self, "c1", "t2", 1);
    assert_string_equal(take(self), "");
    cost(self, "c2", "t2", 2);
    assert_string_equal(take(self), "c2@#");
}

static void retag_withdraws_a_network_map_that_goes(void **state)
{
    fixture *self = *state;
    publish_first(self);
    ingest_remove(self->ingest, "net", self->now_ms);
    assert_string_equal(take(self), "c1@# c2@# net-"); /* they name the tag that their documents have */
    assert_string_equal(take(self), "");
    net(self, "t1", 1);
    assert_string_equal(take(self), "c1@# c2@# net@#");
}

static void retag_survives_a_restart(void **state)
{
    fixture *self = *state;
    publish_first(self);
    restart(self);
    assert_string_equal(take(self), "");
    net(self, "t1", 1);
    assert_string_equal(take(self), "");
    assert_int_equal(self->again_ms, UINT64_MAX);
    self->now_ms += HOLD_MS;
    assert_string_equal(take(self), ""); /* the cost maps not read yet fit as they are */
    cost(self, "c1", "t1", 1);
    cost(self, "c2", "t1", 1);
    assert_string_equal(take(self), "");
    ingest_settle(self->ingest, self->now_ms);
    assert_string_equal(take(self), "");
    net(self, "t1", 2);
    assert_string_equal(take(self), "c1@# c2@# net@#");
    restart(self);
    cost(self, "c2", "t1", 1); /* in another order */
    assert_string_equal(take(self), "");
    cost(self, "c1", "t1", 1);
    net(self, "t1", 2);
    assert_string_equal(take(self), "");
}

/* ---- any order ---- */

/* Random documents in random order, with restarts and failed commits: consistent at every step (take checks it), and
 * when all documents name one tag, published as they are. */
static void any_order_of_documents_is_consistent_throughout(void **state)
{
    static const char *const names[] = {"c1", "c2", "c3"};
    fixture *self = *state;
    test_random random = test_random_make(self->retag ? 77 : 78);
    char tag[20];
    unsigned newest = 1;
    for (int round = 0; round < 600; round++) {
        self->now_ms += test_random_below(&random, HOLD_MS / 3);
        newest += test_random_below(&random, 6) == 0;
        snprintf(tag, sizeof tag, "t%u", newest);
        uint64_t what = test_random_below(&random, 12);
        const char *name = names[test_random_below(&random, countof(names))];
        if (what < 4)
            net(self, tag, newest % 250);
        else if (what < 9)
            cost(self, name, tag, (unsigned)test_random_below(&random, 4));
        else if (what == 9)
            ingest_remove(self->ingest, test_random_below(&random, 3) ? name : "net", self->now_ms);
        else if (what == 10)
            restart(self);
        if (test_random_below(&random, 2))
            take(self);
    }
    self->now_ms += HOLD_MS;
    net(self, tag, newest % 250);
    for (size_t i = 0; i < countof(names); i++)
        cost(self, names[i], tag, 9);
    ingest_settle(self->ingest, self->now_ms);
    take(self);
    for (size_t i = 0; i < countof(names); i++) {
        double value = 0;
        const shown *at = shown_as(self, names[i]);
        assert_false(at->withheld);
        assert_true(alto_version_cost(at->version, alto_slice_text("P1"), alto_slice_text("P1"), &value));
        assert_true(value == 9);
    }
    alto_vtag vtag;
    assert_int_equal(alto_version_vtag(shown_as(self, "net")->version, &vtag), ALTO_OK);
    if (!self->retag)
        assert_string_equal(vtag.tag, tag);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define R(name) cmocka_unit_test_setup_teardown(name, set_up_retag, tear_down)
    const struct CMUnitTest tests[] = {
        T(documents_are_published_and_then_change_nothing),
        T(a_network_map_waits_for_its_cost_maps),
        T(cost_maps_that_come_first_wait_for_their_network_map),
        T(a_cost_map_that_stays_behind_is_withheld_until_it_fits),
        T(a_network_map_that_changes_on_and_on_does_not_wait_for_ever),
        T(a_network_map_that_changes_back_waits_for_nothing),
        T(resources_that_are_withheld_hold_nobody_back),
        T(a_new_cost_map_stays_away_until_it_fits),
        T(a_cost_map_whose_network_map_nobody_has_is_published_as_it_is),
        T(a_resource_without_dependencies_holds_nobody_back),
        T(what_was_removed_holds_nobody_back),
        T(maps_that_one_cost_map_needs_together_move_together),
        T(what_could_not_be_committed_is_given_again),
        T(bad_documents_keep_the_last_good_state),
        T(a_tag_is_not_used_again_for_other_content_even_while_a_newer_one_waits),
        T(tags_of_other_resources_are_held_to_the_same_rule),
        T(a_document_may_become_another_resource),
        T(the_file_name_names_what_is_no_network_map),
        T(each_kind_of_document_has_its_media_type),
        T(the_same_documents_after_a_restart_change_nothing),
        T(what_has_no_document_any_more_goes_when_all_were_read),
        T(tags_are_remembered_over_a_restart),
        T(what_is_said_to_be_gone_goes_before_all_were_read),
        T(content_is_of_the_type_that_its_source_says),
        T(a_media_type_survives_a_restart),
        T(withheld_stays_withheld_over_a_restart),
        R(retag_follows_content_that_changes_under_one_tag),
        R(retag_waits_for_documents_that_do_change_tags),
        R(retag_ignores_a_new_tag_on_the_same_content),
        R(retag_withdraws_a_network_map_that_goes),
        R(retag_survives_a_restart),
        T(any_order_of_documents_is_consistent_throughout),
        R(any_order_of_documents_is_consistent_throughout),
    };
#undef T
#undef R
    return cmocka_run_group_tests(tests, NULL, NULL);
}
