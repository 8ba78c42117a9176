/* SPDX-License-Identifier: Apache-2.0 */

/*  What each service gets: calls for its clients, and a table of handlers that
 *  must all be there and be of the right types.                             */

#include <string.h>
#include "generator.h"

char *
service_check (const char *package, const service_t *service)
{
    for (size_t i = 0; i < service->n_method; i++) {
        const method_t *method = service->method[i];
        if (method->client_streaming || method->server_streaming)
            return text_format ("service %s: %s is a stream, which requests "
                                "and replies are not: publish",
                                service->name, method->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp (service->method[j]->input_type, method->input_type) ==
                0)
                return text_format (
                    "service %s: %s and %s both take %s, but a request finds "
                    "its handler by its type",
                    service->name, service->method[j]->name, method->name,
                    method->input_type + 1);
    }
    return NULL;
}

static void
s_declare_client (FILE *out, const char *prefix, const char *input,
                  const char *output, const char *output_lower)
{
    fprintf (out,
             "static inline const %s *\n"
             "%s__call (dividere_client_t *client, const %s *request,\n"
             "    int deadline_ms, dividere_message_t *reply)\n"
             "{\n"
             "    dividere_request_options_t options = "
             "DIVIDERE_REQUEST_OPTIONS_INIT;\n"
             "    options.deadline_ms = deadline_ms;\n"
             "    if (dividere_types_register (&%s__descriptor) < 0 ||\n"
             "        dividere_client_request (client, &request->base, "
             "&options, reply) < 0)\n"
             "        return NULL;\n"
             "    errno = EPROTOTYPE;\n"
             "    return (const %s *) dividere_message_as (reply, "
             "&%s__descriptor);\n"
             "}\n\n",
             output, prefix, input, output_lower, output, output_lower);
    fprintf (
        out,
        "static inline int\n"
        "%s__send (dividere_client_t *client, const %s *request,\n"
        "    const dividere_request_options_t *options, "
        "uint64_t *ret_number)\n"
        "{\n"
        "    if (dividere_types_register (&%s__descriptor) < 0)\n"
        "        return -1;\n"
        "    return dividere_client_send (client, &request->base, options, "
        "ret_number);\n"
        "}\n\n",
        prefix, input, output_lower);
}

static void
s_declare_method (FILE *out, const char *service, const method_t *method)
{
    char *prefix =
        text_format ("%s__%s", name_lower (service), name_lower (method->name));
    char *output = name_type (method->output_type);
    fprintf (out, "/*  ---- %s.%s ---- */\n\n", service, method->name);
    s_declare_client (out, prefix, name_type (method->input_type), output,
                      name_lower (method->output_type));
    fprintf (out,
             "static inline int\n"
             "%s__reply (dividere_context_t *context, const %s *reply)\n"
             "{\n"
             "    return dividere_context_reply (context, &reply->base) < 0 ? "
             "errno : 0;\n"
             "}\n\n",
             prefix, output);
}

static void
s_declare_handlers (FILE *out, const char *full, const service_t *service)
{
    fprintf (out, "#define %s__HANDLERS(table", name_upper (full));
    for (size_t i = 0; i < service->n_method; i++)
        fprintf (out, ", on_%s", name_lower (service->method[i]->name));
    fprintf (out, ") \\\n");
    for (size_t i = 0; i < service->n_method; i++) {
        const method_t *method = service->method[i];
        char *lower = name_lower (method->name);
        char *type = name_type (method->input_type);
        fprintf (out,
                 "    static int table##__%s (dividere_context_t *context, \\\n"
                 "        const void *message) \\\n"
                 "    { \\\n"
                 "        return DIVIDERE_TYPED (%s, on_%s) \\\n"
                 "            (context, (const %s *) message); \\\n"
                 "    } \\\n",
                 lower, type, lower, type);
    }
    fprintf (out, "    static const dividere_handler_t table[] = { \\\n");
    for (size_t i = 0; i < service->n_method; i++) {
        const method_t *method = service->method[i];
        char *lower = name_lower (method->name);
        fprintf (out, "        { &%s__descriptor, table##__%s, #on_%s }, \\\n",
                 name_lower (method->input_type), lower, lower);
    }
    fprintf (out, "        DIVIDERE_HANDLER_END \\\n    }\n\n");
}

void
service_declare (FILE *out, const char *package, const service_t *service)
{
    char *full =
        text_format ("%s%s%s", package, *package ? "." : "", service->name);
    for (size_t i = 0; i < service->n_method; i++)
        s_declare_method (out, full, service->method[i]);
    s_declare_handlers (out, full, service);
}
