/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAMESERVER_INTERNAL_H
#define DIVIDERE_NAMESERVER_INTERNAL_H

#include "alarm.h"
#include "actor_internal.h"
#include "drive.h"
#include "name_snapshot.h"
#include "outlet.h"
#include "pool.h"
#include "registrar.h"
#include "vacancy.h"

/*  What the files of the name server share: nameserver.c has its loop and its
 *  sockets, nameserver_commands.c its commands, nameserver_stats.c its
 *  statistics, nameserver_snapshot.c the file.                              */

typedef enum {
    DIVIDERE_NAMESERVER_REQUESTS,
    DIVIDERE_NAMESERVER_PUBLISH,
    DIVIDERE_NAMESERVER_WATCH,
    DIVIDERE_NAMESERVER_SIDES
} dividere_nameserver_name_t;

typedef struct {
    void *handle; /* ours; NULL until something is bound                     */
    dividere_polled_t polled;
    dividere_outlet_t outlet; /* of a ROUTER                                 */
    bool bound;
} dividere_nameserver_side_t;

/*  What SET sets.                                                           */
typedef struct {
    int64_t rediscover_ms;
    int64_t rounds;
    int64_t lease_ms;
    int64_t lease_max_ms;
    int64_t watch_interval_ms;
    int64_t snapshot_interval_ms;
    int64_t instances_max;
    int64_t name_max;
    int64_t host_max;
    int64_t metadata_max;
    int64_t bytes_max;
    int64_t watchers_max;
    int64_t watches_max;
    int64_t watches_total;
    int64_t watcher_bytes;
} dividere_nameserver_settings_t;

/*  The file: gathered in memory piece by piece, then written by a thread of its
 *  own.
 *
 *  state      event                                    then
 *  idle       something has changed, and it is time    gathers
 *  gathers    all is gathered                          writes
 *  writes     it is written, or could not be           idle                  */
typedef enum {
    DIVIDERE_STORE_IDLE,
    DIVIDERE_STORE_GATHERS,
    DIVIDERE_STORE_WRITES
} dividere_store_state_t;

typedef struct {
    dividere_store_state_t state;
    char *path;                  /* ours; NULL: there is no file             */
    char *fresh;                 /* written, then renamed to path; ours      */
    dividere_pool_t *pool;       /* ours; one thread                         */
    dividere_snapshot_t *writer; /* ours; not while idle                     */
    dividere_job_t job;
    int error;         /* of the job                                         */
    uint64_t revision; /* that is being written                              */
    uint64_t written;  /* that the file has                                  */
    int64_t begun_ms;
    int64_t due_ms;            /* not before                                 */
    bool again;                /* who waits wants what came meanwhile, too   */
    dividere_answer_t waiting; /* of the SNAPSHOT that waits                 */
    uint64_t count;
    uint64_t failed;
} dividere_store_t;

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    dividere_nameserver_settings_t settings;
    dividere_registrar_t *registrar; /* ours                                */
    dividere_drive_t *drive; /* over all sides; NULL while they are none     */
    dividere_nameserver_side_t sides[DIVIDERE_NAMESERVER_SIDES];
    dividere_store_t store;
    bool retry_armed; /* the timer of the backlogs is there                */
    dividere_alarm_t alarm; /* of what is due next                          */
    int64_t ticked_ms; /* when the registrar did what was due                */
    int64_t grace_ms;  /* nobody is gone by time before this                 */
    int64_t round_ms;  /* the next call to register again; -1: none          */
    int64_t early_ms;  /* until then also as soon as somebody listens        */
    int64_t called_ms; /* the last                                           */
    bool wanted;       /* somebody listens who has not heard one             */
    uint64_t called;
    dividere_vacancy_t vacancy;
} dividere_nameserver_t;

extern const dividere_command_t dividere_nameserver_commands[];

void dividere_nameserver_stats (void *self, zmsg_t *values);

/*  Sets what SET has not set yet, and tells everybody.                      */
void dividere_nameserver_defaults (dividere_nameserver_t *self);

/*  Makes the sockets. 0, or -1 with EMFILE, and there are none.             */
int dividere_nameserver_open (dividere_nameserver_t *self);
void dividere_nameserver_close (dividere_nameserver_t *self);

/*  A side has been bound, to this address.                                  */
void dividere_nameserver_bound (dividere_nameserver_t *self,
                                dividere_nameserver_name_t side,
                                const char *address);

/*  Asks all to register again.                                              */
void dividere_nameserver_call (dividere_nameserver_t *self);

/*  The setting of the time between two calls has changed.                   */
void dividere_nameserver_pace (dividere_nameserver_t *self);

/*  After what was done outside of serving.                                  */
void dividere_nameserver_turn (dividere_nameserver_t *self);

/*  Reads a file, and writes it from here on; "": there is none. 0 or an errno,
 *  and all is as it was.                                                    */
int dividere_store_open (dividere_nameserver_t *self, const char *path);

/*  Ends. What has changed is written once more where that takes no time worth
 *  speaking of.                                                             */
void dividere_store_close (dividere_nameserver_t *self);

/*  Writes as soon as possible, and answers store.waiting then.              */
void dividere_store_force (dividere_nameserver_t *self);

/*  When the next piece is due; -1: none is.                                 */
int64_t dividere_store_due (const dividere_nameserver_t *self);
void dividere_store_tick (dividere_nameserver_t *self, int64_t now_ms);

#endif
