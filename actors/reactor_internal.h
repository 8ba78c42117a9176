/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REACTOR_INTERNAL_H
#define DIVIDERE_REACTOR_INTERNAL_H

#include <dividere/reactor.h>
#include "actor_internal.h"
#include "connector_internal.h"
#include "context_internal.h"
#include "drive.h"

/*  What the files of the reactor share: reactor.c has its loop and what
 *  handlers see, sources.c its sources and commands.                        */

typedef enum {
    DIVIDERE_REACTOR_NEW,
    DIVIDERE_REACTOR_RUNNING,
    DIVIDERE_REACTOR_PAUSED
} dividere_reactor_state_t;

typedef struct {
    char *name;
    dividere_connector_t *connector; /* ours                                */
    void *place;                     /* in the list of sources              */
} dividere_source_t;

typedef struct {
    dividere_reactor_config_t config;
    dividere_actor_t *actor; /* the kit                                 */
    dividere_reactor_state_t state;
    zlistx_t *sources;           /* of dividere_source_t, ours              */
    unsigned named;              /* sources named by the reactor so far     */
    unsigned batching;           /* sources that are publishers with batch  */
    dividere_drive_t *drive;     /* over all sources; NULL: no descriptors  */
    dividere_message_t *message; /* every message is received into it       */
    dividere_handlers_t handlers;
    int64_t last_idle; /* when on_idle was called          */
    dividere_connector_stats_t
        gone; /* of sources that were removed            */
    struct {
        uint64_t handled;
        uint64_t failed;
        uint64_t replied;
        uint64_t unhandled;
    } counts;
} dividere_reactor_t;

typedef struct {
    dividere_context_t base;
    dividere_reactor_t *reactor;
    dividere_source_t *source; /* NULL in a hook that has none              */
    const dividere_turn_t
        *turn; /* in which the message was received; likewise */
} dividere_reactor_context_t;

extern const dividere_command_t dividere_reactor_commands[];

void dividere_reactor_stats (void *self, zmsg_t *values);

/*  Calls on_init. Returns 0, or its errno.                                  */
int dividere_reactor_init (dividere_reactor_t *self);

/*  Starts the timers of the hooks.                                          */
void dividere_reactor_arm (dividere_reactor_t *self);

dividere_source_t *dividere_reactor_source (dividere_reactor_t *self,
                                            const char *name);
void dividere_reactor_remove_all (dividere_reactor_t *self);

#endif
