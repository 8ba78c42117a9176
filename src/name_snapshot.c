/* SPDX-License-Identifier: Apache-2.0 */

/*  The magic with the version, then for each instance its length in four bytes
 *  (little-endian) and a RegisterService, then four bytes of zeros and the
 *  checksum of all before it. A registration without version is one of a peer
 *  that knows no leases; lease_ms 0 with one, that it has none.              */

#include "name_snapshot.h"
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "control.h"
#include "pack.h"
#include "scan.h"
#include "unpack.h"

#define MAGIC      "dividere names 1\n"
#define MAGIC_SIZE (sizeof (MAGIC) - 1)
#define SUM_SIZE   crypto_generichash_BYTES
#define DEPTH_MAX  10
#define MEMORY_MAX 65536 /* of one record that is read                        */
#define ROOM_MIN   65536

struct dividere_snapshot_t {
    crypto_generichash_state sum; /* of the first summed bytes              */
    dividere_names_t *names;
    dividere_name_cursor_t cursor;
    uint8_t *data; /* ours                                                  */
    size_t size;
    size_t room;
    size_t summed;
    bool done;
};

/*  Room for so many bytes more, which the caller writes.                    */
static uint8_t *
s_extend (dividere_snapshot_t *self, size_t size)
{
    while (self->size + size > self->room) {
        self->room = self->room ? 2 * self->room : ROOM_MIN;
        self->data = (uint8_t *) realloc (self->data, self->room);
        assert (self->data);
    }
    self->size += size;
    return self->data + self->size - size;
}

/*  A little at a time, so that the last piece takes no longer than another. */
static void
s_sum (dividere_snapshot_t *self)
{
    crypto_generichash_update (&self->sum, self->data + self->summed,
                               self->size - self->summed);
    self->summed = self->size;
}

dividere_snapshot_t *
dividere_snapshot_new (dividere_names_t *names)
{
    dividere_snapshot_t *self =
        (dividere_snapshot_t *) aligned_alloc (alignof (dividere_snapshot_t),
                                               sizeof (*self));
    assert (self);
    memset (self, 0, sizeof (*self));
    self->names = names;
    crypto_generichash_init (&self->sum, NULL, 0, SUM_SIZE);
    dividere_names_open (names, &self->cursor);
    memcpy (s_extend (self, MAGIC_SIZE), MAGIC, MAGIC_SIZE);
    return self;
}

void
dividere_snapshot_destroy (dividere_snapshot_t **self_p)
{
    dividere_snapshot_t *self = *self_p;
    if (!self)
        return;
    if (!self->done)
        dividere_names_close (self->names, &self->cursor);
    free (self->data);
    free (self);
    *self_p = NULL;
}

static void
s_append_record (dividere_snapshot_t *self, const dividere_named_t *named)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    dividere_named_get (named, tags, &instance, NULL);
    Dividere__Wire__RegisterService record =
        DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    record.servicename = (char *) instance.name;
    record.server = (char *) instance.server;
    record.port = (uint32_t) instance.port;
    record.version = instance.native;
    record.instance = instance.instance;
    record.lease_ms = (uint32_t) instance.lease_ms;
    record.release = (char *) instance.release;
    record.tags = (char **) tags;
    while (tags[record.n_tags])
        record.n_tags++;
    size_t size;
    int rc = dividere_pack_size (&record.base, DEPTH_MAX, &size);
    assert (rc == 0);
    uint32_t length = htole32 ((uint32_t) size);
    uint8_t *at =
        s_extend (self, sizeof (length) + size + DIVIDERE_PACKER_SLACK);
    uint8_t *end = self->data + self->size;
    const uint8_t *packed =
        dividere_pack (dividere_packer_message, &record.base, DEPTH_MAX,
                       at + sizeof (length), end);
    assert (packed == end - size);
    memcpy (at, &length, sizeof (length));
    memmove (at + sizeof (length), packed, size);
    self->size -= DIVIDERE_PACKER_SLACK;
}

static void
s_finish (dividere_snapshot_t *self)
{
    dividere_names_close (self->names, &self->cursor);
    self->done = true;
    memset (s_extend (self, sizeof (uint32_t)), 0, sizeof (uint32_t));
    s_sum (self);
    crypto_generichash_final (&self->sum, s_extend (self, SUM_SIZE), SUM_SIZE);
}

bool
dividere_snapshot_write (dividere_snapshot_t *self, size_t count)
{
    while (!self->done && count > 0) {
        dividere_name_t *name = dividere_names_next (&self->cursor);
        if (!name) {
            s_finish (self);
            break;
        }
        size_t here = dividere_name_count (name);
        const dividere_named_t *named = NULL;
        while ((named = dividere_name_each (name, named)))
            s_append_record (self, named);
        count -= here < count ? here : count;
    }
    if (!self->done)
        s_sum (self);
    return self->done;
}

const void *
dividere_snapshot_data (const dividere_snapshot_t *self, size_t *ret_size)
{
    assert (self->done);
    *ret_size = self->size;
    return self->data;
}

static int
s_bad (void)
{
    errno = EBADMSG;
    return -1;
}

/*  The next record, and in *at_p what is behind it; NULL with *ret_size 0 at
 *  the end, else it is none.                                                */
static const uint8_t *
s_next (const uint8_t **at_p, const uint8_t *end, size_t *ret_size)
{
    uint32_t length;
    const uint8_t *at = *at_p;
    *ret_size = SIZE_MAX;
    if ((size_t) (end - at) < sizeof (length))
        return NULL;
    memcpy (&length, at, sizeof (length));
    length = le32toh (length);
    at += sizeof (length);
    if (length > (size_t) (end - at))
        return NULL;
    *at_p = at + length;
    *ret_size = length;
    return length ? at : NULL;
}

static Dividere__Wire__RegisterService *
s_read (const uint8_t *data, size_t size, dividere_arena_t *arena)
{
    const ProtobufCMessageDescriptor *type =
        &dividere__wire__register_service__descriptor;
    size_t need;
    if (dividere_scan (type, data, size, DEPTH_MAX, MEMORY_MAX, &need) < 0)
        return NULL;
    dividere_arena_reset (arena, need);
    return (Dividere__Wire__RegisterService *) dividere_unpack (type, data,
                                                                size, arena);
}

static bool
s_register (const Dividere__Wire__RegisterService *record,
            dividere_names_t *names, int64_t now_ms)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1] = { NULL };
    if (record->n_tags > DIVIDERE_NAME_TAGS || record->port > 65535)
        return false;
    for (size_t i = 0; i < record->n_tags; i++)
        tags[i] = record->tags[i];
    bool native = record->version > 0;
    dividere_instance_t instance = {
        .name = record->servicename,
        .server = record->server,
        .port = (int) record->port,
        .instance = record->instance,
        .lease_ms = record->lease_ms == 0          ? -1
                    : record->lease_ms > INT32_MAX ? INT32_MAX
                                                   : (int) record->lease_ms,
        .release = record->release,
        .tags = tags,
        .native = native,
    };
    return dividere_names_register (names, &instance, false, NULL, now_ms, NULL,
                                    NULL) == DIVIDERE_NAME_OK;
}

/*  Goes through all records; names NULL: only reads them.                   */
static int
s_load (const uint8_t *at, const uint8_t *end, dividere_names_t *names,
        int64_t now_ms, size_t *count, size_t *refused)
{
    dividere_arena_t *arena = dividere_arena_new ();
    const uint8_t *data;
    size_t size;
    bool good = true;
    while (good && (data = s_next (&at, end, &size))) {
        const Dividere__Wire__RegisterService *record =
            s_read (data, size, arena);
        good = record;
        if (!good || !names)
            continue;
        if (s_register (record, names, now_ms))
            ++*count;
        else
            ++*refused;
    }
    dividere_arena_destroy (&arena);
    return good && size == 0 && at == end ? 0 : s_bad ();
}

int
dividere_snapshot_load (const void *data, size_t size, dividere_names_t *names,
                        int64_t now_ms, size_t *ret_count, size_t *ret_refused)
{
    uint8_t sum[SUM_SIZE];
    const uint8_t *at = (const uint8_t *) data;
    size_t count = 0, refused = 0;
    if (size < MAGIC_SIZE + SUM_SIZE || memcmp (at, MAGIC, MAGIC_SIZE) != 0)
        return s_bad ();
    const uint8_t *end = at + size - SUM_SIZE;
    crypto_generichash (sum, sizeof (sum), at, size - SUM_SIZE, NULL, 0);
    at += MAGIC_SIZE;
    if (memcmp (end, sum, sizeof (sum)) != 0 ||
        s_load (at, end, NULL, now_ms, &count, &refused) < 0)
        return s_bad ();
    s_load (at, end, names, now_ms, &count, &refused);
    *ret_count = count;
    *ret_refused = refused;
    return 0;
}
