/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SERVICE_INTERNAL_H
#define DIVIDERE_SERVICE_INTERNAL_H

#include <dividere/registry.h>
#include <dividere/service.h>
#include "alarm.h"
#include "arena.h"
#include "attach.h"
#include "deadlines.h"
#include "drive.h"
#include "executor.h"
#include "histogram.h"
#include "outlet.h"
#include "table.h"

/*  What the files of the service share: service.c has its life and its timer,
 *  service_commands.c its commands, service_door.c the socket where clients
 *  come in, service_builtin.c what it answers itself, service_names.c its
 *  standing with name servers, service_traffic.c the way of requests to an
 *  application that has no handlers. What becomes of requests is up to its
 *  executor.                                                                */

#define DIVIDERE_SERVICE_TAGS_MAX 64

typedef struct dividere_service_t dividere_service_t;

/*  All int64_t, for SET.                                                    */
typedef struct {
    int64_t lease_ms;
    int64_t threads;
    int64_t hwm;
    int64_t pending_max;
    int64_t bytes_max;
    int64_t reply_bytes;
    int64_t reply_age_ms;
    int64_t reply_total;
    int64_t window;
    int64_t window_bytes;
    int64_t window_age_ms;
} dividere_service_settings_t;

/*  Where clients come in.                                                   */
typedef struct {
    dividere_desk_t desk;
    dividere_polled_t polled; /* a ROUTER; without a handle until it is bound */
    dividere_outlet_t outlet;
    int64_t retry_ms; /* when the backlog is tried again                     */
    char first[DIVIDERE_ADDRESS_MAX]; /* the endpoint bound first, or ""     */
    char tcp[DIVIDERE_ADDRESS_MAX];   /* the first one of tcp, or ""         */
} dividere_door_t;

/*  Calls of one handler.                                                    */
typedef struct {
    uint64_t failed;
    uint64_t total_us;
    dividere_histogram_t times;
} dividere_tally_t;

typedef struct {
    dividere_arena_t *arena;   /* what is asked lives here; ours             */
    dividere_tally_t *tallies; /* one for each handler, or for bytes; ours   */
    int64_t since_ms;          /* when the service started                   */
    uint64_t count;            /* answered                                   */
} dividere_builtin_t;

/*  What clients are told of the service.                                    */
typedef struct {
    char *name;      /* ours; NULL: not set                                 */
    char *advertise; /* ours; NULL: not set                                 */
    char *release;   /* ours                                                */
    char *tags[DIVIDERE_SERVICE_TAGS_MAX + 1]; /* ours                       */
    size_t tags_count;
    uint64_t instance;
} dividere_service_card_t;

/*  Requests that are with an application. The socket is a DEALER, without a
 *  handle if there are handlers.                                            */
typedef struct {
    dividere_polled_t polled;
    dividere_table_t table; /* of those that were sent, by number            */
    dividere_deadlines_t deadlines;
    dividere_job_t *first; /* of those that find no room                     */
    dividere_job_t *last;
    int64_t retry_ms; /* when they are tried again                           */
    uint64_t number;  /* of the last one                                     */
    uint64_t out;
    uint64_t in;
    uint64_t dropped; /* answers to nothing, and requests nobody answered    */
} dividere_traffic_t;

struct dividere_service_t {
    dividere_service_config_t config;
    dividere_service_settings_t settings;
    dividere_service_card_t card;
    uint64_t denied; /* requests                                            */
    dividere_actor_t *actor;
    dividere_executor_t executor;
    dividere_drive_t *drive; /* over all sockets; NULL: no descriptors       */
    dividere_door_t door;
    dividere_builtin_t builtin;
    dividere_traffic_t traffic;
    zlistx_t *names; /* the name servers; ours                              */
    int64_t left_ms; /* when it goes on although some have not said that it  */
                     /* has left; -1: it has not left                        */
    dividere_answer_t drained; /* of DRAIN                                  */
    dividere_alarm_t alarm; /* of what is due next                          */
};

/*  service.c. After anything has happened outside of a turn of the drive.   */
void dividere_service_turn (dividere_service_t *self);

/*  Makes the threads; requests are read when they are ready. 0, or an errno. */
int dividere_service_start (dividere_service_t *self);

/*  Leaves the name servers, once.                                           */
void dividere_service_leave (dividere_service_t *self);

/*  service_commands.c                                                       */
extern const dividere_command_t dividere_service_commands[];

void dividere_service_defaults (dividere_service_t *self);
void dividere_service_stats (void *self, zmsg_t *values);

/*  service_door.c                                                           */
void dividere_door_init (dividere_service_t *self);
void dividere_door_term (dividere_service_t *self);

/*  0, or an errno of dividere_attach, or EMFILE.                            */
int dividere_door_bind (dividere_service_t *self,
                        const dividere_endpoint_t *endpoint, char *ret_address);

/*  Who sent it has no right to the service; and is told so.                 */
bool dividere_service_denied (const dividere_service_t *self,
                              dividere_task_t *task, dividere_right_t right);
void dividere_service_deny (dividere_service_t *self, dividere_task_t *task);

/*  Binds the first free port of 5101 to 6000. 0, or an errno of zmq_bind.   */
int dividere_door_bind_free (dividere_service_t *self);

/*  Sends what is ready.                                                     */
void dividere_door_flush (dividere_service_t *self);

dividere_served_t dividere_door_serve (dividere_service_t *self,
                                       dividere_turn_t *turn);

/*  Does what is due by time; when something will be.                        */
void dividere_door_tick (dividere_service_t *self, int64_t now_ms);
int64_t dividere_door_next (const dividere_service_t *self);

/*  service_builtin.c                                                        */
void dividere_builtin_init (dividere_service_t *self);
void dividere_builtin_start (dividere_service_t *self);
void dividere_builtin_term (dividere_service_t *self);

/*  True if the service has answered it itself: the task is taken.           */
bool dividere_builtin_answer (dividere_service_t *self, dividere_task_t *task);

/*  A handler has been called.                                               */
void dividere_builtin_count (void *self, const dividere_task_t *task);

/*  service_names.c. Knows one more name server, whose endpoint is followed by
 *  "|" and the one where it publishes, if that was said. 0, or an errno of
 *  dividere_registry_new, EEXIST.                                           */
int dividere_names_connect (dividere_service_t *self, const char *server,
                            const char *publish);

/*  Registers with all of them from here on; leaves them. True once they all
 *  have said that it is gone, or none has to.                               */
void dividere_names_enter (dividere_service_t *self);
void dividere_names_leave (dividere_service_t *self);
bool dividere_names_left (const dividere_service_t *self);

void dividere_names_term (dividere_service_t *self);

/*  Triples of endpoint, state, error.                                       */
void dividere_names_list (const dividere_service_t *self, zmsg_t *values);
void dividere_names_stats (const dividere_service_t *self, zmsg_t *values);

/*  service_traffic.c. 0, or an errno as dividere_door_bind.                 */
int dividere_traffic_bind (dividere_service_t *self,
                           const dividere_endpoint_t *endpoint,
                           char *ret_address);

/*  Sends a request out: in place of the executor's pool.                    */
void dividere_traffic_execute (void *self, dividere_task_t *task);

dividere_served_t dividere_traffic_serve (dividere_service_t *self,
                                          dividere_turn_t *turn);
void dividere_traffic_tick (dividere_service_t *self, int64_t now_ms);
int64_t dividere_traffic_next (const dividere_service_t *self);

/*  Nothing is waited for any more: all tasks are done.                      */
void dividere_traffic_end (dividere_service_t *self);
void dividere_traffic_init (dividere_service_t *self);
void dividere_traffic_term (dividere_service_t *self);

#endif
