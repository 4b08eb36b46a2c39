/* SPDX-License-Identifier: Apache-2.0 */
#include "io/memory_file.h"

#include "cmocka_all.h"
#include "io/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A body in pieces of unequal sizes, every byte told by its place. */
typedef struct {
    uint8_t *bytes;
    size_t size, pieces;
    int released, file;
} body;

static body make_body(size_t size, size_t pieces)
{
    body made = {.bytes = malloc(size + 1), .size = size, .pieces = pieces};
    assert_non_null(made.bytes);
    for (size_t i = 0; i < size; i++)
        made.bytes[i] = (uint8_t)(i * 31 + i / 251);
    return made;
}

static size_t begin_of(const body *self, size_t index)
{
    return index * self->size / self->pieces;
}

static alto_slice piece(void *owner, size_t index)
{
    const body *self = owner;
    return alto_slice_of(self->bytes + begin_of(self, index), begin_of(self, index + 1) - begin_of(self, index));
}

static void release(void *owner)
{
    ((body *)owner)->released++;
}

static size_t descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void the_file_has_the_bytes_of_the_pieces(void **state)
{
    (void)state;
    static const struct {
        size_t size, pieces;
    } cases[] = {{1, 1}, {4096, 3}, {200001, 7}, {2097152, 2}, {2097153, 5}, {5000000, 1000}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %zu bytes\n", cases[i].size);
        body source = make_body(cases[i].size, cases[i].pieces);
        uint8_t *read_back = malloc(source.size);
        int fd = alto_memory_file(source.size, source.pieces, piece, &source);
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, read_back, source.size, 0), source.size);
        assert_memory_equal(read_back, source.bytes, source.size);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
        free(read_back);
        free(source.bytes);
    }
}

static void the_file_takes_no_more_than_its_room(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 200001, 2097152, 2097153};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct stat about;
        body source = make_body(sizes[i], 1);
        int fd = alto_memory_file(source.size, 1, piece, &source);
        assert_int_equal(fstat(fd, &about), 0);
        assert_true((uint64_t)about.st_blocks * 512 <= alto_memory_file_room(sizes[i]));
        assert_true(alto_memory_file_room(sizes[i]) < sizes[i] + 2097152);
        close(fd);
        free(source.bytes);
    }
}

static void nothing_makes_no_file(void **state)
{
    (void)state;
    body source = make_body(1, 1);
    assert_int_equal(alto_memory_file(0, 0, piece, &source), -1);
    assert_int_equal(alto_memory_file(UINT64_MAX, 1, piece, &source), -1);
    free(source.bytes);
}

/* ---- as the body of an answer ---- */

static void answer_with_file(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    body *source = context;
    (void)request;
    answer->status = 200;
    answer->size = source->size;
    answer->piece_count = source->pieces;
    answer->piece = piece;
    answer->release = release;
    answer->owner = source;
    answer->file = source->file;
    answer->has_file = true;
}

/* Everything that comes until the server closes. */
static alto_buffer ask(const char *address, const char *method)
{
    char request[128], bytes[65536];
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_port = htons((in_port_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    alto_buffer got = alto_buffer_make(SIZE_MAX / 4);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    int size = snprintf(request, sizeof request, "%s /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method);
    assert_int_equal(write(fd, request, (size_t)size), size);
    ssize_t part;
    while ((part = read(fd, bytes, sizeof bytes)) > 0)
        alto_buffer_add(&got, bytes, (size_t)part);
    close(fd);
    return got;
}

static void a_server_sends_the_file_and_gives_it_back(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "HEAD", "GET"};
    size_t before = descriptors();
    body source = make_body(3000000, 100);
    source.file = alto_memory_file(source.size, source.pieces, piece, &source);
    assert_true(source.file >= 0);
    alto_http_server *server = NULL;
    alto_error error;
    const alto_http_options options = {.address = "127.0.0.1:0", .threads = 1};
    assert_int_equal(alto_http_server_new(&options, answer_with_file, &source, &server, &error), ALTO_OK);
    for (size_t i = 0; i < countof(methods); i++) {
        bool head = methods[i][0] == 'H';
        alto_buffer got = ask(alto_http_server_address(server), methods[i]);
        const uint8_t *body_at = memmem(got.data, got.size, "\r\n\r\n", 4);
        assert_non_null(body_at);
        assert_non_null(memmem(got.data, got.size, "Content-Length: 3000000\r\n", 25));
        body_at += 4;
        assert_int_equal(got.data + got.size - body_at, head ? 0 : source.size);
        if (!head)
            assert_memory_equal(body_at, source.bytes, source.size);
        alto_buffer_fini(&got);
    }
    alto_http_server_destroy(&server, 1000);
    assert_int_equal(source.released, countof(methods));
    assert_int_equal(close(source.file), 0);
    assert_int_equal(descriptors(), before);
    free(source.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_has_the_bytes_of_the_pieces),
        cmocka_unit_test(the_file_takes_no_more_than_its_room),
        cmocka_unit_test(nothing_makes_no_file),
        cmocka_unit_test(a_server_sends_the_file_and_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
