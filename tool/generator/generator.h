/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_GENERATOR_H
#define DIVIDERE_GENERATOR_H

#include <stdbool.h>
#include <stdio.h>
#include "plugin.pb-c.h"
#include "wire_schema.pb-c.h"

/*  protoc-gen-dividere: for NAME.proto it makes NAME.dividere.h and
 *  NAME.dividere.c, beside what protoc-gen-c makes and upon it.             */

typedef Dividere__Wire__File file_t;
typedef Dividere__Wire__Message message_t;
typedef Dividere__Wire__Field field_t;
typedef Dividere__Wire__Service service_t;
typedef Dividere__Wire__Method method_t;

/*  Memory, and texts, that live until the program ends.                     */
void *keep (void *memory);
char *text_format (const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));

/*  The names that protoc-gen-c gives to what is called FULL in the .proto:
 *  "pack.SomeType" is Pack__SomeType, pack__some_type, PACK__SOME_TYPE. A point
 *  may be in front.                                                         */
char *name_type (const char *full);
char *name_lower (const char *full);
char *name_upper (const char *full);

/*  "dir/some-file.proto" of the package pack: pack__some_file, what the
 *  functions of the file begin with; and "dir/some-file", what files do.     */
char *name_of_file (const file_t *file);
char *name_stem (const char *path);

/*  Calls a function for each message of a file that has a type in C, also those
 *  within others.                                                           */
typedef void (each_message_fn) (FILE *out, const char *full);
void each_message (FILE *out, const file_t *file, each_message_fn *each);

/*  Functions for one message, and for one service. What is wrong with a service
 *  is a text, else NULL.                                                    */
void message_declare (FILE *out, const char *full);
char *service_check (const char *package, const service_t *service);
void service_declare (FILE *out, const char *package, const service_t *service);

/*  A packer for each message of a file. What cannot be packed is a text, else
 *  NULL.                                                                     */
char *packers_check (const file_t *file);
void packers_define (FILE *out, const file_t *file);

/*  A file and all that it imports as a FileDescriptorSet, without comments.  */
void schema_define (FILE *out, const char *name,
                    const Dividere__Plugin__Request *request, file_t **files,
                    const file_t *file);

#endif
