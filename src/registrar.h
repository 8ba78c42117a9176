/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REGISTRAR_H
#define DIVIDERE_REGISTRAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "name_table.h"
#include "rights.h"
#include "watchers.h"

/*  What a name server does with each message of a client, and of a watcher.
 *  Without sockets, and without a clock: messages come in as frames and go out
 *  through functions, and now_ms is passed in.
 *
 *  A request is [route ..., "", payload], as REQ and dividere_client_t send
 *  it: the answer has the same frames and another payload. Where the extension
 *  frame of a dividere_client_t is among them it is answered with the flag
 *  BROKER (any number of requests may be under way). What cannot be read is
 *  counted, and not answered, but a client that sent the extension frame is
 *  told REFUSED.                                                            */

typedef struct dividere_registrar_t dividere_registrar_t;

#define DIVIDERE_REGISTRAR_FRAMES 20 /* the routing id included              */

/*  In RegisterService.lease_ms: no lease.                                   */
#define DIVIDERE_REGISTRAR_NO_LEASE UINT32_MAX

typedef struct {
    /*  Both take the frames, of which the first is the routing id. They must
     *  not call back.                                                       */
    void (*to_client) (void *arg, zmq_msg_t *frames, size_t count);
    void (*to_watcher) (void *arg, zmq_msg_t *frames, size_t count);

    /*  Where a request came from, as libzmq knows it, or "": asked only of
     *  registrations, since that takes longer than looking up a name.       */
    const char *(*host) (void *arg, zmq_msg_t *payload);

    /*  An instance is gone, by time. NULL: nobody wants to know.            */
    void (*expired) (void *arg, const dividere_instance_t *instance);

    /*  May the peer that a payload came from register, look up, watch a name
     *  ("": all)? Asked only of a registrar with a guard.                   */
    bool (*allowed) (void *arg, zmq_msg_t *payload, dividere_right_t right,
                     const char *name);
} dividere_registrar_class_t;

typedef struct {
    dividere_names_limits_t names;
    dividere_watchers_limits_t watchers;
} dividere_registrar_limits_t;

/*  What dividere/nameserver.h says.                                         */
typedef struct {
    uint64_t registered; /* those that came, also in the place of another   */
    uint64_t renewed;
    uint64_t unregistered; /* those that left, also by command              */
    uint64_t expired;
    uint64_t replaced;
    uint64_t conflicts;
    uint64_t refused;
    uint64_t lookups;
    uint64_t unknown;
    uint64_t listed;
    uint64_t malformed;
    uint64_t pushed;
} dividere_registrar_counts_t;

dividere_registrar_t *dividere_registrar_new (
    const dividere_registrar_class_t *class, void *arg);
void dividere_registrar_destroy (dividere_registrar_t **self_p);

void dividere_registrar_limit (dividere_registrar_t *self,
                               const dividere_registrar_limits_t *limits);

/*  From here on peers need rights, and what one of them has registered no other
 *  replaces or removes: host is to tell who it is.                          */
void dividere_registrar_guard (dividere_registrar_t *self);

/*  Where changes can be watched, as lookups tell; "" nowhere.               */
void dividere_registrar_tell_watch (dividere_registrar_t *self,
                                    const char *endpoint);

/*  A message came; the frames are taken.                                    */
void dividere_registrar_request (dividere_registrar_t *self, zmq_msg_t *frames,
                                 size_t count, int64_t now_ms);

/*  These payloads of requests will be given to it next: what it takes to answer
 *  them is fetched from memory for all at once.                             */
void dividere_registrar_foresee (dividere_registrar_t *self,
                                 zmq_msg_t *const *payloads, size_t count);

void dividere_registrar_watch (dividere_registrar_t *self, zmq_msg_t *frames,
                               size_t count, int64_t now_ms);

/*  A message with too many frames was dropped.                              */
void dividere_registrar_refuse (dividere_registrar_t *self);

/*  Does what is due. Returns when something is due next; -1: nothing is. With
 *  the time of the last call it only tells.                                 */
int64_t dividere_registrar_tick (dividere_registrar_t *self, int64_t now_ms);

dividere_names_t *dividere_registrar_names (dividere_registrar_t *self);
const dividere_watchers_t *dividere_registrar_watchers (
    const dividere_registrar_t *self);
const dividere_registrar_counts_t *dividere_registrar_counts (
    const dividere_registrar_t *self);

#endif
