/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HEARTBEAT_H
#define DIVIDERE_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "extension.h"

/*  The signs of life between broker and worker, as single frames: in the bytes
 *  dialect one byte, in the typed one an envelope of Heartbeat
 *  (proto/dividere/control.proto). Written and read here by hand, since the
 *  registry of types belongs to the application, which may have a Heartbeat of
 *  its own.                                                                 */

/*  The bytes dialect.                                                       */
#define DIVIDERE_HEARTBEAT_REGISTER 0x01
#define DIVIDERE_HEARTBEAT_ALIVE    0x02

#define DIVIDERE_HEARTBEAT_VERSION 1
#define DIVIDERE_HEARTBEAT_HOLDING 10000 /* requests that one can name        */

typedef struct {
    const char *id; /* not terminated; within the frame that was read        */
    size_t id_size;
    uint32_t version; /* 0: a peer that knows none of what follows            */
    uint32_t parallel;
    uint32_t credit;
    const char *service; /* likewise                                         */
    size_t service_size;
    bool draining;
    bool fresh;
    uint32_t interval_ms;
    uint64_t number;
    const uint8_t *holding; /* packed; see dividere_heartbeat_held           */
    size_t holding_count;   /* requests                                      */
} dividere_heartbeat_t;

/*  Reads a frame. 0, or -1 with EPROTO: it is no envelope of a Heartbeat, its
 *  texts are not UTF-8 or too long, or the requests that it names are too many
 *  or not one packed list of pairs.                                         */
int dividere_heartbeat_parse (const void *data, size_t size,
                              dividere_heartbeat_t *ret_heartbeat);

/*  The request number index that a heartbeat names.                         */
dividere_correlation_t dividere_heartbeat_held (
    const dividere_heartbeat_t *self, size_t index);

/*  Makes a frame, which this initializes. Instead of holding it takes an array
 *  of holding_count correlations (NULL: none). Where version is 0 it has the id
 *  alone.                                                                    */
void dividere_heartbeat_encode (const dividere_heartbeat_t *self,
                                const dividere_correlation_t *holding,
                                zmq_msg_t *ret_frame);

#endif
