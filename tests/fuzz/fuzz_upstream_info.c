/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream says of itself: what is refused changes nothing; a port and a key come out as one may be, and only of the origin that was
 * asked for; escapes and order of members mean nothing; the endpoint is at the host of the configuration. Endpoints that are chosen are
 * taken as it was meant.
 *
 * Longest input: 4096. Dictionary: info. */
#include "core/mapjson.h"
#include "core/upstream_info.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

enum { LARGEST = 1 << 20 };

static alto_origin origin_of(unsigned number)
{
    alto_origin origin;
    memset(origin.bytes, (int)(0x11 * number), sizeof origin.bytes);
    return origin;
}

static bool same(const alto_upstream_info *one, const alto_upstream_info *other)
{
    return one->tells_push == other->tells_push && one->port == other->port && one->encrypts == other->encrypts &&
           one->has_key == other->has_key && (!one->has_key || memcmp(&one->key, &other->key, sizeof one->key) == 0);
}

static void check_endpoint(uint16_t port)
{
    static const char *const hosts[][2] = {
        {"192.0.2.1", "tcp://192.0.2.1"}, {"2001:db8::1", "tcp://[2001:db8::1]"}, {"r.example", "tcp://r.example"}};
    char text[64];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        fuzz_check(alto_upstream_info_endpoint(hosts[i][0], port, text, sizeof text));
        char *colon = strrchr(text, ':');
        fuzz_check(strtoul(colon + 1, NULL, 10) == port);
        *colon = 0;
        fuzz_check(strcmp(text, hosts[i][1]) == 0);
    }
}

/* Read, and see that whatever comes out is in bounds. */
static bool read_info(alto_slice text, const alto_origin *origin, alto_upstream_info *out)
{
    alto_upstream_info before;
    memset(&before, 0x5a, sizeof before);
    *out = before;
    fuzz_memory_begin();
    bool known = alto_upstream_info_read(text, origin, out);
    fuzz_check(fuzz_memory_most() <= 128 * text.size + 65536);
    if (!known) {
        fuzz_check(alto_slice_equal(alto_slice_of(out, sizeof *out), alto_slice_of(&before, sizeof before)));
        return false;
    }
    fuzz_check(out->port == 0 || (out->tells_push && out->port >= 1024));
    fuzz_check(!out->has_key || out->encrypts);
    if (out->port)
        check_endpoint(out->port);
    return true;
}

/* Another way to write the same says the same. */
static void check_text(alto_slice text)
{
    alto_upstream_info told, again;
    const alto_origin origin = origin_of(10);
    bool known = read_info(text, &origin, &told);
    alto_buffer canonical = alto_buffer_make(LARGEST);
    if (alto_json_canonical(text, &canonical, NULL) == ALTO_OK) {
        fuzz_check(read_info(alto_buffer_slice(&canonical), &origin, &again) == known);
        fuzz_check(!known || same(&told, &again));
    }
    alto_buffer_fini(&canonical);
}

/* ---- what is chosen ---- */

typedef struct {
    const char *text; /* of a push endpoint, in JSON */
    uint16_t port;    /* that may be taken of it */
} endpoint;

static const endpoint endpoints[] = {
    {"\"tcp://h:5670\"", 5670},
    {"\"tcp://[::1]:1024\"", 1024},
    {"\"tcp:\\/\\/10.0.0.1:6553\\u0035\"", 65535},
    {"\"tcp://h:1023\"", 0},
    {"\"tcp://h:65536\"", 0},
    {"\"tcp://h:5670/\"", 0},
    {"\"ipc:///tmp/x:5670\"", 0},
    {"\"epgm://h;239.0.0.1:5670\"", 0},
    {"\"tcp://h\"", 0},
    {"[\"tcp://h:7777\"]", 0},
    {"{\"push\":[\"tcp://h:7777\"]}", 0},
    {"5670", 0},
};

/* An array of endpoints: the port of the first that may be taken. */
static uint16_t choose_endpoints(alto_reader *in, alto_buffer *out)
{
    uint16_t port = 0;
    unsigned count = fuzz_below(in, 6);
    alto_buffer_add_text(out, "[");
    for (unsigned i = 0; i < count; i++) {
        const endpoint *chosen = &endpoints[fuzz_below(in, sizeof endpoints / sizeof *endpoints)];
        alto_buffer_print(out, "%s%s", i ? "," : "", chosen->text);
        port = port ? port : chosen->port;
    }
    alto_buffer_add_text(out, "]");
    return port;
}

static void choose_key(alto_reader *in, alto_buffer *out, alto_upstream_info *meant)
{
    char text[ALTO_CURVE_KEY_TEXT];
    meant->encrypts = fuzz_flag(in);
    if (!meant->encrypts)
        return;
    meant->has_key = fuzz_flag(in);
    memset(meant->key.bytes, alto_reader_u8(in), sizeof meant->key.bytes);
    alto_z85_write(meant->key.bytes, text);
    text[meant->has_key ? sizeof text - 1 : sizeof text - 2] = 0;
    alto_buffer_print(out, ",\"curve-key\":\"%s\"", text);
}

/* One origin of the list, and what is meant by it. */
static alto_upstream_info choose_origin(alto_reader *in, unsigned number, alto_buffer *out)
{
    alto_upstream_info meant = {.tells_push = fuzz_flag(in)};
    char name[2 * ALTO_HASH_SIZE + 1];
    alto_origin origin = origin_of(number);
    alto_hex(name, origin.bytes, sizeof origin.bytes);
    alto_buffer_print(out, "{\"state\":{\"origin\":\"x\"},\"origin\":\"%s\"", name);
    if (meant.tells_push) {
        alto_buffer_add_text(out, ",\"push\":");
        meant.port = choose_endpoints(in, out);
    }
    choose_key(in, out, &meant);
    alto_buffer_add_text(out, "}");
    return meant;
}

static void check_chosen(alto_reader *in)
{
    alto_upstream_info meant[4], told;
    unsigned count = fuzz_below(in, 5);
    alto_buffer text = alto_buffer_make(LARGEST);
    alto_buffer_add_text(&text, "{\"version\":\"x\",\"origins\":[");
    for (unsigned i = 0; i < count; i++) {
        alto_buffer_add_text(&text, i ? "," : "");
        meant[i] = choose_origin(in, i, &text);
    }
    alto_buffer_add_text(&text, "]}");
    for (unsigned i = 0; i < 5; i++) {
        alto_origin origin = origin_of(i);
        fuzz_check(read_info(alto_buffer_slice(&text), &origin, &told) == (i < count));
        fuzz_check(i >= count || same(&told, &meant[i]));
    }
    alto_buffer_fini(&text);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    if (fuzz_flag(&in))
        check_chosen(&in);
    else
        check_text(fuzz_rest(&in));
}
