/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LARGE_H
#define DIVIDERE_LARGE_H

#include <assert.h>
#include <stddef.h>
#include <zmq.h>

/*  Frames of any size. The memory of large ones is kept when libzmq is done
 *  with it, up to a few MiB in a process, and used for the next: the system
 *  would take it back each time, and clear each page when it is touched.    */

#define DIVIDERE_LARGE      (64u << 10) /* bytes; smaller frames are libzmq's */
#define DIVIDERE_LARGE_KEPT (16u << 20) /* bytes that wait for their next use */

/*  Only for the two that follow.                                            */
void dividere_large_make (zmq_msg_t *frame, size_t size);
void dividere_large_publish (zmq_msg_t *frame);

/*  As zmq_msg_init_size; never fails. In any thread.                        */
static inline void
dividere_large_init (zmq_msg_t *frame, size_t size)
{
    if (size >= DIVIDERE_LARGE) {
        dividere_large_make (frame, size);
        return;
    }
    int rc = zmq_msg_init_size (frame, size);
    assert (rc == 0);
}

/*  When it has been written, and before anybody else has it: what was written
 *  is then seen by the thread that it comes back in.                        */
static inline void
dividere_large_written (zmq_msg_t *frame)
{
    if (zmq_msg_size (frame) >= DIVIDERE_LARGE)
        dividere_large_publish (frame);
}

/*  Bytes that are kept now, for those who count.                            */
size_t dividere_large_kept (void);

#endif
