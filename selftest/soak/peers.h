/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SOAK_PEERS_H
#define DIVIDERE_SOAK_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  One ROUTER as many peers: it is connected so many times, each time under
 *  another name and from another address of this host, by which libzmq can be
 *  told to break that one connection.                                        */

#define PEERS_NAME 40

typedef struct {
    void *socket;     /* ours                                                */
    const char *port; /* where the broker is                                 */
    char kind;        /* the first letter of names                           */
    unsigned rank;    /* of this process                                     */
    size_t count;
    size_t connected; /* of these, in turn                                   */
    int64_t start_ms; /* of the first                                        */
    uint32_t *lives;  /* how often each has begun anew                        */
    uint64_t random;
    uint64_t killed;
    double owed; /* to be killed                                             */
} peers_t;

void peers_init (peers_t *self, char kind, const char *port, unsigned rank,
                 size_t count, uint64_t seed);
void peers_term (peers_t *self);

/*  The next one whose first connection is due, which is made. They come over
 *  some seconds, as a crowd does; all at once would give signs of life all at
 *  once for ever. False: none is.                                            */
bool peers_come (peers_t *self, size_t *ret_index);

/*  Breaks one's connection in the midst of whatever it does; a new one comes
 *  in its place.                                                            */
void peers_replace (peers_t *self, size_t index);

/*  How many are to be replaced after so many seconds more.                  */
size_t peers_due (peers_t *self, uint64_t permille, double seconds);

/*  What is sent next is from this one.                                      */
void peers_send_name (peers_t *self, size_t index);

/*  The one that a message is to; its frames follow. False: there is none.   */
bool peers_recv_name (peers_t *self, size_t *ret_index);

size_t peers_name (const peers_t *self, size_t index, char *name);
size_t peers_any (peers_t *self);

#endif
