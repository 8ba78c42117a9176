/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BROKER_INTERNAL_H
#define DIVIDERE_BROKER_INTERNAL_H

#include "alarm.h"
#include "actor_internal.h"
#include "dispatcher.h"
#include "drive.h"
#include "outlet.h"
#include "vacancy.h"

/*  What the files of the broker share: broker.c has its loop and its sockets,
 *  broker_commands.c its commands.                                          */

typedef enum { DIVIDERE_BROKER_FRONTEND, DIVIDERE_BROKER_BACKEND } side_name_t;

typedef struct {
    void *handle; /* a ROUTER, ours; NULL until something is attached       */
    dividere_polled_t polled;
} dividere_broker_side_t;

/*  What SET sets.                                                           */
typedef struct {
    int64_t hwm;
    int64_t linger_ms;
    int64_t heartbeat_ms;
    int64_t requeues;
    int64_t pending_max;
    int64_t bytes_max;
    int64_t pending_age_ms;
    int64_t workers_max;
    int64_t reply_bytes;
    int64_t reply_age_ms;
    int64_t reply_total;
} dividere_broker_settings_t;

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    dividere_broker_settings_t settings;
    dividere_dispatcher_t *dispatcher; /* ours                              */
    dividere_drive_t *drive; /* over both sides; NULL while they are none   */
    dividere_broker_side_t sides[2];
    dividere_outlet_t outlet; /* of the frontend                            */
    bool retry_armed;         /* the timer of its backlog is there          */
    dividere_alarm_t alarm;   /* of what is due next                          */
    bool draining;
    dividere_answer_t drained; /* of the DRAIN that waits                   */
    dividere_vacancy_t vacancy;
} dividere_broker_t;

extern const dividere_command_t dividere_broker_commands[];

void dividere_broker_stats (void *self, zmsg_t *values);

/*  Sets what SET has not set yet, and tells everybody.                      */
void dividere_broker_defaults (dividere_broker_t *self);

/*  Makes the sockets. 0, or -1 with EMFILE, and there are none.             */
int dividere_broker_open (dividere_broker_t *self);
void dividere_broker_close (dividere_broker_t *self);

/*  After a call of the dispatcher or of a socket from outside of serving.    */
void dividere_broker_turn (dividere_broker_t *self);

#endif
