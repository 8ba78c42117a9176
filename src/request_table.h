/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REQUEST_TABLE_H
#define DIVIDERE_REQUEST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "deadlines.h"
#include "extension.h"
#include "hash.h"
#include "table.h"

/*  The requests that a broker has: each is in one list, of those that wait for
 *  a worker of a service, or of those that a worker has; is found by its
 *  correlation id; and has at most one deadline. Without sockets, and without a
 *  clock: now_ms is passed in. O(1) for each call, O(log n) for deadlines.  */

typedef struct dividere_request_t dividere_request_t;

/*  In order; a part of the service or worker that it belongs to.            */
typedef struct {
    dividere_request_t *first;
    dividere_request_t *last;
    size_t count;
    void *owner;  /* of the list                                             */
    bool waiting; /* its requests wait                                       */
} dividere_request_list_t;

/*  One request: its routing frames, packed, and its payload.                */
struct dividere_request_t {
    dividere_entry_t entry;       /* in the table                            */
    dividere_deadline_t deadline; /* the nearer of the two                   */
    dividere_request_list_t *list;
    dividere_request_t *previous; /* in the list                             */
    dividere_request_t *next;
    dividere_correlation_t id;  /* the client's, or given by the broker       */
    int64_t client_deadline_ms; /* -1: none                                  */
    int64_t since_us;           /* its arrival                               */
    zmq_msg_t payload;
    uint32_t beat;      /* the last heartbeat its worker was sent before it */
    uint32_t bytes;     /* what it costs to keep, without what is malloc's  */
    uint16_t extension; /* where in the route, in bytes; 0: it has none     */
    uint8_t frames;     /* of the route                                     */
    uint8_t requeues;   /* so far                                           */
    uint8_t requeues_max;
    bool strict : 1;
    bool traced : 1; /* its extension frame has a trace                      */
    bool abandoned : 1; /* nobody waits for the reply any more              */
    bool seen : 1;      /* its worker has said that it holds it             */
    uint16_t route_size;
    uint8_t route[]; /* of each frame two bytes of length, and its bytes     */
};

#define DIVIDERE_REQUEST_FRAMES 16   /* of a route                            */
#define DIVIDERE_REQUEST_ROUTE  4096 /* bytes of it                           */

typedef struct {
    size_t pending_max; /* that may wait                                    */
    size_t bytes_max;   /* of all                                           */
    int64_t age_max_ms;
} dividere_request_limits_t;

typedef struct {
    dividere_table_t table;
    dividere_hash_t hash;
    dividere_deadlines_t deadlines;
    dividere_request_limits_t limits;
    size_t pending;
    size_t bytes; /* of all in lists                                         */
    size_t in_flight; /* abandoned ones, too                                 */
} dividere_requests_t;

void dividere_requests_init (dividere_requests_t *self);

/*  Every request must have been removed.                                    */
void dividere_requests_term (dividere_requests_t *self);

/*  For what waits from here on.                                             */
void dividere_requests_limit (dividere_requests_t *self,
                              const dividere_request_limits_t *limits);

/*  Makes a request of frames: all but the last are its route, of which frame
 *  extension is the extension frame (-1: none); the last is the payload, and is
 *  taken. In no list yet. NULL with EPROTO: the route is too long.          */
dividere_request_t *dividere_requests_add (dividere_requests_t *self,
                                           const dividere_correlation_t *id,
                                           zmq_msg_t *frames, size_t count,
                                           int extension);

/*  By its id; NULL: there is none.                                          */
dividere_request_t *dividere_requests_find (const dividere_requests_t *self,
                                            const dividere_correlation_t *id);

/*  True if there is room for one more of so many bytes; and if it may wait: for
 *  what nobody serves there is half of the room.                            */
bool dividere_requests_room (const dividere_requests_t *self, size_t bytes);
bool dividere_requests_may_wait (const dividere_requests_t *self, bool served);

/*  Puts a request into a list, at its end or in front, out of the one that it
 *  was in. Where it waits it has until the nearer of its client's deadline and
 *  age_max_ms, elsewhere until its client's.                                */
void dividere_requests_move (dividere_requests_t *self,
                             dividere_request_t *request,
                             dividere_request_list_t *list, bool front,
                             int64_t now_ms);

/*  Its client said another deadline. What waits stays as old as it is.      */
void dividere_requests_extend (dividere_requests_t *self,
                               dividere_request_t *request,
                               int64_t client_deadline_ms, int64_t now_ms);

/*  Nobody waits for it any more: it has no deadline, and stays where it is.  */
void dividere_requests_abandon (dividere_requests_t *self,
                                dividere_request_t *request);

void dividere_requests_remove (dividere_requests_t *self,
                               dividere_request_t **request_p);

/*  One whose deadline is due; it has none then. NULL: there is none.        */
dividere_request_t *dividere_requests_due (dividere_requests_t *self,
                                           int64_t now_ms);

/*  Its extension frame, to be read or changed in place; NULL: it has none.   */
void *dividere_request_extension (dividere_request_t *self, size_t *ret_size);

/*  Writes its route into frames, which this initializes, at most
 *  DIVIDERE_REQUEST_FRAMES. Returns how many.                               */
size_t dividere_request_frames (const dividere_request_t *self,
                                zmq_msg_t *frames);

/*  Its client asks again, by another way: a request with the frames of now
 *  takes its place. It stays as it is if the route is too long.             */
void dividere_requests_reroute (dividere_requests_t *self,
                                dividere_request_t *request, zmq_msg_t *frames,
                                size_t count, int extension);

/*  True if these frames are its route, whatever is in its extension frame.  */
bool dividere_request_same_way (const dividere_request_t *self,
                                zmq_msg_t *frames, size_t count);

/*  True if they are just its route.                                         */
bool dividere_request_routed (const dividere_request_t *self, zmq_msg_t *frames,
                              size_t count);

#endif
