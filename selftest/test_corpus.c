/* SPDX-License-Identifier: Apache-2.0 */

/*  What the fuzzers have found worth keeping, as an ordinary test.          */

#include "selftest.h"
#include <dirent.h>
#include "fuzz/fuzz.h"

void test_corpus (void);

#define FILE_MAX 65536

static void
s_replay (const char *folder, void (*target) (const uint8_t *data, size_t size))
{
    char path[4096];
    const char *base = getenv ("DIVIDERE_FUZZ_CORPUS");
    snprintf (path, sizeof (path), "%s/%s", base ? base : DIVIDERE_FUZZ_CORPUS,
              folder);
    DIR *dir = opendir (path);
    if (!dir)
        selftest_skip ("the corpus is not here");
    size_t count = 0;
    static uint8_t s_data[FILE_MAX];
    for (struct dirent *entry; (entry = readdir (dir));) {
        char name[4096 + 300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf (name, sizeof (name), "%s/%s", path, entry->d_name);
        FILE *file = fopen (name, "rb");
        CHECK (file);
        size_t size = fread (s_data, 1, sizeof (s_data), file);
        fclose (file);
        target (s_data, size);
        count++;
    }
    closedir (dir);
    selftest_note ("%s: %zu files", folder, count);
    CHECK (count > 0);
}

void
test_corpus (void)
{
    s_replay ("scan", fuzz_scan);
    s_replay ("envelope", fuzz_envelope);
    s_replay ("extension", fuzz_extension);
    s_replay ("dispatcher", fuzz_dispatcher);
    s_replay ("mirror", fuzz_mirror);
    s_replay ("registrar", fuzz_registrar);
    s_replay ("schema", fuzz_schema);
    s_replay ("segment", fuzz_segment);
    s_replay ("snapshot", fuzz_snapshot);
    s_replay ("words", fuzz_words);
}
