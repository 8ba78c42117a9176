/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_COMMAND_H
#define DIVIDERE_COMMAND_H

#include <stdbool.h>
#include <czmq.h>
#include <dividere/client.h>

/*  The command "dividere": what its subcommands share.
 *
 *  Each ends with 0; with COMMAND_FAILED, having said on stderr what was wrong;
 *  or with COMMAND_USAGE, having said how it is used.                       */
#define COMMAND_FAILED 1
#define COMMAND_USAGE  2

/*  One subcommand. It runs with SIGINT and SIGTERM blocked and SIGPIPE ignored;
 *  argv[0] is "dividere NAME".                                              */
typedef struct {
    const char *name;
    const char *summary; /* one line                                        */
    int (*run) (int argc, char **argv);
} command_t;

extern const command_t command_bench;
extern const command_t command_broker;
extern const command_t command_call;
extern const command_t command_doctor;
extern const command_t command_keygen;
extern const command_t command_list;
extern const command_t command_lookup;
extern const command_t command_metrics;
extern const command_t command_nameserver;
extern const command_t command_proxy;
extern const command_t command_pub;
extern const command_t command_record;
extern const command_t command_replay;
extern const command_t command_selftest;
extern const command_t command_stats;
extern const command_t command_sub;
extern const command_t command_top;
extern const command_t command_version;
extern const command_t command_watch;

/*  Says on stderr what is wrong, after the name of the command. Returns
 *  COMMAND_FAILED.                                                          */
int command_fail (const command_t *command, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  What an errno of a request or a connection means to a user.              */
const char *command_reason (int error);

/*  A client of what is at an endpoint, or of a service by its name, for which
 *  servers are asked. NULL, told.                                           */
dividere_client_t *command_client (const command_t *command, const char *where,
                                   const char *servers,
                                   const dividere_client_options_t *options);

/*  For a command that waits a bounded time: SIGINT and SIGTERM end it, as they
 *  do by default. For one that waits without end: has one of them come?     */
void command_allow_signals (void);
bool command_ended (void);

/*  Waits so long for one of them. True if it has come; that is told once.   */
bool command_wait (int64_t time_ns);

/*  Raises the limit of descriptors as far as this process may.              */
void command_raise_descriptors (void);

/*  After a publisher has refused a message: if that was for want of room
 *  (errno), waits a little, and true as long as that is no longer than
 *  timeout_ms in all; *end_ms is 0 before the first time.                   */
bool command_again (int64_t *end_ms, int timeout_ms);

/*  Name servers, where none are given.                                      */
#define COMMAND_SERVERS "tcp://127.0.0.1:5000"

/*  --security FOLDER (NULL: not given): all sockets from here on have it, and
 *  what goes wrong with it is told on stderr. 0, or COMMAND_FAILED, told.    */
int command_secure (const command_t *command, const char *folder);

/*  A daemon is an actor and a table that says which option stands for which of
 *  its commands. Options take effect by kind, in the order here, and within a
 *  kind as they were given.                                                 */
typedef enum {
    DAEMON_SETTING,  /* --NAME VALUE: SET NAME VALUE                        */
    DAEMON_SETTINGS, /* --NAME X=VALUE: SET X VALUE                         */
    DAEMON_FILE,     /* as DAEMON_SETTING, under all the others             */
    DAEMON_COMMAND,  /* --NAME EP: the row's command, with "@EP" or ">EP"   */
    DAEMON_ENDPOINT, /* --NAME EP: BIND NAME EP; CONNECT NAME EP for ">EP"  */
    DAEMON_KINDS
} daemon_kind_t;

typedef struct {
    const char *name;
    const char *argument; /* how the usage calls the value                  */
    const char *summary;  /* one line                                       */
    daemon_kind_t kind;
    const char *command;  /* of a DAEMON_COMMAND; of a DAEMON_ENDPOINT the  */
                          /* NAME to BIND, where it has another             */
    const char *fallback; /* the value where it is not given, or NULL       */
    bool required;
    bool bound; /* an endpoint that cannot be connected                     */
} daemon_option_t;

#define DAEMON_OPTIONS_MAX 20

/*  Starts the actor, prints the line "ready NAME=EP[,EP] ..." with endpoints as
 *  they were really bound, in the order of the table, and waits for SIGINT or
 *  SIGTERM. A NULL name ends the table; --security, --verbose and --help are
 *  added.
 *  Returns the status of the command.                                       */
int daemon_run (const command_t *command, zactor_fn *actor,
                const daemon_option_t *options, int argc, char **argv);

#endif
