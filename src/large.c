/* SPDX-License-Identifier: Apache-2.0 */

#include "large.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define SLOTS 16
#define WASTE 4 /* a buffer may be as many times larger than what goes in     */

typedef struct {
    _Atomic size_t room; /* libzmq gives it back in another thread           */
    uint64_t data[];
} buffer_t;

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static buffer_t *s_kept[SLOTS];
static size_t s_kept_bytes = 0;

/*  NULL if none will do.                                                    */
static buffer_t *
s_take (size_t size)
{
    buffer_t *found = NULL;
    pthread_mutex_lock (&s_mutex);
    for (int i = 0; i < SLOTS && !found; i++)
        if (s_kept[i] && s_kept[i]->room >= size &&
            s_kept[i]->room / WASTE <= size) {
            found = s_kept[i];
            s_kept[i] = NULL;
            s_kept_bytes -= found->room;
        }
    pthread_mutex_unlock (&s_mutex);
    return found;
}

/*  Where all slots are taken, what comes back replaces what was kept: sizes
 *  that are not asked for any more do not stay.                             */
static void
s_give_back (void *data, void *hint)
{
    static unsigned s_next = 0;
    buffer_t *buffer = (buffer_t *) hint;
    pthread_mutex_lock (&s_mutex);
    buffer_t **slot = &s_kept[s_next++ % SLOTS];
    for (int i = 0; i < SLOTS && *slot; i++)
        if (!s_kept[i])
            slot = &s_kept[i];
    buffer_t *old = *slot;
    *slot = NULL;
    s_kept_bytes -= old ? old->room : 0;
    if (s_kept_bytes + buffer->room <= DIVIDERE_LARGE_KEPT) {
        s_kept_bytes += buffer->room;
        *slot = buffer;
        buffer = NULL;
    }
    pthread_mutex_unlock (&s_mutex);
    free (old);
    free (buffer);
}

void
dividere_large_make (zmq_msg_t *frame, size_t size)
{
    buffer_t *buffer = s_take (size);
    if (!buffer) {
        buffer = (buffer_t *) malloc (sizeof (*buffer) + size);
        assert (buffer);
        buffer->room = size;
    }
    int rc = zmq_msg_init_data (frame, buffer->data, size, s_give_back, buffer);
    assert (rc == 0);
}

void
dividere_large_publish (zmq_msg_t *frame)
{
    buffer_t *buffer =
        (buffer_t *) ((uint8_t *) zmq_msg_data (frame) - sizeof (buffer_t));
    atomic_fetch_add (&buffer->room, 0);
}

size_t
dividere_large_kept (void)
{
    pthread_mutex_lock (&s_mutex);
    size_t kept = s_kept_bytes;
    pthread_mutex_unlock (&s_mutex);
    return kept;
}
