/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ird_local.h"

#include "cmocka_all.h"

static bool not_away(void *context, const char *id)
{
    assert_ptr_equal(context, not_away);
    return strcmp(id, "away") != 0;
}

static void only_the_uris_of_what_is_here_change(void **state)
{
    static const struct {
        const char *directory, *wanted; /* NULL: as it is */
    } cases[] = {
        {"{\"meta\":{\"uri\":\"x\"},\"resources\":{\"a\":{\"media-type\":\"m\",\"uri\":\"http://o/"
         "a\",\"uses\":[\"b\"]},"
         "\"b\":{\"uri\":\"http://o/x/b?c\",\"z\":{\"uri\":\"y\"}}}}",
         "{\"meta\":{\"uri\":\"x\"},\"resources\":{\"a\":{\"media-type\":\"m\",\"uri\":\"/a\",\"uses\":[\"b\"]},"
         "\"b\":{\"uri\":\"/b\",\"z\":{\"uri\":\"y\"}}}}"},
        {"{\"resources\":{\"away\":{\"uri\":\"http://o/a\"}},\"uri\":1}", NULL},
        {"{\"resources\":{\"directory\":{\"uri\":\"http://o/a\"}}}",
         "{\"resources\":{\"directory\":{\"uri\":\"/resource/directory\"}}}"},
        {"{\"resources\":{\"\\u0061\":{\"uri\":\"q\"}}}", "{\"resources\":{\"\\u0061\":{\"uri\":\"/a\"}}}"},
        {"{ \"resources\" : { \"a\" : 3 } , \"b\" : {} }", "{\"resources\":{\"a\":3},\"b\":{}}"},
        {"{\"resources\":{}}", NULL},
        {"{\"resources\":[]}", NULL},
        {"{}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        const char *directory = cases[i].directory;
        alto_buffer out = alto_buffer_make(1000);
        print_message("  case: %s\n", directory);
        assert_int_equal(alto_ird_local(alto_slice_text(directory), not_away, (void *)(uintptr_t)not_away, &out),
                         ALTO_OK);
        alto_buffer_add_u8(&out, 0);
        assert_string_equal((char *)out.data, cases[i].wanted ? cases[i].wanted : directory);
        alto_buffer_fini(&out);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    alto_buffer out = alto_buffer_make(10);
    assert_int_equal(alto_ird_local(alto_slice_text("{\"resources\":{\"a\":{\"uri\":\"q\"}}}"), not_away,
                                    (void *)(uintptr_t)not_away, &out),
                     ALTO_TOO_LARGE);
    alto_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_uris_of_what_is_here_change),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
