/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PROCESS_SUPPORT_H
#define DIVIDERE_PROCESS_SUPPORT_H

#include <czmq.h>
#include <dividere.h>
#include <dividere/event.pb-c.h>

/*  What the tests of process reactors share.                                */

#define ENDPOINT_SIZE 160

typedef struct {
    char state[32];
    pid_t pid;
    unsigned restarts;
    char reason[256];
} process_status_t;

/*  With a reactor of selftest_reactors.                                     */
zactor_t *process_new (const char *reactor);
void process_set (zactor_t *process, const char *name, const char *value);

/*  Starts it; the endpoint of its first source, if there is one and it is asked
 *  for, is copied.                                                          */
pid_t process_start (zactor_t *process, char *ret_endpoint);

/*  An obedient one with a source of this kind.                              */
zactor_t *process_obedient (const char *kind);

process_status_t process_status (zactor_t *process);

/*  The next event, which is of this kind; valid until the next call.        */
dividere_connector_t *process_events (zactor_t *process);
const Dividere__ProcessEvent *process_event (dividere_connector_t *events,
                                             int kind);
#define EVENT(events, name) \
    process_event ((events), DIVIDERE__PROCESS_EVENT__KIND__##name)

/*  Gives an order to an obedient reactor; the second waits for the answer.  */
void process_order (dividere_connector_t *client, const char *order,
                    int number);
pid_t process_ask (dividere_connector_t *client, const char *order,
                   char *ret_text);

/*  This process has no child, dead or alive.                                */
void process_check_none (void);

/*  A file of this content in folder, instead of the one before. Its path is the
 *  caller's.                                                                */
char *process_file (const char *folder, const char *content, mode_t mode);

/*  This program again, with these arguments, its standard output in a pipe. */
pid_t process_spawn (char **argv, int *ret_output);

/*  One line of that, without its end.                                       */
void process_read_line (int fd, char *line, size_t size);

#endif
