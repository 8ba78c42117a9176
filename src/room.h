/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ROOM_H
#define DIVIDERE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <dividere/library.h>

/*  Whether a process has room for what it is set to hold; by numbers, which
 *  dividere_room_get reads.                                                 */

/*  Beside what is open when somebody asks: a listener more, a file that is
 *  written, somebody who looks on.                                          */
#define DIVIDERE_ROOM_RESERVE 16

/*  Of a peer, at libzmq and here. That is what is allocated, and in use after
 *  many have come and gone; of one that has just come, less than half.      */
#define DIVIDERE_ROOM_PEER 67584

#define DIVIDERE_ROOM_TEXT 600

/*  What an actor may come to hold by its settings.                          */
typedef struct {
    const char *who;          /* the name of the actor                       */
    const char *peers_name;   /* of the setting; NULL: peers have no limit   */
    uint64_t peers;           /* its value                                   */
    const char *bytes_name;   /* of the setting of queues, or NULL           */
    uint64_t bytes;           /* its value                                   */
    const char *replies_name; /* and of another, or NULL                     */
    uint64_t replies;
} dividere_demand_t;

/*  About how many more peers there is room for: by descriptors, by memory.  */
uint64_t dividere_room_by_descriptors (const dividere_room_t *self);
uint64_t dividere_room_by_memory (const dividere_room_t *self);

/*  True if the demand has room. Writes a line of at most DIVIDERE_ROOM_TEXT
 *  bytes: for how much there is room, or what is in the way, what it allows,
 *  what would be needed and how to raise it.                                */
bool dividere_room_judge (const dividere_room_t *self,
                          const dividere_demand_t *demand, char *ret_text);

#endif
