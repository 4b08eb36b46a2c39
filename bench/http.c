/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - CPU per GET of a full map from what an rproxy answers with, beside nginx that serves the same bytes from
 * disk, by HTTP and by HTTPS: each a process of its own with one thread that answers. */
#include "child.h"
#include "core/ird.h"
#include "core/render.h"
#include "io/loop.h"
#include "load.h"
#include "secure.h"
#include "serving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 25, QUICK_BLOCKS = 3, SIZES = 3, DIRECTORY = 64, HANDSHAKES = 25 /* of one block */ };

/* A map of about the size wanted. */
typedef struct {
    const char *id, *title;
    size_t pids, connections, rounds; /* rounds of one block */
    size_t secure;                    /* requests of one block by HTTPS */
} body;

static const body bodies[SIZES] = {{"map-1-kb", "1 KB", 6, 16, 250, 500},
                                   {"map-200-kb", "200 KB", 104, 16, 20, 50},
                                   {"map-20-mb", "20 MB", 1040, 2, 6, 3}};

/* nginx as distributions set it up, which is what counts; keeping files open, which saves it three system calls of an
 * answer; and as it is when nothing is said. */
enum { SENDFILE, OPEN_FILES, PLAIN, NGINXES };
static const struct {
    const char *directives; /* beside those that all have: one worker, no log, endless keep-alive */
    const char *suffix;     /* of the measurement's name */
    const char *title;
} peers[NGINXES] = {{"sendfile on; tcp_nopush on;", "", "nginx, the same bytes from disk: sendfile on; tcp_nopush on;"},
                    {"sendfile on; tcp_nopush on; open_file_cache max=16;", ", nginx keeping files open",
                     "nginx, the same, and open_file_cache"},
                    {"", ", nginx without sendfile", "nginx, the same bytes from disk, sendfile off"}};

typedef struct {
    bench_processors on; /* the servers on `other`, the load on `one` */
    bench_serving ours;
    pid_t nginx[NGINXES];
    unsigned nginx_port[NGINXES], nginx_tls_port;        /* that of SENDFILE */
    char directory[DIRECTORY];                           /* of nginx: its configurations, and the bodies in www/ */
    char certificate[DIRECTORY + 8], key[DIRECTORY + 8]; /* of both, in it */
} servers;

static void commit_maps(bench_origin *origin)
{
    alto_version *versions[SIZES];
    alto_new_state states[SIZES];
    for (int i = 0; i < SIZES; i++) {
        sim_random random = {(uint64_t)i};
        versions[i] = bench_cost_map(origin->pool, bodies[i].pids, &random);
    }
    const int by_name[SIZES] = {0, 2, 1};
    for (int i = 0; i < SIZES; i++)
        states[i] =
            (alto_new_state){.name = {.id = alto_slice_text(bodies[by_name[i]].id)}, .version = versions[by_name[i]]};
    bench_must(alto_committer_commit(origin->committer, origin->pool, states, SIZES, alto_clock_ms()), "commit");
    for (int i = 0; i < SIZES; i++)
        alto_version_release(versions[i]);
}

/* ---- nginx ---- */

static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        bench_die("no free port: %s", strerror(errno));
    close(fd);
    return ntohs(at.sin_port);
}

static void write_file(const servers *self, const char *name, alto_slice bytes)
{
    char path[DIRECTORY + 64];
    snprintf(path, sizeof path, "%s/%s", self->directory, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0)
        bench_die("%s: cannot write", path);
}

static void write_configuration(const servers *self, int which, const char *name)
{
    alto_buffer text = alto_buffer_make(4096);
    const char *at = self->directory;
    char tls[512] = "";
    if (which == SENDFILE)
        snprintf(tls, sizeof tls,
                 "listen 127.0.0.1:%u ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.3;",
                 self->nginx_tls_port, self->certificate, self->key);
    alto_buffer_print(&text,
                      "daemon off; master_process off; worker_processes 1; pid %s/pid; error_log %s/log crit;\n"
                      "events { worker_connections 256; }\n"
                      "http { access_log off; %s keepalive_requests 1000000000;\n"
                      "default_type application/alto-costmap+json; client_body_temp_path %s/1;\n"
                      "proxy_temp_path %s/2; fastcgi_temp_path %s/3; uwsgi_temp_path %s/4; scgi_temp_path %s/5;\n"
                      "server { listen 127.0.0.1:%u; %s root %s/www; } }\n",
                      at, at, peers[which].directives, at, at, at, at, at, self->nginx_port[which], tls, at);
    bench_must(text.status, "configuration");
    write_file(self, name, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

/* The very bytes that our server answers with, as files. */
static void write_bodies(const servers *self)
{
    bench_load load = bench_load_open(self->ours.port, 1);
    for (int i = 0; i < SIZES; i++) {
        char path[64], file[64];
        alto_buffer bytes = alto_buffer_make(ALTO_MAX_DOCUMENT);
        snprintf(path, sizeof path, "/%s", bodies[i].id);
        snprintf(file, sizeof file, "www/%s", bodies[i].id);
        bench_load_get(&load, path, &bytes);
        bench_must(bytes.status, "body");
        write_file(self, file, alto_buffer_slice(&bytes));
        alto_buffer_fini(&bytes);
    }
    bench_load_close(&load);
}

static void make_directory(servers *self)
{
    char www[DIRECTORY + 8];
    snprintf(self->directory, sizeof self->directory, "/tmp/alto-bench-XXXXXX");
    if (!mkdtemp(self->directory))
        bench_die("no temporary directory: %s", strerror(errno));
    snprintf(www, sizeof www, "%s/www", self->directory);
    if (mkdir(www, 0755) != 0 || chmod(self->directory, 0755) != 0)
        bench_die("%s: %s", www, strerror(errno));
    snprintf(self->certificate, sizeof self->certificate, "%s/cert", self->directory);
    snprintf(self->key, sizeof self->key, "%s/key", self->directory);
}

static void make_certificate(const servers *self)
{
    char command[512];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=bench"
             " -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             self->key, self->certificate);
    /* NOLINTNEXTLINE(cert-env33-c): the command is of constants and our own names */
    if (system(command) != 0)
        bench_die("no certificate for HTTPS: is there openssl?");
}

static void start_nginx(servers *self, int which)
{
    char conf[DIRECTORY + 8], log[DIRECTORY + 8], name[8];
    snprintf(name, sizeof name, "conf%d", which);
    snprintf(conf, sizeof conf, "%s/%s", self->directory, name);
    snprintf(log, sizeof log, "%s/log", self->directory);
    self->nginx_port[which] = free_port();
    if (which == SENDFILE)
        self->nginx_tls_port = free_port();
    write_configuration(self, which, name);
    self->nginx[which] = bench_child_start();
    if (self->nginx[which] == 0) {
        bench_run_on(&self->on.other);
        execlp("nginx", "nginx", "-c", conf, "-e", log, (char *)NULL);
        _exit(127);
    }
}

static void remove_directory(const char *directory)
{
    static const char *const names[] = {"www/map-1-kb",
                                        "www/map-200-kb",
                                        "www/map-20-mb",
                                        "www",
                                        "conf0",
                                        "conf1",
                                        "conf2",
                                        "cert",
                                        "key",
                                        "log",
                                        "pid",
                                        "1",
                                        "2",
                                        "3",
                                        "4",
                                        "5",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[DIRECTORY + 64];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
}

/* ---- measuring ---- */

static double us_per_get(pid_t process, bench_load *load, const body *of, uint64_t size, size_t rounds)
{
    char path[64];
    snprintf(path, sizeof path, "/%s", of->id);
    double before = bench_cpu_us(process);
    bench_load_run(load, path, size, rounds);
    return (bench_cpu_us(process) - before) / (double)(rounds * load->count);
}

static uint64_t size_of(const servers *self, const body *of)
{
    char path[DIRECTORY + 64];
    struct stat about;
    snprintf(path, sizeof path, "%s/www/%s", self->directory, of->id);
    if (stat(path, &about) != 0)
        bench_die("%s: %s", path, strerror(errno));
    return (uint64_t)about.st_size;
}

static void report(const body *of, const bench_series *own, const bench_series *peer, int which)
{
    char name[96];
    snprintf(name, sizeof name, "http: CPU per GET of a map of %s%s", of->title, peers[which].suffix);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(own),
                           .peer = peers[which].title,
                           .peer_value = bench_median(peer),
                           .bar_of = which == SENDFILE ? BENCH_RATIO : BENCH_NO_BAR,
                           .bar = 1});
}

static void measure(const servers *self, const body *of, int blocks)
{
    bench_load ours = bench_load_open(self->ours.port, of->connections), theirs[NGINXES];
    bench_series own = {0}, peer[NGINXES] = {{0}};
    uint64_t size = size_of(self, of);
    us_per_get(self->ours.process, &ours, of, size, of->rounds / 2 + 1);
    for (int k = 0; k < NGINXES; k++) {
        theirs[k] = bench_load_open(self->nginx_port[k], of->connections);
        us_per_get(self->nginx[k], &theirs[k], of, size, of->rounds / 2 + 1);
    }
    for (int i = 0; i < blocks; i++) {
        bench_series_add(&own, us_per_get(self->ours.process, &ours, of, size, of->rounds));
        for (int k = 0; k < NGINXES; k++)
            bench_series_add(&peer[k], us_per_get(self->nginx[k], &theirs[k], of, size, of->rounds));
    }
    for (int k = 0; k < NGINXES; k++) {
        report(of, &own, &peer[k], k);
        bench_series_fini(&peer[k]);
        bench_load_close(&theirs[k]);
    }
    bench_series_fini(&own);
    bench_load_close(&ours);
}

/* ---- by HTTPS ---- */

/* One of the two that speak it, and what it was measured to need. */
typedef struct {
    pid_t process;
    bench_secure load;
    bench_series us; /* of one request */
} secure_server;

/* GETs of one block, over connections that are kept or over one new connection for each: whole handshakes, for a new client
 * remembers nothing. */
static void ask_secure(secure_server *of, const char *path, uint64_t size, size_t count, bool anew)
{
    for (size_t i = 0; anew && i < count; i++) {
        bench_secure load = bench_secure_open(of->load.port, of->load.trust.ca_file);
        bench_secure_run(&load, path, size, 1);
        bench_secure_close(&load);
    }
    if (!anew)
        bench_secure_run(&of->load, path, size, count);
}

static void measure_secure(const servers *self, const body *of, size_t count, bool anew, int blocks)
{
    secure_server both[2] = {
        {.process = self->ours.process, .load = bench_secure_open(self->ours.tls_port, self->certificate)},
        {.process = self->nginx[SENDFILE], .load = bench_secure_open(self->nginx_tls_port, self->certificate)}};
    char path[64], name[96];
    uint64_t size = size_of(self, of);
    snprintf(path, sizeof path, "/%s", of->id);
    snprintf(name, sizeof name, "https: CPU per %sGET of a map of %s", anew ? "handshake and " : "", of->title);
    for (int i = -2; i < 2 * blocks; i++) { /* in turns; the first of each connects, and does not count */
        secure_server *one = &both[(i + 2) % 2];
        double before = bench_cpu_us(one->process);
        ask_secure(one, path, size, count, anew);
        if (i >= 0)
            bench_series_add(&one->us, (bench_cpu_us(one->process) - before) / (double)count);
    }
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&both[0].us),
                           .peer = "nginx, TLS 1.3, the same certificate",
                           .peer_value = bench_median(&both[1].us)});
    for (int k = 0; k < 2; k++) {
        bench_series_fini(&both[k].us);
        bench_secure_close(&both[k].load);
    }
}

void bench_http(const bench_options *options)
{
    servers self = {0};
    const int blocks = options->quick ? QUICK_BLOCKS : BLOCKS;
    /* NOLINTNEXTLINE(cert-env33-c): the command is a constant */
    if (system("nginx -v >/dev/null 2>&1") != 0) {
        bench_skip("http: CPU per GET", "there is no nginx here");
        return;
    }
    self.on = bench_processors_divide();
    bench_run_on(&self.on.one);
    make_directory(&self);
    make_certificate(&self);
    self.ours = bench_serve(&self.on.other, commit_maps, &(alto_tls_files){.cert = self.certificate, .key = self.key});
    write_bodies(&self);
    for (int k = 0; k < NGINXES; k++)
        start_nginx(&self, k);
    for (int i = 0; i < SIZES; i++)
        measure(&self, &bodies[i], blocks);
    for (int i = 0; i < SIZES; i++)
        measure_secure(&self, &bodies[i], bodies[i].secure, false, blocks);
    measure_secure(&self, &bodies[0], HANDSHAKES, true, blocks);
    for (int k = 0; k < NGINXES; k++)
        bench_child_stop(self.nginx[k]);
    bench_child_stop(self.ours.process);
    remove_directory(self.directory);
    bench_run_on(&self.on.all);
}
