/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "core/crypto.h"

#include <stdio.h>
#include <stdlib.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): names of libFuzzer and the sanitizers */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *memory, size_t size),
                                              void (*freed)(const volatile void *memory)) __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *memory) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Copies that live until the target returns, the newest first. */
typedef struct copy {
    struct copy *before;
    void *bytes; /* owned */
} copy;
static copy *copies;

_Noreturn void fuzz_broken(const char *file, int line, const char *promise)
{
    fprintf(stderr, "%s:%d: this is not so: %s\n", file, line, promise);
    abort();
}

static void *must(void *memory)
{
    fuzz_check(memory);
    return memory;
}

static uint8_t *keep(alto_slice bytes, size_t size)
{
    copy *added = must(malloc(sizeof *added));
    *added = (copy){copies, must(malloc(size ? size : 1))};
    if (bytes.size > 0)
        memcpy(added->bytes, bytes.data, bytes.size);
    copies = added;
    return added->bytes;
}

static void forget_copies(void)
{
    while (copies) {
        copy *before = copies->before;
        free(copies->bytes);
        free(copies);
        copies = before;
    }
}

unsigned fuzz_below(alto_reader *in, unsigned bound)
{
    unsigned value = alto_reader_u8(in);
    if (bound > 256)
        value = value << 8 | alto_reader_u8(in);
    return value % bound;
}

static alto_slice part(alto_reader *in, size_t size)
{
    alto_slice bytes = alto_reader_slice(in, size);
    return alto_slice_of(keep(bytes, bytes.size), bytes.size);
}

alto_slice fuzz_part(alto_reader *in)
{
    size_t size = (size_t)alto_reader_u8(in) << 8;
    size |= alto_reader_u8(in);
    return part(in, size < alto_reader_left(in) ? size : alto_reader_left(in));
}

alto_slice fuzz_rest(alto_reader *in)
{
    return part(in, alto_reader_left(in));
}

const char *fuzz_text(alto_slice bytes)
{
    const uint8_t *end = bytes.size > 0 ? memchr(bytes.data, 0, bytes.size) : NULL;
    size_t size = end ? (size_t)(end - bytes.data) : bytes.size;
    uint8_t *text = keep(alto_slice_of(bytes.data, size), size + 1);
    text[size] = 0;
    return (const char *)text;
}

/* ---- memory ---- */

static size_t held, most, held_at_begin;

static void on_allocated(const volatile void *memory, size_t size)
{
    (void)memory;
    held += size;
    most = held > most ? held : most;
}

static void on_freed(const volatile void *memory)
{
    size_t size = memory ? __sanitizer_get_allocated_size(memory) : 0;
    held -= size < held ? size : held; /* it may be older than the hook */
}

void fuzz_memory_begin(void)
{
    most = held_at_begin = held;
}

size_t fuzz_memory_most(void)
{
    return most - held_at_begin;
}

static void prepare(void)
{
    static bool prepared;
    if (prepared)
        return;
    prepared = true;
    fuzz_check(alto_crypto_init() == ALTO_OK);
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(on_allocated, on_freed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    fuzz_one(alto_slice_of(data, size));
    forget_copies();
    return 0;
}
