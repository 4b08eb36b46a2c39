/* SPDX-License-Identifier: Apache-2.0 */
#include "io/key_file.h"

#include "core/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

alto_buffer alto_key_buffer(void)
{
    alto_buffer made = alto_buffer_make(ALTO_PEM_ROOM);
    alto_buffer_grow(&made, ALTO_PEM_ROOM);
    alto_buffer_empty(&made);
    return made;
}

void alto_key_buffer_fini(alto_buffer *buffer)
{
    if (buffer->data)
        alto_wipe(buffer->data, buffer->capacity);
    alto_buffer_fini(buffer);
}

alto_key_path alto_key_path_of(const char *directory, const char *name)
{
    alto_key_path made;
    if (directory)
        snprintf(made.text, sizeof made.text, "%s/%s", directory, name);
    else
        snprintf(made.text, sizeof made.text, "%s", name);
    return made;
}

alto_status alto_key_refuse_io(alto_error *error, const char *where, const char *what)
{
    alto_status status = errno == ENOENT ? ALTO_NOT_FOUND : ALTO_IO;
    return alto_fail(error, status, where, "%s: %s", what, strerror(errno));
}

/* Write everything to an open file, make it durable, and close it. */
static bool write_and_close(int file, alto_slice content)
{
    size_t done = 0;
    bool good = true;
    while (good && done < content.size) {
        ssize_t written = write(file, content.data + done, content.size - done);
        if (written > 0)
            done += (size_t)written;
        else
            good = written < 0 && errno == EINTR;
    }
    good = good && fsync(file) == 0;
    int reason = errno;
    if (close(file) != 0)
        return false;
    errno = reason;
    return good;
}

alto_status alto_key_file_new(const char *to, mode_t mode, alto_slice content, alto_error *error)
{
    int file = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0 && errno == EEXIST)
        return alto_fail(error, ALTO_DUPLICATE, to, "exists already, and keys are never overwritten");
    if (file < 0)
        return alto_key_refuse_io(error, to, "cannot be made");
    if (write_and_close(file, content))
        return ALTO_OK;
    alto_status status = alto_key_refuse_io(error, to, "cannot be written");
    unlink(to);
    return status;
}

alto_status alto_key_file_replace(const char *to, alto_slice content, alto_error *error)
{
    alto_key_path draft;
    int length = snprintf(draft.text, sizeof draft.text, "%s.XXXXXX", to);
    if (length < 0 || (size_t)length >= sizeof draft.text)
        return alto_fail(error, ALTO_IO, to, "is too long a path");
    int file = mkstemp(draft.text);
    if (file < 0)
        return alto_key_refuse_io(error, to, "cannot be replaced");
    bool good = fchmod(file, ALTO_KEY_PUBLIC) == 0;
    good = write_and_close(file, content) && good && rename(draft.text, to) == 0;
    if (good)
        return ALTO_OK;
    alto_status status = alto_key_refuse_io(error, to, "cannot be replaced");
    unlink(draft.text);
    return status;
}
