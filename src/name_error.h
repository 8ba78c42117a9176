/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_ERROR_H
#define DIVIDERE_NAME_ERROR_H

/*  What a name server says is wrong (the fields "error" of
 *  proto/dividere/control.proto and names.proto): part of the protocol.     */
typedef enum {
    DIVIDERE_NAME_OK,
    DIVIDERE_NAME_UNKNOWN,      /* nobody is there                          */
    DIVIDERE_NAME_BAD_NAME,     /* empty, or over 255 bytes                 */
    DIVIDERE_NAME_BAD_SERVER,   /* empty, over 255 bytes, or has spaces     */
    DIVIDERE_NAME_BAD_PORT,     /* not 1 to 65535                           */
    DIVIDERE_NAME_BAD_METADATA, /* release and tags over the limit          */
    DIVIDERE_NAME_FULL,         /* a limit of the name server               */
    DIVIDERE_NAME_CONFLICT,     /* another instance is at this place        */
    DIVIDERE_NAME_DENIED,       /* it may not                               */
    DIVIDERE_NAME_STALE,        /* of a page: the name to go on from is gone */
    DIVIDERE_NAME_BAD_REQUEST,  /* a scope that does not exist              */
    DIVIDERE_NAME_ERRORS
} dividere_name_error_t;

#endif
