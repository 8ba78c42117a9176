/* SPDX-License-Identifier: Apache-2.0 */

/*  Reading endpoints.                                                       */

#include "selftest.h"
#include "endpoint.h"

void test_endpoint (void);
void test_endpoint_list (void);

static int
s_read (const char *text, bool bind)
{
    dividere_endpoint_t endpoint;
    const char *list = text;
    int rc = dividere_endpoint_next (&list, &endpoint);
    if (rc != 1)
        return rc;
    return dividere_endpoint_check (&endpoint, bind) < 0 ? -1 : 1;
}

void
test_endpoint (void)
{
    static const char *const s_both[] = {
        "tcp://127.0.0.1:1", "tcp://localhost:65535",
        "tcp://[::1]:5555",  "tcp://[fe80::1%eth0]:1",
        "ipc://path",        "ipc://@abstract",
        "inproc://x",        " tcp://a.b.c:80\t",
    };
    static const char *const s_bind_only[] = {
        "tcp://*:*",    "tcp://127.0.0.1:*", "tcp://eth0:0",
        "tcp://*:5555", "ipc://*",
    };
    static const char *const s_bad[] = {
        "nonsense",
        "tcp:/a:1",
        "tcp://",
        "tcp://host",
        "tcp://:5555",
        "tcp://host:",
        "tcp://host:99999",
        "tcp://host:-1",
        "tcp://host:1x",
        "tcp://host:000001",
        "tcp://::1:5555",
        "tcp://[]:5555",
        "tcp://[::1]5555",
        "tcp://a b:1",
        "tcp://host:1\x01",
        "ipc://",
        "inproc://",
        "@",
        ">",
        "@ tcp://a:1",
        "tcp://h:**",
    };
    for (size_t i = 0; i < sizeof (s_both) / sizeof (s_both[0]); i++) {
        CHECK_INT (s_read (s_both[i], true), 1);
        CHECK_INT (s_read (s_both[i], false), 1);
    }
    for (size_t i = 0; i < sizeof (s_bind_only) / sizeof (s_bind_only[0]);
         i++) {
        CHECK_INT (s_read (s_bind_only[i], true), 1);
        CHECK_FAILS (s_read (s_bind_only[i], false), EINVAL);
    }
    for (size_t i = 0; i < sizeof (s_bad) / sizeof (s_bad[0]); i++) {
        selftest_note ("%s", s_bad[i]);
        CHECK_FAILS (s_read (s_bad[i], true), EINVAL);
    }
    CHECK_INT (s_read ("tcp://eth0:0;host:5555", false), 1);
    CHECK_FAILS (s_read ("tcp://eth0:0;host:5555", true), EINVAL);
    CHECK_FAILS (s_read ("tcp://eth0;host:5555", false), EINVAL);
    CHECK_FAILS (s_read ("tcp://host:0", false), EINVAL);
    CHECK_FAILS (s_read ("pgm://x:1", true), EPROTONOSUPPORT);
    CHECK_FAILS (s_read ("://x", true), EPROTONOSUPPORT);

    char longest[300] = "inproc://";
    memset (longest + 9, 'x', DIVIDERE_ENDPOINT_MAX - 9);
    CHECK_INT (s_read (longest, true), 1);
    longest[DIVIDERE_ENDPOINT_MAX] = 'x';
    CHECK_FAILS (s_read (longest, true), EINVAL);
    memcpy (longest, "ipc://xxx", 9);
    longest[6 + 107] = 0;
    CHECK_INT (s_read (longest, true), 1);
    longest[6 + 107] = 'x';
    longest[6 + 108] = 0;
    CHECK_FAILS (s_read (longest, true), EINVAL);
}

void
test_endpoint_list (void)
{
    dividere_endpoint_t endpoint;
    const char *list = "@tcp://a:1, >ipc://@b,inproc://c*";
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
    CHECK_STR (endpoint.address, "tcp://a:1");
    CHECK_INT (endpoint.role, DIVIDERE_ENDPOINT_BIND);
    CHECK (!endpoint.wildcard);
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
    CHECK_STR (endpoint.address, "ipc://@b");
    CHECK_INT (endpoint.role, DIVIDERE_ENDPOINT_CONNECT);
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
    CHECK_STR (endpoint.address, "inproc://c*");
    CHECK_INT (endpoint.role, DIVIDERE_ENDPOINT_EITHER);
    CHECK (endpoint.wildcard);
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 0);

    static const char *const s_bad[] = { ",", "tcp://a:1,", ",tcp://a:1",
                                         "tcp://a:1,,tcp://b:1" };
    for (size_t i = 0; i < sizeof (s_bad) / sizeof (s_bad[0]); i++) {
        int rc;
        list = s_bad[i];
        while ((rc = dividere_endpoint_next (&list, &endpoint)) == 1)
            ;
        CHECK_INT (rc, -1);
        CHECK_INT (errno, EINVAL);
    }
}
