/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FUZZ_H
#define DIVIDERE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*  Fuzz targets: each takes any bytes and aborts if something that must hold
 *  does not. Linked with libFuzzer (option fuzz) and, over the corpus that it
 *  found, run as an ordinary test.                                           */

void fuzz_scan (const uint8_t *data, size_t size);
void fuzz_dispatcher (const uint8_t *data, size_t size);
void fuzz_envelope (const uint8_t *data, size_t size);
void fuzz_extension (const uint8_t *data, size_t size);
void fuzz_mirror (const uint8_t *data, size_t size);
void fuzz_registrar (const uint8_t *data, size_t size);
void fuzz_schema (const uint8_t *data, size_t size);
void fuzz_segment (const uint8_t *data, size_t size);
void fuzz_snapshot (const uint8_t *data, size_t size);
void fuzz_words (const uint8_t *data, size_t size);

#ifdef DIVIDERE_FUZZ_TARGET
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    DIVIDERE_FUZZ_TARGET (data, size);
    return 0;
}
#endif

#endif
