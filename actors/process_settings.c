/* SPDX-License-Identifier: Apache-2.0 */

/*  What is set before the start: limits, and the sources that each child makes
 *  anew.                                                                    */

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include "channel.h"
#include "endpoint.h"
#include "kind.h"
#include "process_internal.h"

#define DAY_MS        86400000
#define INTENSITY_MAX 1000

const dividere_process_settings_t dividere_process_defaults = {
    .policy = DIVIDERE_RESTART_ON_FAILURE,
    .backoff = 100,
    .backoff_max = 5000,
    .intensity = 5,
    .period = 10000,
    .ready_limit = 10000,
    .stop_limit = 1000,
};

static const struct {
    const char *name;
    size_t offset; /* of the int64_t                                        */
    int64_t max;
} s_numbers[] = {
#define NUMBER(name, max)                                         \
    {                                                             \
#name, offsetof(dividere_process_settings_t, name), (max) \
    }
    NUMBER (backoff, DAY_MS),          NUMBER (backoff_max, DAY_MS),
    NUMBER (intensity, INTENSITY_MAX), NUMBER (period, DAY_MS),
    NUMBER (ready_limit, DAY_MS),      NUMBER (stop_limit, DAY_MS),
#undef NUMBER
};

static const char *const s_policies[] = { "never", "on-failure", "always" };

static int
s_set_policy (dividere_process_settings_t *self, const char *value)
{
    for (size_t i = 0; i < sizeof (s_policies) / sizeof (s_policies[0]); i++)
        if (streq (s_policies[i], value)) {
            self->policy = (dividere_restart_policy_t) i;
            return 0;
        }
    return EINVAL;
}

/*  Digits only: strtoll would take white space and signs.                   */
static int
s_parse_number (const char *text, int64_t max, int64_t *ret_number)
{
    size_t length = strlen (text);
    if (length == 0 || length > 9 || strspn (text, "0123456789") != length)
        return EINVAL;
    int64_t number = strtoll (text, NULL, 10);
    if (number > max)
        return EINVAL;
    *ret_number = number;
    return 0;
}

int
dividere_process_set (dividere_process_settings_t *self, const char *name,
                      const char *value)
{
    if (streq (name, "restart"))
        return s_set_policy (self, value);
    for (size_t i = 0; i < sizeof (s_numbers) / sizeof (s_numbers[0]); i++)
        if (streq (s_numbers[i].name, name))
            return s_parse_number (value, s_numbers[i].max,
                                   (int64_t *) ((char *) self +
                                                s_numbers[i].offset));
    return ENOENT;
}

/*  What can be known without making a socket.                               */
static int
s_check_source (char **args, size_t count)
{
    dividere_kind_t kind;
    const char *name;
    if (dividere_kind_parse (args[0], &kind, &name) < 0)
        return errno;
    if (count > 2 && kind != DIVIDERE_SUBSCRIBER)
        return EINVAL;
    dividere_endpoint_t endpoint;
    const char *list = args[1];
    size_t size = strlen ("ADD") + 1;
    for (size_t i = 0; i < count; i++)
        size += strlen (args[i]) + 1;
    int rc;
    while ((rc = dividere_endpoint_next (&list, &endpoint)) == 1)
        continue;
    if (rc < 0)
        return errno;
    return list == args[1] ? EINVAL : size > DIVIDERE_PACKET_MAX ? EMSGSIZE : 0;
}

int
dividere_process_add (dividere_process_t *self, char **args, size_t count)
{
    int error = s_check_source (args, count);
    if (error)
        return error;
    dividere_process_source_t *source =
        (dividere_process_source_t *) zmalloc (sizeof (*source));
    source->kind = strdup (args[0]);
    source->wanted = strdup (args[1]);
    assert (source->kind && source->wanted);
    source->types = zmsg_new ();
    for (size_t i = 2; i < count; i++)
        zmsg_addstr (source->types, args[i]);
    zlistx_add_end (self->sources, source);
    return 0;
}

zmsg_t *
dividere_process_source_command (const dividere_process_source_t *source)
{
    zmsg_t *command = zmsg_dup (source->types);
    zmsg_pushstr (command,
                  source->endpoints ? source->endpoints : source->wanted);
    zmsg_pushstr (command, source->kind);
    zmsg_pushstr (command, "ADD");
    return command;
}

static void
s_forget_bound (dividere_process_source_t *source)
{
    freen (source->name);
    freen (source->endpoints);
}

void
dividere_process_forget_bound (dividere_process_t *self)
{
    dividere_process_source_t *source =
        (dividere_process_source_t *) zlistx_first (self->sources);
    for (; source;
         source = (dividere_process_source_t *) zlistx_next (self->sources))
        s_forget_bound (source);
}

void
dividere_process_remove_all (dividere_process_t *self)
{
    dividere_process_source_t *source;
    while ((source = (dividere_process_source_t *) zlistx_detach (self->sources,
                                                                  NULL))) {
        s_forget_bound (source);
        zmsg_destroy (&source->types);
        freen (source->kind);
        freen (source->wanted);
        freen (source);
    }
}
