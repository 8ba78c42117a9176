/* SPDX-License-Identifier: Apache-2.0 */

/*  Who may ask whom. A reactor answers over an encrypted connection; a client
 *  that has the right to ask gets its answer, a stranger without keys does not
 *  get in, and is told why.
 *
 *  "dividere keygen FOLDER" makes such a folder for each host. Here one is
 *  enough, as all is in one program: it is server and client by the same key.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc secured.c guide.pb-c.c $(pkg-config --cflags --libs dividere)   */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000

static int
on_msg02 (dividere_context_t *context, const Msg02 *message)
{
    return dividere_context_reply (context, &message->base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg02, msg02, on_msg02),
    DIVIDERE_HANDLER_END,
};

static void
s_write (const char *folder, const char *name, const char *before,
         const char *key, const char *after)
{
    char path[300];
    snprintf (path, sizeof (path), "%s/%s", folder, name);
    FILE *file = fopen (path, "w");
    if (!file) {
        perror (path);
        exit (1);
    }
    fprintf (file, "%s %s\n%s", before, key, after);
    fclose (file);
}

/*  What "dividere keygen" does, and an administrator after it.               */
static void
s_make_keys (const char *folder)
{
    char path[300];
    snprintf (path, sizeof (path), "%s/own", folder);
    dividere_keys_t *keys = dividere_keys_new ();
    if (dividere_keys_save (keys, path) < 0) {
        perror (path);
        exit (1);
    }
    const char *key = dividere_keys_public (keys);
    s_write (folder, "servers", "tcp://127.0.0.1:*", key, "");
    s_write (folder, "rights", "key me", key, "allow me request tcp://*\n");
    dividere_keys_destroy (&keys);
}

static void
s_remove (const char *folder)
{
    static const char *const s_files[] = { "own", "own_secret", "servers",
                                           "rights" };
    for (size_t i = 0; i < sizeof (s_files) / sizeof (s_files[0]); i++) {
        char path[300];
        snprintf (path, sizeof (path), "%s/%s", folder, s_files[i]);
        remove (path);
    }
    remove (folder);
}

static char *
s_start (zactor_t *reactor)
{
    zmsg_t *reply = NULL;
    if (dividere_call (reactor, &reply, DEADLINE_MS, "ADD", "response",
                       "tcp://127.0.0.1:*", NULL) < 0 ||
        dividere_call (reactor, NULL, DEADLINE_MS, "START", NULL) < 0) {
        perror ("reactor");
        exit (1);
    }
    free (zmsg_popstr (reply)); /* The name of the source.                   */
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

/*  0, or why it is not let in.                                               */
static int
s_ask (const char *who, const char *endpoint, bool plain)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    options.plain = plain;
    dividere_connector_t *request = dividere_request_new (endpoint, &options);
    dividere_message_t *reply = dividere_message_new ();
    Msg02 question = MSG02__INIT;
    question.field1 = "may I?";
    int error = 0;
    if (!request ||
        dividere_connector_wait_connected (request, DEADLINE_MS) < 0 ||
        dividere_send (request, &question.base) < 0 ||
        dividere_recv_into (request, reply, DEADLINE_MS) < 0)
        error = errno;
    printf ("%s: %s\n", who, error ? strerror (error) : "answered");
    dividere_message_destroy (&reply);
    dividere_connector_destroy (&request);
    return error;
}

int
main (void)
{
    char folder[] = "secured-XXXXXX";
    if (!mkdtemp (folder)) {
        perror (folder);
        return 1;
    }
    s_make_keys (folder);
    if (dividere_security_load (folder) < 0) {
        perror (folder);
        return 1;
    }
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    char *endpoint = s_start (reactor);

    int status = s_ask ("with a key", endpoint + 1, false) != 0;
    status |= s_ask ("a stranger", endpoint + 1, true) != EPROTONOSUPPORT;

    free (endpoint);
    if (dividere_stop (&reactor, DEADLINE_MS) < 0)
        status = 1;
    dividere_security_unload ();
    s_remove (folder);
    return status;
}
