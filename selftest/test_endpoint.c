/* SPDX-License-Identifier: Apache-2.0 */

/*  Reading endpoints.                                                       */

#include "selftest.h"
#include "endpoint.h"

void test_endpoint (void);
void test_endpoint_list (void);

#define EITHER  DIVIDERE_ENDPOINT_EITHER
#define BIND    DIVIDERE_ENDPOINT_BIND
#define CONNECT DIVIDERE_ENDPOINT_CONNECT

/*  What is read, and whether it may be bound and connected.                 */
static const struct {
    const char *text;
    const char *address;
    dividere_endpoint_role_t role;
    bool wildcard;
    bool bindable;
    bool connectable;
} s_good[] = {
    { "tcp://host:5555", "tcp://host:5555", EITHER, false, true, true },
    { "@tcp://host:5555", "tcp://host:5555", BIND, false, true, true },
    { ">tcp://host:5555", "tcp://host:5555", CONNECT, false, true, true },
    { " \ttcp://host:1\r\n", "tcp://host:1", EITHER, false, true, true },
    { "tcp://host:65535", "tcp://host:65535", EITHER, false, true, true },
    { "tcp://a.b-c_d.e:80", "tcp://a.b-c_d.e:80", EITHER, false, true, true },
    { "tcp://host:0", "tcp://host:0", EITHER, false, true, false },
    { "tcp://host:10", "tcp://host:10", EITHER, false, true, true },
    { "tcp://*:*", "tcp://*:*", EITHER, true, true, false },
    { "tcp://*:5555", "tcp://*:5555", EITHER, true, true, false },
    { "tcp://eth0:*", "tcp://eth0:*", EITHER, true, true, false },
    { "tcp://[::1]:5555", "tcp://[::1]:5555", EITHER, false, true, true },
    { "tcp://[fe80::1%eth0]:0", "tcp://[fe80::1%eth0]:0", EITHER, false, true,
      false },
    { "tcp://src:0;host:5555", "tcp://src:0;host:5555", EITHER, false, false,
      true },
    { "tcp://[::1]:*;[::1]:5555", "tcp://[::1]:*;[::1]:5555", EITHER, true,
      false, true },
    { "tcp://src:7;host:*", "tcp://src:7;host:*", EITHER, true, false, false },
    { "tcp://src:7;host:0", "tcp://src:7;host:0", EITHER, false, false, false },
    { "ipc://some/path", "ipc://some/path", EITHER, false, true, true },
    { "ipc:///some/p:0", "ipc:///some/p:0", EITHER, false, true, true },
    { "ipc://@x", "ipc://@x", EITHER, false, true, true },
    { "@ipc://@x", "ipc://@x", BIND, false, true, true },
    { ">ipc://@x", "ipc://@x", CONNECT, false, true, true },
    { "ipc://*", "ipc://*", EITHER, true, true, false },
    { "ipc://gr\xC3\xBC\xC3\x9F", "ipc://gr\xC3\xBC\xC3\x9F", EITHER, false,
      true, true },
    { "inproc://name", "inproc://name", EITHER, false, true, true },
    { "inproc://a://b", "inproc://a://b", EITHER, false, true, true },
    { "inproc://@:0", "inproc://@:0", EITHER, false, true, true },
};

static const struct {
    const char *text;
    int error;
} s_bad[] = {
    { " ", EINVAL },
    { ",", EINVAL },
    { " , ", EINVAL },
    { ",tcp://host:1", EINVAL },
    { "tcp://host:1,", EINVAL },
    { "@", EINVAL },
    { ">", EINVAL },
    { "host", EINVAL },
    { "host:5555", EINVAL },
    { "tcp", EINVAL },
    { "tcp:", EINVAL },
    { "tcp:/host:1", EINVAL },
    { "://", EINVAL },
    { "tcp://", EINVAL },
    { "tcp://host", EINVAL },
    { "tcp://host:", EINVAL },
    { "tcp://:5555", EINVAL },
    { "tcp://:", EINVAL },
    { "tcp://5555", EINVAL },
    { "tcp://*", EINVAL },
    { "tcp://host:99999", EINVAL },
    { "tcp://host:65536", EINVAL },
    { "tcp://host:100000", EINVAL },
    { "tcp://host:4294967297", EINVAL },
    { "tcp://host:-1", EINVAL },
    { "tcp://host:+1", EINVAL },
    { "tcp://host:0x1", EINVAL },
    { "tcp://host:00", EINVAL },
    { "tcp://host:0080", EINVAL },
    { "tcp://host:80a", EINVAL },
    { "tcp://host:**", EINVAL },
    { "tcp://host:!", EINVAL },
    { "tcp://host:80/", EINVAL },
    { "tcp://::1:5555", EINVAL },
    { "tcp://[]:5555", EINVAL },
    { "tcp://[::1]", EINVAL },
    { "tcp://[::1:5555", EINVAL },
    { "tcp://[::1]x:5555", EINVAL },
    { "tcp://;host:5555", EINVAL },
    { "tcp://src;host:5555", EINVAL },
    { "tcp://src:0;", EINVAL },
    { "tcp://src:0;host", EINVAL },
    { "tcp://src:99999;host:5555", EINVAL },
    { "tcp://a:0;b:0;host:5555", EINVAL },
    { "tcp://ho st:5555", EINVAL },
    { "tcp:// host:5555", EINVAL },
    { "@ tcp://host:5555", EINVAL },
    { "tcp://host\t:5555", EINVAL },
    { "tcp://host\n:5555", EINVAL },
    { "tcp://host\x7F:5555", EINVAL },
    { "ipc://", EINVAL },
    { "ipc://@", EINVAL },
    { "inproc://", EINVAL },
    { "inproc://a b", EINVAL },
    { "://x", EPROTONOSUPPORT },
    { "udp://host:5555", EPROTONOSUPPORT },
    { "pgm://eth0;239.192.1.1:5555", EPROTONOSUPPORT },
    { "TCP://host:5555", EPROTONOSUPPORT },
    { "@@tcp://host:5555", EPROTONOSUPPORT },
    { "xtcp://host:5555", EPROTONOSUPPORT },
    { "tcpx://host:5555", EPROTONOSUPPORT },
    { "%s%n://x", EPROTONOSUPPORT },
};

static void
s_check_good (size_t i)
{
    selftest_note ("\"%s\"", s_good[i].text);
    const char *list = s_good[i].text;
    dividere_endpoint_t endpoint;
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
    CHECK_STR (endpoint.address, s_good[i].address);
    CHECK_INT (endpoint.role, s_good[i].role);
    CHECK_INT (endpoint.wildcard, s_good[i].wildcard);
    for (int bind = 0; bind < 2; bind++) {
        bool fine = bind ? s_good[i].bindable : s_good[i].connectable;
        errno = 0;
        CHECK_INT (dividere_endpoint_check (&endpoint, bind), fine ? 0 : -1);
        CHECK_INT (errno, fine ? 0 : EINVAL);
    }
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 0);
    CHECK_STR (list, "");
}

/*  Refused with this error, and nothing is touched.                         */
static void
s_check_bad (const char *text, int error)
{
    selftest_note ("\"%.80s\"", text);
    dividere_endpoint_t endpoint, before;
    memset (&endpoint, 0x5A, sizeof (endpoint));
    memcpy (&before, &endpoint, sizeof (before));
    const char *list = text;
    errno = 0;
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), -1);
    CHECK_INT (errno, error);
    CHECK (list == text);
    CHECK_INT (memcmp (&before, &endpoint, sizeof (before)), 0);
}

/*  A prefix, then as many of this character as make size bytes.             */
static char *
s_long (const char *prefix, char filler, size_t size)
{
    char *text = (char *) malloc (size + 1);
    CHECK (text);
    memset (text, filler, size);
    memcpy (text, prefix, strlen (prefix));
    text[size] = 0;
    return text;
}

static void
s_check_size (const char *prefix, size_t size, bool fine)
{
    char *text = s_long (prefix, 'x', size);
    const char *list = text;
    dividere_endpoint_t endpoint;
    if (fine) {
        CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
        CHECK_INT (strlen (endpoint.address), size - (*prefix == '@'));
    }
    else
        s_check_bad (text, EINVAL);
    free (text);
}

static void
s_check_sizes (void)
{
    const size_t mega = 1 << 20;
    s_check_size ("ipc://", 6 + 107, true);
    s_check_size ("ipc://", 6 + 108, false);
    s_check_size ("ipc://@", 6 + 107, true);
    s_check_size ("ipc://@", 6 + 108, false);
    s_check_size ("inproc://", DIVIDERE_ENDPOINT_MAX, true);
    s_check_size ("inproc://", DIVIDERE_ENDPOINT_MAX + 1, false);
    s_check_size ("@inproc://", DIVIDERE_ENDPOINT_MAX + 1, true);
    s_check_size ("@inproc://", DIVIDERE_ENDPOINT_MAX + 2, false);
    s_check_size ("inproc://", mega, false);
    s_check_size ("", mega, false);
    const char fillers[] = { ',', ':', '@', ';', '[', '*', '9', '\xFF' };
    for (size_t i = 0; i < sizeof (fillers); i++) {
        char *text = s_long ("tcp://", fillers[i], mega);
        s_check_bad (text, EINVAL);
        free (text);
    }
}

void
test_endpoint (void)
{
    for (size_t i = 0; i < sizeof (s_good) / sizeof (s_good[0]); i++)
        s_check_good (i);
    for (size_t i = 0; i < sizeof (s_bad) / sizeof (s_bad[0]); i++)
        s_check_bad (s_bad[i].text, s_bad[i].error);
    s_check_sizes ();
}

void
test_endpoint_list (void)
{
    const char *list = "@tcp://a:1 , >ipc://b,inproc://c ";
    const char *addresses[] = { "tcp://a:1", "ipc://b", "inproc://c" };
    const dividere_endpoint_role_t roles[] = { BIND, CONNECT, EITHER };
    dividere_endpoint_t endpoint;
    for (int i = 0; i < 3; i++) {
        CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
        CHECK_STR (endpoint.address, addresses[i]);
        CHECK_INT (endpoint.role, roles[i]);
    }
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 0);

    list = "";
    CHECK_INT (dividere_endpoint_next (&list, &endpoint), 0);

    /* What is wrong in the middle is found when its turn comes.             */
    const char *middles[] = { "tcp://a:1,,tcp://b:2", "tcp://a:1, ,tcp://b:2",
                              "tcp://a:1, " };
    for (int i = 0; i < 3; i++) {
        list = middles[i];
        CHECK_INT (dividere_endpoint_next (&list, &endpoint), 1);
        s_check_bad (list, EINVAL);
    }
}
