/* SPDX-License-Identifier: Apache-2.0 */

/*  A pool of processes that draws pictures: the Mandelbrot set, from afar and
 *  from ever closer.
 *
 *  Each frame is cut into tiles. A tile is a message to a proxy, which hands it
 *  to the next process of the pool; the pixels come back in the reply and are
 *  put together here. The processes are this program once more, which
 *  dividere_process_main turns into the reactor "tiles".
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc -O2 image_pool.c guide.pb-c.c \
 *            $(pkg-config --cflags --libs dividere libpng) -lm
 *  Run:   ./a.out [NAME [WIDTH HEIGHT]], which writes NAME-1.png, NAME-2.png,
 *         NAME-3.png                                                        */

#include <dividere.h>
#include <complex.h>
#include <math.h>
#include <unistd.h>
#include <png.h>
#include "guide.pb-c.h"

#define DEADLINE_MS   10000
#define PROCESSES_MAX 8
#define OUTSTANDING   4 /* tiles of each process: it never waits            */
#define TILE          64
#define PIXELS_MAX    4096 /* width and height of a frame                   */
#define ITERATIONS    500
#define ESCAPE        10000.0

/*  What the frames show: the point in the middle, and the width.            */
static const struct {
    double complex centre;
    double width;
} s_views[] = {
    { -0.6, 3.2 },
    { -0.7458 + 0.102 * I, 0.011 },
    { -0.7436438 + 0.1318259 * I, 0.0018 },
};
#define FRAMES (sizeof s_views / sizeof *s_views)

/*  All frames, one after the other.                                         */
typedef struct {
    uint32_t width, height;
    uint32_t columns, rows; /* of tiles                                    */
    bool *done;             /* by the index of the tile                    */
    uint8_t *pixels;
} film_t;

typedef struct {
    zactor_t *proxy;
    zactor_t *processes[PROCESSES_MAX];
    dividere_connector_t *client;
} pool_t;

/*  How soon a point escapes tells its colour; the slope there, as on a map of
 *  mountains, how much light falls on it.                                   */
static void
s_add_light (double complex point, double *rgb)
{
    double complex z = 0, slope = 0;
    double square = 0; /* of the distance from 0                           */
    int count = 0;
    for (; count < ITERATIONS && square < ESCAPE; count++) {
        slope = 2 * z * slope + 1;
        z = z * z + point;
        square = creal (z * conj (z));
    }
    if (count == ITERATIONS)
        return;
    double steps = count - log2 (log (square) / log (ESCAPE));
    double complex normal = z / slope / cabs (z / slope);
    double light = (creal (normal * cexp (-0.785 * I)) + 1.4) / 2.4;
    for (int i = 0; i < 3; i++)
        rgb[i] += light * (0.5 + 0.5 * cos (3 + steps * 0.12 + i * 0.55));
}

/*  The mean of four points of the pixel.                                    */
static void
s_paint (double complex pixel, double step, uint8_t *ret_rgb)
{
    double rgb[3] = { 0 };
    for (int i = 0; i < 4; i++)
        s_add_light (pixel + step * (i % 2 / 2.0 + i / 2 / 2.0 * I), rgb);
    for (int i = 0; i < 3; i++)
        ret_rgb[i] = (uint8_t) (255 * fmin (1, rgb[i] / 4));
}

static int
on_render_tile (dividere_context_t *context, const RenderTile *request)
{
    Tile *tile = request->tile;
    uint8_t pixels[TILE * TILE * 3];
    if (!tile || tile->width > TILE || tile->height > TILE)
        return EINVAL;
    for (uint32_t y = 0; y < tile->height; y++)
        for (uint32_t x = 0; x < tile->width; x++)
            s_paint (request->real + x * request->step +
                         (request->imaginary - y * request->step) * I,
                     request->step, pixels + (y * tile->width + x) * 3);
    TileImage reply = TILE_IMAGE__INIT;
    reply.tile = tile;
    reply.pixels.data = pixels;
    reply.pixels.len = (size_t) tile->width * tile->height * 3;
    return dividere_context_reply (context, &reply.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (RenderTile, render_tile, on_render_tile),
    DIVIDERE_HANDLER_END,
};
static const dividere_reactor_config_t s_config = { .handlers = s_handlers };
static const dividere_process_reactor_t s_reactors[] = {
    { "tiles", &s_config },
    { NULL, NULL },
};

/*  Returns the endpoint that was bound, the caller's to free, or NULL.      */
static char *
s_bind (zactor_t *proxy, const char *side)
{
    zmsg_t *reply = NULL;
    if (dividere_call (proxy, &reply, DEADLINE_MS, "BIND", side,
                       "tcp://127.0.0.1:*", NULL) < 0)
        return NULL;
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

static int
s_start_process (zactor_t *process, const char *backend)
{
    if (dividere_call (process, NULL, DEADLINE_MS, "ADD", "response", backend,
                       NULL) < 0)
        return -1;
    return dividere_call (process, NULL, -1, "START", NULL);
}

static int
s_pool_start (pool_t *self, int processes)
{
    self->proxy = zactor_new (dividere_proxy, NULL);
    char *frontend = s_bind (self->proxy, "frontend");
    char *backend = s_bind (self->proxy, "backend");
    if (frontend && backend)
        self->client = dividere_dealer_new (frontend, NULL);
    int rc = self->client ? 0 : -1;
    dividere_process_config_t config = { .reactor = "tiles" };
    for (int i = 0; rc == 0 && i < processes; i++) {
        self->processes[i] = zactor_new (dividere_process, &config);
        rc = s_start_process (self->processes[i], backend);
    }
    free (backend);
    free (frontend);
    return rc;
}

static int
s_pool_stop (pool_t *self)
{
    int rc = 0;
    dividere_connector_destroy (&self->client);
    for (int i = 0; i < PROCESSES_MAX; i++)
        rc |= dividere_stop (&self->processes[i], DEADLINE_MS);
    return rc | dividere_stop (&self->proxy, DEADLINE_MS);
}

static void
s_film_init (film_t *self, uint32_t width, uint32_t height)
{
    self->width = width;
    self->height = height;
    self->columns = (width + TILE - 1) / TILE;
    self->rows = (height + TILE - 1) / TILE;
    self->done = (bool *) zmalloc (FRAMES * self->columns * self->rows);
    self->pixels = (uint8_t *) zmalloc (FRAMES * width * height * 3);
}

static void
s_film_deinit (film_t *self)
{
    free (self->done);
    free (self->pixels);
}

static Tile
s_film_tile (const film_t *self, size_t index)
{
    Tile tile = TILE__INIT;
    tile.x = (uint32_t) (index % self->columns) * TILE;
    tile.y = (uint32_t) (index / self->columns % self->rows) * TILE;
    tile.frame = (uint32_t) (index / self->columns / self->rows);
    tile.width = MIN (TILE, self->width - tile.x);
    tile.height = MIN (TILE, self->height - tile.y);
    return tile;
}

/*  Returns 0, or -1 with EPROTO for what is not a tile that was missing.    */
static int
s_film_add (film_t *self, const TileImage *image)
{
    errno = EPROTO;
    const Tile *tile = image ? image->tile : NULL;
    if (!tile || tile->frame >= FRAMES || tile->x >= self->width ||
        tile->y >= self->height)
        return -1;
    size_t index =
        ((size_t) tile->frame * self->rows + tile->y / TILE) * self->columns +
        tile->x / TILE;
    Tile missing = s_film_tile (self, index);
    size_t row = (size_t) missing.width * 3;
    if (self->done[index] || tile->x != missing.x || tile->y != missing.y ||
        image->pixels.len != row * missing.height)
        return -1;
    self->done[index] = true;
    size_t line = (size_t) tile->frame * self->height + tile->y;
    for (size_t y = 0; y < missing.height; y++)
        memcpy (self->pixels + ((line + y) * self->width + tile->x) * 3,
                image->pixels.data + y * row, row);
    return 0;
}

static int
s_film_write (const film_t *self, const char *name)
{
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = self->width,
                        .height = self->height,
                        .format = PNG_FORMAT_RGB };
    for (size_t frame = 0; frame < FRAMES; frame++) {
        char *path = zsys_sprintf ("%s-%zu.png", name, frame + 1);
        const uint8_t *pixels =
            self->pixels + frame * self->width * self->height * 3;
        int ok = png_image_write_to_file (&image, path, 0, pixels, 0, NULL);
        if (ok)
            printf ("%s\n", path);
        else
            fprintf (stderr, "%s: %s\n", path, image.message);
        zstr_free (&path);
        if (!ok)
            return -1;
    }
    return 0;
}

/*  A response wants an empty frame in front of a request: it is the route.  */
static int
s_ask (dividere_connector_t *client, const dividere_route_t *route,
       const film_t *film, size_t index)
{
    Tile tile = s_film_tile (film, index);
    RenderTile request = RENDER_TILE__INIT;
    request.tile = &tile;
    request.step = s_views[tile.frame].width / film->width;
    request.real = creal (s_views[tile.frame].centre) +
                   (tile.x - film->width / 2.0) * request.step;
    request.imaginary = cimag (s_views[tile.frame].centre) -
                        (tile.y - film->height / 2.0) * request.step;
    return dividere_send_to (client, route, &request.base, DEADLINE_MS);
}

static int
s_receive (dividere_connector_t *client, dividere_message_t *message,
           film_t *film)
{
    if (dividere_recv_into (client, message, DEADLINE_MS) < 0)
        return -1;
    return s_film_add (film,
                       DIVIDERE_MESSAGE_AS (message, TileImage, tile_image));
}

/*  Each tile that comes is a new one: as many as were asked for are all.    */
static int
s_draw (pool_t *pool, film_t *film, size_t outstanding)
{
    size_t count = FRAMES * film->columns * film->rows;
    dividere_message_t *message = dividere_message_new ();
    dividere_route_t *route = dividere_route_new ();
    int rc = dividere_route_append (route, "", 0);
    for (size_t asked = 0, got = 0; rc == 0 && got < count;) {
        if (asked < count && asked - got < outstanding)
            rc = s_ask (pool->client, route, film, asked++);
        else {
            rc = s_receive (pool->client, message, film);
            got++;
        }
    }
    dividere_route_destroy (&route);
    dividere_message_destroy (&message);
    return rc;
}

static int
s_run (const char *name, uint32_t width, uint32_t height)
{
    int processes = (int) sysconf (_SC_NPROCESSORS_ONLN);
    processes = MAX (1, MIN (processes, PROCESSES_MAX));
    pool_t pool = { NULL };
    film_t film;
    s_film_init (&film, width, height);
    int64_t start = zclock_mono ();
    int rc = dividere_types_register (&tile_image__descriptor);
    if (rc == 0)
        rc = s_pool_start (&pool, processes);
    if (rc == 0)
        rc = s_draw (&pool, &film, (size_t) processes * OUTSTANDING);
    if (rc < 0)
        perror ("image pool");
    else
        printf ("%zu frames of %ux%u by %d processes in %" PRId64 " ms\n",
                FRAMES, width, height, processes, zclock_mono () - start);
    if (rc == 0)
        rc = s_film_write (&film, name);
    if (s_pool_stop (&pool) < 0)
        rc = -1;
    s_film_deinit (&film);
    return rc;
}

int
main (int argc, char **argv)
{
    dividere_process_main (argc, argv, s_reactors);
    long width = argc == 4 ? strtol (argv[2], NULL, 10) : 640;
    long height = argc == 4 ? strtol (argv[3], NULL, 10) : 480;
    if (argc == 3 || argc > 4 || width < 1 || width > PIXELS_MAX ||
        height < 1 || height > PIXELS_MAX) {
        fprintf (stderr, "usage: %s [NAME [WIDTH HEIGHT]], up to %d pixels\n",
                 argv[0], PIXELS_MAX);
        return 1;
    }
    return s_run (argc > 1 ? argv[1] : "image", (uint32_t) width,
                  (uint32_t) height) < 0;
}
