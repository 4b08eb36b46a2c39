/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "sweep.h"

#include <stdlib.h>

/* What happens to the allocations of this thread. */
typedef enum { NONE_FAILS, ONE_FAILS, ALL_FAIL_FROM } mode;

static _Thread_local struct {
    bool active;
    mode mode;
    size_t count; /* allocations so far */
    size_t chosen;
    size_t failed;
} plan;

static bool fails(void)
{
    if (!plan.active)
        return false;
    size_t index = plan.count++;
    bool chosen = plan.mode == ONE_FAILS ? index == plan.chosen : plan.mode == ALL_FAIL_FROM && index >= plan.chosen;
    plan.failed += chosen;
    return chosen;
}

bool test_sweep_pause(void)
{
    bool was_active = plan.active;
    plan.active = false;
    return was_active;
}

void test_sweep_resume(bool was_active)
{
    plan.active = was_active;
}

/* ---- in place of the real ones (ld --wrap). The objects of outside libraries are opaque here, so that headers of theirs are
 * not needed; what is returned is what they return when they have no memory. ---- */

enum { ZLIB_MEMORY_ERROR = -4 };

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
void *__real_ZSTD_createCCtx(void);
void *__wrap_ZSTD_createCCtx(void);
void *__real_ZSTD_createDCtx(void);
void *__wrap_ZSTD_createDCtx(void);
bool __real_msgpack_zone_init(void *zone, size_t size);
bool __wrap_msgpack_zone_init(void *zone, size_t size);
int __real_deflateInit2_(void *stream, int level, int method, int window, int memory, int strategy, const char *version,
                         int size);
int __wrap_deflateInit2_(void *stream, int level, int method, int window, int memory, int strategy, const char *version,
                         int size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_sodium_malloc(size_t size)
{
    return fails() ? NULL : __real_sodium_malloc(size);
}

void *__wrap_ZSTD_createCCtx(void)
{
    return fails() ? NULL : __real_ZSTD_createCCtx();
}

void *__wrap_ZSTD_createDCtx(void)
{
    return fails() ? NULL : __real_ZSTD_createDCtx();
}

bool __wrap_msgpack_zone_init(void *zone, size_t size)
{
    return !fails() && __real_msgpack_zone_init(zone, size);
}

int __wrap_deflateInit2_(void *stream, int level, int method, int window, int memory, int strategy, const char *version,
                         int size)
{
    return fails() ? ZLIB_MEMORY_ERROR
                   : __real_deflateInit2_(stream, level, method, window, memory, strategy, version, size);
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- the sweep ---- */

static alto_status attempt(const test_sweep *sweep, void *context, mode how, size_t chosen)
{
    plan.mode = how;
    plan.chosen = chosen;
    plan.count = plan.failed = 0;
    plan.active = true;
    alto_status status = sweep->attempt(context);
    plan.active = false;
    if (status != ALTO_OK && status != ALTO_NO_MEMORY)
        print_error("allocation %zu %s: %s\n", chosen, how == ONE_FAILS ? "fails" : "and all after it fail",
                    alto_status_name(status));
    assert_true(status == ALTO_OK || status == ALTO_NO_MEMORY);
    assert_true(status == ALTO_OK || plan.failed > 0);
    sweep->settle(context, status);
    return status;
}

void test_sweep_run(const test_sweep *sweep, void *context)
{
    size_t refused = 0;
    assert_int_equal(attempt(sweep, context, NONE_FAILS, 0), ALTO_OK);
    size_t total = plan.count;
    print_message("  %s: %zu allocations, each %zu. fails\n", sweep->label, total, sweep->step);
    assert_true(total > 0);
    for (size_t i = 0; i < total; i += sweep->step) {
        refused += attempt(sweep, context, ONE_FAILS, i) == ALTO_NO_MEMORY;
        refused += attempt(sweep, context, ALL_FAIL_FROM, i) == ALTO_NO_MEMORY;
    }
    assert_true(refused > 0);
}
