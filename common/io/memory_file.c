/* SPDX-License-Identifier: Apache-2.0 */
#include "io/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE /* Linux 6.1; elsewhere it is refused, and nothing is lost */
#define MADV_COLLAPSE 25
#endif

enum { HUGE_PAGE = 2097152 };

/* The file mapped so that huge pages are possible: *reserved bytes at *reservation hold the mapping. NULL: failed. */
static uint8_t *map_aligned(int fd, size_t size, void **reservation, size_t *reserved)
{
    *reserved = size + HUGE_PAGE;
    *reservation = mmap(NULL, *reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*reservation == MAP_FAILED)
        return NULL;
    uintptr_t aligned = ((uintptr_t)*reservation + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *mapped = mmap((void *)aligned, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (mapped != MAP_FAILED)
        return mapped;
    munmap(*reservation, *reserved);
    return NULL;
}

/* Sending is done page by page: with huge pages it costs a good deal less. */
static bool make_pages_huge(uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += HUGE_PAGE)
        bytes[at] = 0;
    return madvise(bytes, length, MADV_COLLAPSE) == 0;
}

static bool fill(int fd, size_t size, size_t count, alto_slice (*piece)(void *owner, size_t index), void *owner)
{
    void *reservation;
    size_t reserved, done = 0, length = (size_t)alto_memory_file_room(size);
    uint8_t *bytes = map_aligned(fd, length, &reservation, &reserved);
    if (!bytes)
        return false;
    /* Memory that is not there would be a signal later: ask for all of it. Without huge pages no more than needed. */
    bool good = make_pages_huge(bytes, length) || ftruncate(fd, (off_t)size) == 0;
    good = good && fallocate(fd, 0, 0, (off_t)size) == 0;
    for (size_t i = 0; good && i < count; i++) {
        alto_slice from = piece(owner, i);
        memcpy(bytes + done, from.data, from.size);
        done += from.size;
    }
    munmap(reservation, reserved);
    return good;
}

uint64_t alto_memory_file_room(uint64_t size)
{
    return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

int alto_memory_file(uint64_t size, size_t count, alto_slice (*piece)(void *owner, size_t index), void *owner)
{
    if (size == 0 || size > SIZE_MAX / 4)
        return -1;
    int fd = memfd_create("altocast", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)alto_memory_file_room(size)) == 0 && fill(fd, (size_t)size, count, piece, owner))
        return fd;
    close(fd);
    return -1;
}
