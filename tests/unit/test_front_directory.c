/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as it is answered: made once, and anew when anything that it depends on has changed. */
#include "cmocka_all.h"
#include "core/compress.h"
#include "io/front_directory.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

static const char text[] =
    "{\"meta\":{\"cost-types\":{\"c\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}}},\"resources\":{"
    "\"ecs\":{\"uri\":\"ecs\",\"media-type\":\"application/alto-endpointcost+json\",\"accepts\":"
    "\"application/alto-endpointcostparams+json\",\"capabilities\":{\"cost-type-names\":[\"c\",\"none\"]}}}}";

/* The ALTO server behind: does it offer its endpoint costs? */
static struct {
    bool offered;
    uint64_t turn;
} behind;

static bool offers(void *context, const char *id)
{
    (void)context;
    return behind.offered && strcmp(id, "ecs") == 0;
}

static uint64_t turn(void *context)
{
    (void)context;
    return behind.turn;
}

typedef struct {
    test_origin *origin;
    alto_front_directory *directory;
} fixture;

static int set_up(void **state)
{
    static const alto_behind who = {.offers = offers, .turn = turn};
    fixture *self = calloc(1, sizeof *self);
    void *origin;
    if (test_origin_set_up(&origin) != 0)
        return -1;
    self->origin = origin;
    self->directory = alto_front_directory_new();
    alto_front_directory_set_behind(self->directory, &who);
    behind.offered = false;
    test_origin_put(self->origin, ".ird", text);
    test_origin_put_network_map(self->origin, "net");
    test_origin_put_cost_map(self->origin, "cost", "net", "numerical", "routingcost");
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    void *origin = self->origin;
    alto_front_directory_destroy(&self->directory);
    free(self);
    return test_origin_tear_down(&origin);
}

static const alto_blob *get(fixture *self, const char *base, alto_coding coding)
{
    const alto_blob *body;
    assert_int_equal(alto_front_directory_get(self->directory, test_origin_view(self->origin), base, coding, &body),
                     ALTO_OK);
    return body;
}

static bool has(const alto_blob *body, const char *part)
{
    return memmem(body->data, body->size, part, strlen(part));
}

static void it_is_made_once(void **state)
{
    fixture *self = *state;
    const alto_blob *bodies[2][2][ALTO_CODINGS];
    for (int again = 0; again < 2; again++)
        for (int base = 0; base < 2; base++)
            for (alto_coding coding = ALTO_IDENTITY; coding <= ALTO_ZSTD; coding++)
                bodies[again][base][coding] = get(self, base ? "/isp-a" : "", coding);
    for (int base = 0; base < 2; base++) {
        const alto_blob *const *of = bodies[0][base];
        assert_true(has(of[ALTO_IDENTITY], base ? "\"uri\":\"/isp-a/net-filtered\"" : "\"uri\":\"/net-filtered\""));
        assert_string_not_equal(of[ALTO_IDENTITY]->etag, of[ALTO_GZIP]->etag);
        assert_string_not_equal(of[ALTO_GZIP]->etag, of[ALTO_ZSTD]->etag);
        alto_buffer back = alto_buffer_make(1 << 20);
        assert_int_equal(
            alto_decompress(alto_slice_of(of[ALTO_ZSTD]->data, of[ALTO_ZSTD]->size), of[ALTO_IDENTITY]->size, &back),
            ALTO_OK);
        assert_true(alto_slice_equal(alto_buffer_slice(&back),
                                     alto_slice_of(of[ALTO_IDENTITY]->data, of[ALTO_IDENTITY]->size)));
        alto_buffer_fini(&back);
    }
    for (int base = 0; base < 2; base++)
        for (int i = 0; i < ALTO_CODINGS; i++) {
            assert_ptr_equal(bodies[0][base][i], bodies[1][base][i]);
            alto_blob_release(bodies[0][base][i]);
            alto_blob_release(bodies[1][base][i]);
        }
}

static void a_commit_makes_it_anew(void **state)
{
    fixture *self = *state;
    for (int i = 0; i < 20; i++) { /* more than are kept */
        char id[20], entry[40];
        snprintf(id, sizeof id, "net-%d", i);
        snprintf(entry, sizeof entry, "\"%s-filtered\":{", id);
        const alto_blob *before = get(self, "", ALTO_IDENTITY);
        test_origin_put_network_map(self->origin, id);
        const alto_blob *after = get(self, "", ALTO_IDENTITY);
        assert_false(has(before, entry));
        assert_true(has(after, entry));
        alto_blob_release(before);
        alto_blob_release(after);
    }
}

static void so_does_what_is_offered_behind(void **state)
{
    static const char own[] = "\"endpoint-cost\":{", theirs[] = "\"ecs\":{";
    fixture *self = *state;
    alto_service service;
    for (int i = 0; i < 4; i++) {
        behind.offered = i % 2;
        behind.turn++;
        const alto_view *view = test_origin_view(self->origin);
        const alto_blob *body = get(self, "", ALTO_IDENTITY);
        assert_int_equal(has(body, theirs), behind.offered);
        assert_int_equal(has(body, own), !behind.offered);
        assert_int_equal(alto_front_service(self->directory, view, "endpoint-cost", &service), !behind.offered);
        assert_true(alto_front_service(self->directory, view, "cost-filtered", &service));
        assert_false(alto_front_service(self->directory, view, "ecs", &service)); /* no map tells of its second cost */
        alto_blob_release(body);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(it_is_made_once),
        T(a_commit_makes_it_anew),
        T(so_does_what_is_offered_behind),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
