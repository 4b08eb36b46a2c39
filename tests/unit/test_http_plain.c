/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_plain.h"

#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define GET "GET /x HTTP/1.1\r\nHost: a\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a\r\n"

/* A copy of exactly its size, so that reading beyond it is seen. */
static char *copy_of(const char *text, size_t size)
{
    char *made = malloc(size + !size);
    assert_non_null(made);
    memcpy(made, text, size);
    return made;
}

static bool is_plain(const char *text, size_t size)
{
    alto_http_plain got;
    char *copy = copy_of(text, size);
    bool plain = alto_http_plain_parse(copy, size, &got);
    free(copy);
    return plain;
}

static void what_was_asked_is_told(void **state)
{
    static const struct {
        const char *text;
        const char *method, *path, *if_none_match, *accept, *accept_encoding, *content_type, *body, *authorization;
    } cases[] = {
        {GET "\r\n", "GET", "/x", NULL, NULL, NULL, NULL, "", NULL},
        {"HEAD / HTTP/1.1\r\nHOST:a\r\n\r\n", "HEAD", "/", NULL, NULL, NULL, NULL, "", NULL},
        {POST "Content-Length: 0\r\n\r\n", "POST", "/x", NULL, NULL, NULL, NULL, "", NULL},
        {POST "Content-Type: a/b;c=d\r\ncontent-length: 012\r\nAccept: e/f\r\n\r\n{\r\n\r\n\xc3\xa9\x01GET}", "POST",
         "/x", NULL, "e/f", NULL, "a/b;c=d", "{\r\n\r\n\xc3\xa9\x01GET}", NULL},
        {POST "Authorization: Bearer k\r\nContent-Length: 0\r\n\r\n", "POST", "/x", NULL, NULL, NULL, NULL, "",
         "Bearer k"},
        {"GET /cost-map.1:a@b~ HTTP/1.1\r\nAccept: a/b;q=1, */*\r\nHost: a:1\r\naccept-encoding:\t gzip \t\r\n"
         "If-None-Match: W/\"1\"\r\nConnection: Keep-Alive\r\nUser-Agent: \xc3\xa9\r\nRange: "
         "bytes=0-1\r\nEmpty:\r\n\r\n",
         "GET", "/cost-map.1:a@b~", "W/\"1\"", "a/b;q=1, */*", "gzip", NULL, "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        size_t size = strlen(cases[i].text);
        char *text = copy_of(cases[i].text, size);
        alto_http_plain got;
        assert_true(alto_http_plain_parse(text, size, &got));
        assert_string_equal(got.method, cases[i].method);
        assert_string_equal(got.path, cases[i].path);
        const char *const told[] = {got.if_none_match, got.accept, got.accept_encoding, got.content_type,
                                    got.authorization};
        const char *const expected[] = {cases[i].if_none_match, cases[i].accept, cases[i].accept_encoding,
                                        cases[i].content_type, cases[i].authorization};
        for (size_t k = 0; k < countof(told); k++)
            if (expected[k])
                assert_string_equal(told[k], expected[k]);
            else
                assert_null(told[k]);
        assert_int_equal(got.body.size, strlen(cases[i].body));
        assert_memory_equal(got.body.data, cases[i].body, got.body.size);
        free(text);
    }
}

static void anything_else_is_not_plain(void **state)
{
    static const struct {
        const char *label, *text;
    } cases[] = {
        {"nothing", ""},
        {"another method", "PUT /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a method in small letters", "get /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an absolute URI", "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a query", "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an escape", "GET /%78 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a fragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a control character in the path", "GET /x\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a byte above 127 in the path", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"HTTP/1.0", "GET /x HTTP/1.0\r\nHost: a\r\n\r\n"},
        {"no version", "GET /x\r\nHost: a\r\n\r\n"},
        {"two blanks", "GET /x  HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an empty line first", "\r\n" GET "\r\n"},
        {"no Host", "GET /x HTTP/1.1\r\n\r\n"},
        {"an empty Host", "GET /x HTTP/1.1\r\nHost: \r\n\r\n"},
        {"two Hosts", GET "Host: a\r\n\r\n"},
        {"two Accepts", GET "Accept: a\r\naccept: b\r\n\r\n"},
        {"a length", GET "Content-Length: 0\r\n\r\n"},
        {"chunks", GET "transfer-encoding: chunked\r\n\r\n"},
        {"an expectation", GET "Expect: 100-continue\r\n\r\n"},
        {"an upgrade", GET "Upgrade: h2c\r\n\r\n"},
        {"the connection's end", GET "Connection: close\r\n\r\n"},
        {"a hop's header", GET "Connection: keep-alive, Accept\r\n\r\n"},
        {"a blank before the colon", GET "Accept : a\r\n\r\n"},
        {"a folded line", GET "Accept: a\r\n b\r\n\r\n"},
        {"no colon", GET "Accept\r\n\r\n"},
        {"no name", GET ": a\r\n\r\n"},
        {"a control character", GET "Accept: a\x01\r\n\r\n"},
        {"a line feed alone", GET "Accept: a\nContent-Length: 5\r\n\r\n"},
        {"a carriage return alone", GET "Accept: a\rb\r\n\r\n"},
        {"the same request twice", GET "\r\n" GET "\r\n"},
        {"something after it", GET "\r\n\r\n"},
        {"a body without a length", POST "\r\na"},
        {"no length", POST "\r\n"},
        {"an empty length", POST "Content-Length:\r\n\r\n"},
        {"a signed length", POST "Content-Length: +1\r\n\r\na"},
        {"a length in hexadecimal", POST "Content-Length: 0x1\r\n\r\na"},
        {"two lengths in one", POST "Content-Length: 1, 1\r\n\r\na"},
        {"two lengths", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
        {"a length that wraps around", POST "Content-Length: 18446744073709551617\r\n\r\na"},
        {"a length beside chunks", POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na"},
        {"two types", POST "Content-Type: a\r\nContent-Type: b\r\nContent-Length: 0\r\n\r\n"},
        {"less than its length", POST "Content-Length: 2\r\n\r\na"},
        {"more than its length", POST "Content-Length: 1\r\n\r\nab"},
        {"an expectation before a body", POST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\na"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        assert_false(is_plain(cases[i].text, strlen(cases[i].text)));
    }
    static const char nul[] = GET "Accept: a\0b\r\n\r\n";
    assert_false(is_plain(nul, sizeof nul - 1));
    static const char body[] = POST "Content-Length: 3\r\n\r\na\0b"; /* there it is for who reads it */
    assert_true(is_plain(body, sizeof body - 1));
}

static void part_of_a_request_is_not_plain(void **state)
{
    static const char *const wholes[] = {GET "Accept: a\r\n\r\n", POST "Content-Length: 3\r\n\r\nabc"};
    (void)state;
    for (size_t i = 0; i < countof(wholes); i++) {
        assert_true(is_plain(wholes[i], strlen(wholes[i])));
        for (size_t size = 0; size < strlen(wholes[i]); size++)
            assert_false(is_plain(wholes[i], size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_is_told),
        cmocka_unit_test(anything_else_is_not_plain),
        cmocka_unit_test(part_of_a_request_is_not_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
