/* SPDX-License-Identifier: Apache-2.0 */
/* altocast.h - hold a verified, always fresh copy of an ISP's ALTO maps (RFC 7285) in memory.
 *
 *     altocast_options options = {.upstream = "http://192.0.2.1:8671", .root_key_file = "root.pub.pem"};
 *     char error[256];
 *     altocast *maps = altocast_open(&options, error, sizeof error);
 *     while (altocast_process(maps, -1) == 0) {
 *         altocast_view *view = altocast_acquire(maps);
 *         double cost;
 *         if (view && altocast_cost(view, "routingcost", "PID1", "PID2", &cost) == ALTOCAST_OK)
 *             ...
 *         altocast_release(view);
 *     }
 *     altocast_close(maps);
 *
 * Everything that is visible was signed by the operator of the ALTO server and belongs together: all resources
 * of a view are of one commit. Who delivered it does not matter.
 *
 * Threads: an altocast belongs to the thread that calls altocast_process or altocast_run, with these exceptions, which any
 * thread may call at any time: altocast_acquire, altocast_stop, and everything that reads a view. A view never changes; reading
 * it takes no locks. */
#ifndef ALTOCAST_H
#define ALTOCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALTOCAST_API __attribute__((visibility("default")))

typedef struct altocast altocast;
typedef struct altocast_view altocast_view;
typedef struct altocast_resource altocast_resource;

typedef enum {
    ALTOCAST_OK = 0,
    ALTOCAST_NOT_FOUND = 1,  /* no such resource, PID or cell: a cost that is not defined is neither 0 nor infinite */
    ALTOCAST_NOT_HELD = 2,   /* the origin has it, but it is not followed, or withheld until it fits its network map */
    ALTOCAST_WRONG_KIND = 3, /* asked of a kind of resource that has no such thing */
    ALTOCAST_NO_MEMORY = 4,
    ALTOCAST_INVALID = 5 /* not an address */
} altocast_result;

typedef enum {
    ALTOCAST_EMPTY = 0,   /* nothing yet */
    ALTOCAST_SYNCING = 1, /* news are known that are not held yet, or may be; the view is the last complete one */
    ALTOCAST_LIVE = 2,    /* the newest there is */
    ALTOCAST_STALE = 3    /* the last there was; nothing fresh has been heard for 16 s, or it has expired */
} altocast_state;

typedef enum { ALTOCAST_NETWORK_MAP = 1, ALTOCAST_COST_MAP = 2, ALTOCAST_DOCUMENT = 3 } altocast_kind;

/* ---- changes ---- */

/* One resource of a commit. Texts are valid during the call. */
typedef struct {
    const char *resource_id;
    altocast_kind kind;
    bool added, withdrawn;
    uint64_t payload_bytes; /* of the delta as received; 0 when it was pulled in another form */
    uint64_t text_bytes;    /* of the whole as compact JSON */
    uint64_t rows_added, rows_removed, rows_changed;    /* PIDs */
    uint64_t items_added, items_removed, items_changed; /* cells or prefixes; a moved prefix is removed and added */
    uint64_t members_changed;                           /* members of meta and other members */
} altocast_change;

/* One commit that was verified and applied. Valid during the call. */
typedef struct {
    uint32_t epoch;
    uint64_t chain, seq;     /* its place in the origin's order: epoch, then chain, then seq */
    uint64_t issued_at_ms;   /* by the origin's clock, ms since 1970 */
    uint64_t applied_at_ms;  /* by ours */
    uint64_t bytes_received; /* signed statement and payloads */
    bool pulled;             /* at least in part by HTTP instead of push */
    const char
        *route; /* the dearest of what it took: "push", "commits" (pulled as they were signed), "delta", "snapshot" */
    size_t change_count;
    const altocast_change *changes;
} altocast_commit;

/* ---- life ---- */

/* For https: whom to believe, and who we are. Files of PEM, read again for each connection that is made. */
typedef struct {
    const char *ca_file; /* certificates to believe instead of those of the system's authorities; NULL: those */
    const char *cert_file,
        *key_file; /* what to show to a server that asks for a certificate, and its key; NULL: nothing */
} altocast_tls;

typedef struct {
    const char *upstream; /* URL of an alto-server-push or alto-rproxy */
    /* URLs of further ones, at most 15; NULL: none. News come from whichever is first; when one fails or lies, the others do. */
    const char *const *upstreams;
    size_t upstream_count;
    const char *root_key_file;    /* root.pub.pem of the ALTO server's operator: whom to believe */
    const char *const *resources; /* IDs of what to hold, at most 64; NULL: everything */
    size_t resource_count;
    /* Push endpoint of `upstream` ("tcp://192.0.2.1:5670", "epgm://LOCAL-ADDRESS;GROUP:PORT" for multicast); NULL: the
     * port that it names, on the host of its URL. */
    const char *upstream_push;
    /* Files with the public keys (CURVE) of the first so many upstreams, `upstream` being the first: they then push to us
     * encrypted, or not at all. Keys of others that encrypt are learned where their URL is https. */
    const char *const *upstream_curve_keys;
    size_t upstream_curve_key_count;
    const char *curve_id; /* file with our own key pair, where they ask who we are; NULL: a new one each time */
    altocast_tls tls;     /* for upstreams with https */
    bool no_push;         /* follow by polling only */
    uint64_t poll_ms;     /* how often to poll where push is not to be had; 0: 1000 */

    /* Called from altocast_process, after the view has moved. May be NULL. */
    void (*on_commit)(void *context, const altocast_commit *commit);
    /* No upstream serves the origin of this root key. It goes on asking. May be NULL. */
    void (*on_wrong_origin)(void *context);
    void *context;
} altocast_options;

/* Open; nothing is sent yet. Strings are copied. NULL: `error` says why (key file, URL, memory), in error_size bytes. */
ALTOCAST_API altocast *altocast_open(const altocast_options *options, char *error, size_t error_size);
ALTOCAST_API void altocast_close(altocast *self); /* NULL is accepted. Views acquired stay valid. */

/* Handle what has come, waiting at most timeout_ms for it (0: not at all, -1: as long as it takes).
 * 0: go on; 1: altocast_stop was called; -1: the system refuses to wait, errno says why. */
ALTOCAST_API int altocast_process(altocast *self, int timeout_ms);
/* Process until altocast_stop. 0, or -1 as above. */
ALTOCAST_API int altocast_run(altocast *self);
ALTOCAST_API void altocast_stop(altocast *self); /* any thread, and signal handlers */
/* Read curve_id and upstream_curve_keys again with the next altocast_process, and connect anew where they are others; files that
 * are no good change nothing, and the log says so. Any thread, and signal handlers. */
ALTOCAST_API void altocast_reload(altocast *self);
/* For a loop of your own: when this descriptor is readable, call altocast_process(self, 0). */
ALTOCAST_API int altocast_fd(const altocast *self);

/* Diagnostic lines, for the log of the application: what is refused, how the upstream is reached. `line` has no
 * line feed and is valid during the call, which comes from threads of the library too. NULL: back to errors
 * alone, on standard error. For the whole process; call it before altocast_open. */
ALTOCAST_API void altocast_set_log(void (*sink)(void *context, const char *line), void *context);

typedef struct {
    altocast_state state;
    bool by_push;    /* news come by push at the moment, otherwise by polling */
    char origin[65]; /* the origin's name in hexadecimal */
    uint32_t epoch;  /* of the view; 0 while empty */
    uint64_t chain, seq;
    uint64_t issued_at_ms; /* of the newest statement about the view */
    uint64_t valid_until_ms;
    uint64_t refused; /* objects refused in all */
    char trouble
        [256]; /* why the last attempt to reach or believe the upstream failed; "" when it did not, or another works */
} altocast_status;
ALTOCAST_API void altocast_get_status(altocast *self, altocast_status *status);

typedef struct {
    const char *url; /* valid until altocast_close */
    bool by_push;    /* it pushes at the moment */
    const char *
        trouble; /* why the last attempt to reach or believe it failed; "" when it did not. Until the next altocast_process */
} altocast_upstream;
/* The upstreams, in the order of the options. `each` returns false to stop. */
ALTOCAST_API void altocast_each_upstream(altocast *self, bool (*each)(void *context, const altocast_upstream *upstream),
                                         void *context);
/* How often objects were refused, reason by reason ("bad-signature", ...). */
ALTOCAST_API void altocast_each_refusal(altocast *self, void (*each)(void *context, const char *reason, uint64_t count),
                                        void *context);

/* A fork: statements of the origin that contradict each other about one position. Only who has a key of it can have made
 * them, so it is no fault of an upstream: the key was stolen, or two publishers run with it. The view stays as it was. */
typedef struct {
    uint32_t epoch; /* the position */
    uint64_t chain, seq;
    char held[65], other[65]; /* hashes of the two commits there, in hexadecimal */
    struct {
        const void *bytes; /* the object, then its 64-byte Ed25519 signature; valid until altocast_close */
        size_t size;
    } proof[2]; /* the statements that say so: the one that was held, the one that came */
} altocast_fork;
/* The forks found so far, at most 8. `each` returns false to stop. */
ALTOCAST_API void altocast_each_fork(altocast *self, bool (*each)(void *context, const altocast_fork *fork),
                                     void *context);

/* ---- views: any thread ---- */

/* The newest complete view, for the caller to release; NULL while there is none. */
ALTOCAST_API altocast_view *altocast_acquire(altocast *self);
ALTOCAST_API void altocast_release(altocast_view *view); /* NULL is accepted */

/* Resources in order of their IDs. Borrowed from the view. */
ALTOCAST_API size_t altocast_resource_count(const altocast_view *view);
ALTOCAST_API const altocast_resource *altocast_resource_at(const altocast_view *view, size_t index);
ALTOCAST_API const altocast_resource *altocast_find(const altocast_view *view,
                                                    const char *resource_id); /* NULL: none */

typedef struct {
    char id[65];
    altocast_kind kind;
    char media_type[128];
    char root[65];        /* names the content: equal content, equal root */
    char tag[65];         /* of meta.vtag (RFC 7285 10.3); "" when there is none */
    uint64_t rows, items; /* PIDs and other rows; cells, prefixes, members */
    uint64_t text_bytes;  /* as compact JSON */
    bool held;            /* false: not followed, or withheld: only the facts above are known */
} altocast_resource_info;
ALTOCAST_API void altocast_describe(const altocast_resource *resource, altocast_resource_info *info);

/* Cost from one PID to another, in the map's own unit and direction. O(log of the PIDs). */
ALTOCAST_API altocast_result altocast_cost(const altocast_view *view, const char *resource_id, const char *source_pid,
                                           const char *destination_pid, double *cost);
/* Every defined cost from a PID, in order of destination names (not NUL-terminated). `each` returns false to stop. */
ALTOCAST_API altocast_result altocast_each_cost(const altocast_resource *cost_map, const char *source_pid,
                                                bool (*each)(void *context, const char *pid, size_t size, double cost),
                                                void *context);
/* Every PID of a map (of a cost map: those that are sources), in order of names. */
ALTOCAST_API altocast_result altocast_each_pid(const altocast_resource *map,
                                               bool (*each)(void *context, const char *pid, size_t size),
                                               void *context);
/* Every prefix of a PID, as text ("192.0.2.0/24"), in address order, IPv4 first. */
ALTOCAST_API altocast_result altocast_each_prefix(const altocast_resource *network_map, const char *pid,
                                                  bool (*each)(void *context, const char *prefix), void *context);

/* ---- addresses: any thread ----
 * An address belongs to the PID with the longest prefix that covers it (RFC 7285 11.2.2). What that takes is made when the first
 * lookup asks for it, in about a second for a million prefixes, and for later views in proportion to what changed. */

typedef struct {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* in network order: the first 4 of them, the others zero, or all */
} altocast_address;

/* Read "192.0.2.1", "2001:db8::1" (any text form of RFC 4291), or either with its type before it, as in
 * "ipv4:192.0.2.1" (RFC 7285 10.4.1). ALTOCAST_INVALID: neither. */
ALTOCAST_API altocast_result altocast_parse_address(const char *text, altocast_address *address);
/* The PID of an address in a network map, NUL-terminated, borrowed from the view. ALTOCAST_NOT_FOUND also when no
 * prefix covers it. */
ALTOCAST_API altocast_result altocast_pid(const altocast_view *view, const char *network_map_id,
                                          const altocast_address *address, const char **pid);
/* Cost from one address to another: that from PID to PID, in the network map that the cost map belongs to.
 * ALTOCAST_NOT_HELD also when that network map is not held. */
ALTOCAST_API altocast_result altocast_address_cost(const altocast_view *view, const char *cost_map_id,
                                                   const altocast_address *source, const altocast_address *destination,
                                                   double *cost);
/* Costs from one address to `count` others, NaN where none is defined: much quicker than one by one. ALTOCAST_NOT_FOUND:
 * there is no such map, or no prefix covers the source, or there are no costs from its PID. */
ALTOCAST_API altocast_result altocast_address_costs(const altocast_view *view, const char *cost_map_id,
                                                    const altocast_address *source,
                                                    const altocast_address *destinations, size_t count, double *costs);
/* Costs from sources[i] to destinations[i], `count` pairs that need have nothing in common, NaN where none is defined or no prefix
 * covers one: much quicker than one by one, the more of them the better. */
ALTOCAST_API altocast_result altocast_pair_costs(const altocast_view *view, const char *cost_map_id,
                                                 const altocast_address *sources, const altocast_address *destinations,
                                                 size_t count, double *costs);

/* ---- news: any thread ---- */

/* Have an alto-server-push that polls an ALTO server ask it at once: POST URL/notify with the key that is the first line of
 * key_file (its --notify-key). tls: for https; NULL: nothing special. Waits for the answer, timeout_s at most. False: `error`
 * gets a sentence. */
ALTOCAST_API bool altocast_notify(const char *url, const char *key_file, const altocast_tls *tls, unsigned timeout_s,
                                  char *error, size_t error_size);

/* ---- saved objects: any thread ---- */

/* What a saved file proves. All texts are valid during the call only. */
typedef struct {
    const char *file;
    const char
        *type; /* "manifest", "roots", "commit", "head", "catalog", "snapshot", "payload", "alto-json", "unknown" */
    const char *says; /* what it is and what was proved of it, or why nothing was: a sentence */
    bool proved;
} altocast_verdict;
/* Judge saved signed objects (as they are served), and ALTO JSON, by what all of them say together and the root key alone,
 * without asking anybody; `each` gets one verdict a file, in order. Whether there is anything newer cannot be told. False: a file
 * cannot be read, and `error` gets a sentence. */
ALTOCAST_API bool altocast_verify(const char *root_key_file, const char *const *files, size_t count,
                                  void (*each)(void *context, const altocast_verdict *verdict), void *context,
                                  char *error, size_t error_size);

/* ---- whole resources ---- */

/* The whole resource as compact ALTO JSON, piece by piece. `write` returns false to stop. */
ALTOCAST_API altocast_result altocast_write_json(const altocast_resource *resource,
                                                 bool (*write)(void *context, const void *bytes, size_t size),
                                                 void *context);

#ifdef __cplusplus
}
#endif
#endif
