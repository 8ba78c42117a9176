/* SPDX-License-Identifier: Apache-2.0 */

/*  What each message gets: functions that take and give its own type.        */

#include "generator.h"

static void
s_each (FILE *out, const char *scope, message_t *const *messages, size_t count,
        each_message_fn *each)
{
    for (size_t i = 0; i < count; i++) {
        const message_t *message = messages[i];
        if (message->options && message->options->map_entry)
            continue;
        char *full =
            text_format ("%s%s%s", scope, *scope ? "." : "", message->name);
        each (out, full);
        s_each (out, full, message->nested_type, message->n_nested_type, each);
    }
}

void
each_message (FILE *out, const file_t *file, each_message_fn *each)
{
    s_each (out, file->package ? file->package : "", file->message_type,
            file->n_message_type, each);
}

static void
s_declare_sending (FILE *out, const char *type, const char *lower)
{
    fprintf (out,
             "static inline int\n"
             "%s__send (void *sock, const %s *message)\n"
             "{\n"
             "    return dividere_send (sock, &message->base);\n"
             "}\n\n",
             lower, type);
    fprintf (out,
             "static inline int\n"
             "%s__send_to (void *sock, const dividere_route_t *route,\n"
             "    const %s *message, int timeout_ms)\n"
             "{\n"
             "    return dividere_send_to (sock, route, &message->base, "
             "timeout_ms);\n"
             "}\n\n",
             lower, type);
    fprintf (out,
             "static inline int\n"
             "%s__reply (dividere_context_t *context, const %s *message)\n"
             "{\n"
             "    return dividere_context_reply (context, &message->base) < 0 "
             "? errno : 0;\n"
             "}\n\n",
             lower, type);
}

static void
s_declare_receiving (FILE *out, const char *type, const char *lower)
{
    fprintf (out,
             "static inline const %s *\n"
             "%s__of (const dividere_message_t *message)\n"
             "{\n"
             "    return (const %s *) dividere_message_as (message, "
             "&%s__descriptor);\n"
             "}\n\n",
             type, lower, type, lower);
    fprintf (out,
             "static inline const %s *\n"
             "%s__recv (void *sock, dividere_message_t *message, "
             "int timeout_ms)\n"
             "{\n"
             "    if (dividere_types_register (&%s__descriptor) < 0 ||\n"
             "        dividere_recv_into (sock, message, timeout_ms) < 0)\n"
             "        return NULL;\n"
             "    errno = EPROTOTYPE;\n"
             "    return %s__of (message);\n"
             "}\n\n",
             type, lower, lower, lower);
}

static void
s_declare_handler (FILE *out, const char *type, const char *lower,
                   const char *upper)
{
    fprintf (out,
             "#define %s__HANDLE(function) \\\n"
             "    static int function##__handle (dividere_context_t *context, "
             "\\\n"
             "                                   const void *message) \\\n"
             "    { \\\n"
             "        return DIVIDERE_TYPED (%s, function) \\\n"
             "            (context, (const %s *) message); \\\n"
             "    }\n"
             "#define %s__HANDLER(function) \\\n"
             "    { &%s__descriptor, function##__handle, #function }\n\n",
             upper, type, type, upper, lower);
}

void
message_declare (FILE *out, const char *full)
{
    char *type = name_type (full), *lower = name_lower (full);
    fprintf (out, "/*  ---- %s ---- */\n\n", full);
    s_declare_sending (out, type, lower);
    s_declare_receiving (out, type, lower);
    s_declare_handler (out, type, lower, name_upper (full));
}
