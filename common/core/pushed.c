/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pushed.h"

#include "core/wire.h"

enum { STATEMENT_FRAMES = 3, PAYLOAD_FRAMES = 4 };

static bool read_statement(const alto_slice *frames, size_t count, alto_pushed *out)
{
    if (count != STATEMENT_FRAMES || frames[2].size != sizeof out->signature.bytes)
        return false;
    out->object = frames[1];
    memcpy(out->signature.bytes, frames[2].data, sizeof out->signature.bytes);
    return true;
}

static bool read_payload(const alto_slice *frames, size_t count, alto_pushed *out)
{
    if (count != PAYLOAD_FRAMES || frames[1].size != sizeof out->commit_hash.bytes || frames[2].size != 1)
        return false;
    memcpy(out->commit_hash.bytes, frames[1].data, sizeof out->commit_hash.bytes);
    out->index = frames[2].data[0];
    out->object = frames[3];
    return true;
}

alto_status alto_pushed_read(const alto_slice *frames, size_t count, alto_pushed *out)
{
    if (count == 0 || frames[0].size != ALTO_TOPIC_SIZE)
        return ALTO_MALFORMED;
    *out = (alto_pushed){.is_statement = frames[0].data[0] == 'h'};
    bool good = out->is_statement ? read_statement(frames, count, out) : read_payload(frames, count, out);
    return good ? ALTO_OK : ALTO_MALFORMED;
}
