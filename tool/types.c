/* SPDX-License-Identifier: Apache-2.0 */

#include "types.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/event.pb-c.h>
#include <dividere/introspection.pb-c.h>
#include <dividere/json.h>
#include <dividere/schema.h>
#include <dividere/text.h>
#include <dividere/types.h>

static const ProtobufCMessageDescriptor *const s_own[] = {
    &dividere__ping__descriptor,
    &dividere__pong__descriptor,
    &dividere__service_info_req__descriptor,
    &dividere__service_info__descriptor,
    &dividere__service_statistics_req__descriptor,
    &dividere__service_statistics__descriptor,
    &dividere__socket_event__descriptor,
    &dividere__actor_info_req__descriptor,
    &dividere__actor_info__descriptor,
    &dividere__actor_stats_req__descriptor,
    &dividere__actor_stats__descriptor,
    NULL
};

static int
s_register (const void *data, size_t size, char **ret_reason)
{
    dividere_schema_t *schema = dividere_schema_new (data, size, ret_reason);
    if (!schema)
        return -1;
    dividere_schema_register (schema);
    dividere_schema_destroy (&schema);
    return 0;
}

/*  The whole of an open file as a schema.                                   */
static int
s_load_fd (const command_t *command, const char *path, int fd)
{
    struct stat about;
    if (fd < 0 || fstat (fd, &about) < 0)
        return command_fail (command, "%s: %s", path, strerror (errno));
    if (!S_ISREG (about.st_mode))
        return command_fail (command, "%s: it is no file", path);
    size_t size = (size_t) about.st_size;
    uint8_t *data = (uint8_t *) malloc (size + 1);
    assert (data);
    ssize_t got = pread (fd, data, size, 0);
    char *reason = NULL;
    int status = 0;
    if (got != (ssize_t) size)
        status = command_fail (command, "%s: it cannot be read", path);
    else if (s_register (data, size, &reason) < 0)
        status = command_fail (command, "%s: %s", path, reason);
    free (reason);
    free (data);
    return status;
}

static int
s_load_descriptor (const command_t *command, const char *path)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    int status = s_load_fd (command, path, fd);
    if (fd >= 0)
        close (fd);
    return status;
}

/*  protoc writes to a file in memory; what is wrong it says itself.         */
static int
s_load_proto (const command_t *command, const char *path, const char *folder)
{
    char *copy = strdup (path), out[64], beside[4096], include[4096];
    int fd = memfd_create ("schema", 0), ended = -1;
    snprintf (out, sizeof (out), "--descriptor_set_out=/dev/fd/%d", fd);
    snprintf (beside, sizeof (beside), "-I%s", dirname (copy));
    snprintf (include, sizeof (include), "-I%s", folder ? folder : "");
    free (copy);
    char *argv[] = {
        (char *) "protoc", (char *) "--include_imports", out, beside,
        (char *) path,     folder ? include : NULL,      NULL
    };
    pid_t pid;
    int status;
    if (fd < 0 ||
        (errno = posix_spawnp (&pid, "protoc", NULL, NULL, argv, environ)) != 0)
        status = command_fail (command, "protoc: %s", strerror (errno));
    else if (waitpid (pid, &ended, 0) != pid || ended != 0)
        status = command_fail (command, "%s: protoc does not take it", path);
    else
        status = s_load_fd (command, path, fd);
    if (fd >= 0)
        close (fd);
    return status;
}

int
types_load (const command_t *command, const char *proto, const char *include,
            const char *descriptor)
{
    dividere_types_register_all (s_own);
    int status = proto ? s_load_proto (command, proto, include) : 0;
    if (status == 0 && descriptor)
        status = s_load_descriptor (command, descriptor);
    return status;
}

int
types_fetch (dividere_client_t *client, int deadline_ms)
{
    Dividere__ServiceInfoReq ask = DIVIDERE__SERVICE_INFO_REQ__INIT;
    ask.schema = true;
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    dividere_message_t *reply = dividere_message_new ();
    int rc = dividere_client_request (client, &ask.base, &options, reply);
    const Dividere__ServiceInfo *info =
        rc == 0 ? DIVIDERE_MESSAGE_AS (reply, Dividere__ServiceInfo,
                                       dividere__service_info)
                : NULL;
    int error = rc < 0 ? errno : 0;
    if (!error && (!info || !info->schema.len ||
                   s_register (info->schema.data, info->schema.len, NULL) < 0))
        error = ENODATA;
    dividere_message_destroy (&reply);
    errno = error;
    return error ? -1 : 0;
}

const ProtobufCMessageDescriptor *
types_find (const command_t *command, const char *name)
{
    const ProtobufCMessageDescriptor *type = dividere_types_find (name);
    if (!type && !strchr (name, '.'))
        type = dividere_types_find_short (name);
    if (!type)
        command_fail (command,
                      errno == ENOTUNIQ
                          ? "%s: several types have this name, give it "
                            "with its package"
                          : "%s: there is no such type: give it by "
                            "--proto or --descriptor, or the service "
                            "a schema that has it",
                      name);
    return type;
}

ProtobufCMessage *
types_read (const command_t *command, const ProtobufCMessageDescriptor *type,
            const char *words, bool text)
{
    char *reason = NULL;
    ProtobufCMessage *object =
        text ? dividere_text_parse (type, words, strlen (words), &reason)
             : dividere_json_parse (type, words, strlen (words), &reason);
    if (!object)
        command_fail (command, "%s: %s", type->name, reason);
    free (reason);
    return object;
}

void
types_print (const ProtobufCMessage *object, print_t print, bool named)
{
    char *words =
        print == PRINT_TEXT ? dividere_text (object) : dividere_json (object);
    const char *name = object->descriptor->name;
    if (print == PRINT_MACHINE)
        printf ("{\"type\": \"%s\", \"message\": %s}\n", name,
                words ? words : "null");
    else
        printf ("%s%s%s\n", named ? name : "", named ? " " : "",
                words ? words : strerror (errno));
    free (words);
    fflush (stdout);
}
