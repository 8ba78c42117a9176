/* SPDX-License-Identifier: Apache-2.0 */

/*  Keys, rights, and what they open and close.                              */

#include "selftest.h"
#include <sys/stat.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "rights.h"
#include "secured.h"
#include "test.pb-c.h"

void test_security_keys (void);
void test_security_rights (void);
void test_security_rights_wrong (void);
void test_security_folders (void);
void test_security_connectors (void);
void test_security_refusals (void);

#define ALICE "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define BOB   "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

void
test_security_keys (void)
{
    char *folder = selftest_folder ();
    char path[1000], both[1100];
    snprintf (path, sizeof (path), "%s/key", folder);
    snprintf (both, sizeof (both), "%s_secret", path);
    dividere_keys_t *keys = dividere_keys_new ();
    CHECK_INT (strlen (dividere_keys_public (keys)), DIVIDERE_KEY_SIZE);
    CHECK_FAILS (dividere_keys_load (path), ENOENT);
    CHECK_INT (dividere_keys_save (keys, path), 0);
    CHECK_FAILS (dividere_keys_save (keys, path), EEXIST);
    struct stat status;
    CHECK_INT (stat (both, &status), 0);
    CHECK_INT (status.st_mode & 0777, 0600);
    dividere_keys_t *again = dividere_keys_load (path);
    CHECK (again);
    CHECK_STR (dividere_keys_public (again), dividere_keys_public (keys));
    dividere_keys_destroy (&again);

    /* CZMQ reads them, and what it writes is read.                          */
    zcert_t *cert = zcert_load (path);
    CHECK (cert);
    CHECK_STR (zcert_public_txt (cert), dividere_keys_public (keys));
    CHECK (!streq (zcert_secret_txt (cert),
                   "0000000000000000000000000000000000000000"));
    unlink (path);
    unlink (both);
    CHECK_INT (zcert_save (cert, path), 0);
    again = dividere_keys_load (path);
    CHECK (again);
    CHECK_STR (dividere_keys_public (again), dividere_keys_public (keys));
    dividere_keys_destroy (&again);
    zcert_destroy (&cert);

    CHECK_INT (chmod (both, 0640), 0);
    CHECK_FAILS (dividere_keys_load (path), EPERM);
    CHECK_INT (unlink (both), 0);
    again = dividere_keys_load (path);
    CHECK (again);
    dividere_keys_destroy (&again);
    CHECK_INT (truncate (path, 60), 0);
    CHECK_FAILS (dividere_keys_load (path), EBADMSG);
    CHECK_INT (unlink (path), 0);
    CHECK_INT (rmdir (folder), 0);
    free (folder);
    dividere_keys_destroy (&keys);
    dividere_keys_destroy (&keys);
}

static dividere_rights_t *
s_rights (const char *text)
{
    char error[DIVIDERE_RIGHTS_ERROR_MAX];
    dividere_rights_t *rights =
        dividere_rights_parse (text, strlen (text), error);
    CHECK (rights);
    return rights;
}

static bool
s_may (const dividere_rights_t *rights, const char *key, const char *right,
       const char *object)
{
    return dividere_rights_allow (
        rights, key, (dividere_right_t) dividere_right_parse (right), object);
}

void
test_security_rights (void)
{
    dividere_rights_t *rights = s_rights (
        "# who\n  key alice " ALICE "  # she\nkey bob\t" BOB "\r\n"
        "group staff alice\ngroup all staff bob\n\n"
        "allow staff register clock\nallow bob serve jobs-*\n"
        "allow * lookup\nallow all watch *\nallow alice request ''\n");
    CHECK_INT (dividere_rights_count (rights), 2);
    CHECK_STR (dividere_rights_name (rights, ALICE), "alice");
    CHECK (!dividere_rights_name (rights, "nobody"));
    CHECK (s_may (rights, ALICE, "register", "clock"));
    CHECK (s_may (rights, ALICE, "register", NULL));
    CHECK (!s_may (rights, ALICE, "register", "clocks"));
    CHECK (!s_may (rights, ALICE, "register", ""));
    CHECK (!s_may (rights, BOB, "register", "clock"));
    CHECK (!s_may (rights, BOB, "register", NULL));
    CHECK (s_may (rights, BOB, "serve", "jobs-1"));
    CHECK (s_may (rights, BOB, "serve", "jobs-"));
    CHECK (!s_may (rights, BOB, "serve", "jobs"));
    CHECK (s_may (rights, ALICE, "lookup", "anything"));
    CHECK (s_may (rights, BOB, "watch", ""));
    CHECK (!s_may (rights, "nobody", "lookup", "anything"));
    CHECK (!s_may (rights, ALICE, "stats", NULL));
    dividere_rights_destroy (&rights);
    rights = s_rights ("key alice " ALICE "\nallow alice *");
    for (int i = 0; i < DIVIDERE_RIGHTS; i++)
        CHECK (dividere_rights_allow (rights, ALICE, (dividere_right_t) i,
                                      "anything"));
    dividere_rights_destroy (&rights);
    rights = s_rights ("");
    CHECK_INT (dividere_rights_count (rights), 0);
    dividere_rights_destroy (&rights);
}

void
test_security_rights_wrong (void)
{
    static const struct {
        const char *text;
        const char *error;
    } s_wrong[] = {
        { "keys alice " ALICE, "line 1: it begins with key, group or allow" },
        { "\n#\nkey alice", "line 3: it is \"key NAME KEY\"" },
        { "key alice short", "line 1: a key has 40 characters of Z85" },
        { "key a " ALICE "\nkey a " BOB, "line 2: the name is there already" },
        { "key a " ALICE "\nkey b " ALICE,
          "line 2: the key has a name already" },
        { "key * " ALICE, "line 1: \"*\" is everybody's name" },
        { "group g a", "line 1: a member has no name yet" },
        { "group", "line 1: it is \"group NAME MEMBER ...\"" },
        { "allow a lookup", "line 1: nobody has this name yet" },
        { "allow *", "line 1: it is \"allow WHO ACTION [OBJECT]\"" },
        { "allow * lookup a b", "line 1: it is \"allow WHO ACTION [OBJECT]\"" },
        { "allow * eat",
          "line 1: an action is publish, subscribe, request, serve, register, "
          "lookup, watch, stats or *" },
        { "\xff", "it is not UTF-8" },
    };
    char error[DIVIDERE_RIGHTS_ERROR_MAX];
    for (size_t i = 0; i < sizeof (s_wrong) / sizeof (*s_wrong); i++) {
        CHECK_FAILS (dividere_rights_parse (s_wrong[i].text,
                                            strlen (s_wrong[i].text), error),
                     EINVAL);
        CHECK_STR (error, s_wrong[i].error);
    }
    CHECK_FAILS (dividere_rights_parse ("#\0", 2, error), EINVAL);
}

/*  What the log has said.                                                   */
static char s_told[1000];

static void
s_on_log (dividere_log_level_t level, const char *line, void *arg)
{
    snprintf (s_told, sizeof (s_told), "%s", line);
}

static void
s_check_load (const secured_t *folder, int error, const char *told)
{
    s_told[0] = 0;
    CHECK_FAILS (dividere_security_load (folder->folder), error);
    CHECK (strstr (s_told, told));
}

/*  Each thing that can be wrong with a folder is named.                     */
void
test_security_folders (void)
{
    secured_t folder;
    char both[1000];
    secured_open (&folder, NULL);
    dividere_log_set (DIVIDERE_LOG_ERROR, s_on_log, NULL);
    snprintf (both, sizeof (both), "%s/own_secret", folder.folder);
    CHECK_FAILS (dividere_security_load ("/nowhere"), ENOENT);
    secured_write (&folder, "rights", "allow nobody lookup");
    s_check_load (&folder, EINVAL, "/rights: line 1: nobody has this name yet");
    secured_write (&folder, "rights", NULL);
    s_check_load (&folder, ENOENT, "/rights: No such file");
    secured_write (&folder, "rights", "");
    secured_write (&folder, "servers", "\ntcp://127.0.0.1:*");
    s_check_load (&folder, EINVAL, "/servers: line 2: it is \"ENDPOINT KEY\"");
    secured_write (&folder, "servers", "* nonsense");
    s_check_load (&folder, EINVAL, "/servers: line 1: a key has 40 characters");
    secured_write (&folder, "servers", NULL);
    s_check_load (&folder, ENOENT, "/servers: No such file");
    secured_write (&folder, "servers", "");
    CHECK_INT (chmod (both, 0644), 0);
    s_check_load (&folder, EPERM, "/own_secret: Operation not permitted");
    CHECK_INT (chmod (both, 0600), 0);
    secured_write (&folder, "own_secret", "nonsense");
    CHECK_INT (chmod (both, 0600), 0);
    s_check_load (&folder, EBADMSG, "/own_secret: Bad message");
    secured_write (&folder, "own_secret", NULL);
    s_check_load (&folder, ENOENT, "/own_secret: No such file");
    secured_close (&folder);

    /* Somebody else answers for security in this process.                   */
    secured_open (&folder, NULL);
    zactor_t *other = zactor_new (zauth, NULL);
    CHECK (other);
    s_check_load (&folder, EADDRINUSE, "something else answers for it");
    zactor_destroy (&other);
    CHECK_INT (dividere_security_load (folder.folder), 0);
    dividere_security_unload ();
    secured_close (&folder);
}

static void
s_check_answers (dividere_connector_t *request, dividere_connector_t *response)
{
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = (char *) (uintptr_t) "hello";
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_send_to (request, NULL, &hello.base, SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_recv_into (response, message, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_send (response, &hello.base), 0);
    CHECK_INT (dividere_recv_into (request, message, SELFTEST_DEADLINE), 0);
    dividere_message_destroy (&message);
}

/*  A request that is refused for this reason, and never comes through.      */
static void
s_check_refused (const char *endpoint, dividere_connector_t *response,
                 int error)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    TestMsg01 hello = TEST_MSG01__INIT;
    dividere_connector_t *request = dividere_request_new (endpoint, &options);
    CHECK (request);
    dividere_send_to (request, NULL, &hello.base, 0);
    CHECK_FAILS (dividere_connector_wait_connected (request, SELFTEST_DEADLINE),
                 error);
    dividere_message_t *message = dividere_message_new ();
    CHECK_FAILS (dividere_recv_into (response, message, 10), EAGAIN);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&request);
}

/*  One call, and all connectors are safe, over tcp and ipc; inproc is as it
 *  was.                                                                     */
void
test_security_connectors (void)
{
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * request\nallow * subscribe\n", &folder,
                    NULL);
    CHECK_INT (dividere_security_load (folder.folder), 0);
    const char *const endpoints[] = { selftest_tcp (), selftest_ipc (),
                                      selftest_inproc () };
    for (int i = 0; i < 3; i++) {
        char bound[300];
        snprintf (bound, sizeof (bound), "@%s", endpoints[i]);
        dividere_connector_t *response = dividere_response_new (bound, NULL);
        dividere_connector_t *request =
            dividere_request_new (endpoints[i], NULL);
        CHECK (response && request);
        s_check_answers (request, response);
        dividere_connector_destroy (&request);
        dividere_connector_destroy (&response);
    }
    dividere_security_stats_t stats;
    dividere_security_stats (&stats);
    CHECK_INT (stats.accepted, 2);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.plain = true;
    const char *open = selftest_tcp ();
    char bound[300];
    snprintf (bound, sizeof (bound), "@%s", open);
    dividere_connector_t *response = dividere_response_new (bound, &options);
    dividere_connector_t *request = dividere_request_new (open, &options);
    CHECK (response && request);
    s_check_answers (request, response);
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&response);
    dividere_security_stats (&stats);
    CHECK_INT (stats.accepted, 2);
    dividere_security_unload ();
    secured_close (&folder);
}

/*  Who has no keys, no name, no right to this, or takes somebody else for the
 *  server, is refused, and each is counted as what it is.                   */
void
test_security_refusals (void)
{
    secured_t server, client, liar;
    secured_open (&server, NULL);
    secured_open (&client, &server);
    secured_open (&liar, &client);
    secured_rights (&server, "allow peer0 request\nallow peer1 subscribe\n",
                    &server, &client, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    const char *endpoint = selftest_tcp ();
    char bound[300];
    snprintf (bound, sizeof (bound), "@%s", endpoint);
    CHECK_INT (dividere_security_load (server.folder), 0);
    dividere_connector_t *response = dividere_response_new (bound, NULL);
    dividere_connector_t *good = dividere_request_new (endpoint, NULL);
    CHECK (response && good);
    s_check_answers (good, response);

    dividere_security_stats_t before, stats;
    dividere_security_stats (&before);
    CHECK_INT (dividere_security_load (client.folder), 0);
    s_check_refused (endpoint, response, EACCES);
    dividere_security_stats (&stats);
    CHECK_INT (stats.denied, before.denied + 1);

    secured_rights (&server, "allow peer0 request\n", &server, NULL);
    CHECK_INT (dividere_security_load (server.folder), 0);
    CHECK_INT (dividere_security_load (client.folder), 0);
    s_check_refused (endpoint, response, EACCES);
    dividere_security_stats (&stats);
    CHECK_INT (stats.unknown, before.unknown + 1);

    CHECK_INT (dividere_security_load (liar.folder), 0);
    s_check_refused (endpoint, response, EKEYREJECTED);
    secured_write (&liar, "servers", "tcp://192.0.2.1:* " ALICE "\n");
    CHECK_INT (dividere_security_load (liar.folder), 0);
    CHECK_FAILS (dividere_request_new (endpoint, NULL), EACCES);

    /* Who answers about peers goes, and what is connected stays.            */
    dividere_security_unload ();
    s_check_refused (endpoint, response, EPROTONOSUPPORT);
    s_check_answers (good, response);
    dividere_connector_destroy (&good);
    dividere_connector_destroy (&response);
    secured_close (&liar);
    secured_close (&client);
    secured_close (&server);
}
