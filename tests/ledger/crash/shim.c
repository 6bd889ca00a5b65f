/* Stands between a process and its disk, to kill it, to fail it, or to write down what it wrote.
 *
 * Loaded with LD_PRELOAD. After `crash_arm`, every call that changes or syncs a file or folder below one folder is
 * counted. At call number `point` the process is killed, or the call fails; with a trace, each call is written down
 * with its data, in the order in which it was made. Nothing is really synced: what a killed process has written is in
 * the kernel's hands already, and what a power cut would leave is worked out from the trace.
 *
 * Calls of several threads are put one after the other, so that the trace tells their true order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { PASS = 0, KILL = 1, TEAR = 2, FAIL_ONCE = 3, FAIL_ON = 4 };

enum operation {
    WRITE = 'w', TRUNCATE = 't', SYNC = 's', CREATE = 'c', RENAME = 'r', UNLINK = 'u', MAKE_FOLDER = 'd',
    REMOVE_FOLDER = 'x', MARK = 'm',
};

struct record {
    uint8_t operation;
    uint8_t reserved;
    uint16_t path_length;
    uint16_t target_length;
    uint16_t reserved_too;
    uint64_t offset;
    uint64_t length;
};

static char folder[PATH_MAX];
static size_t folder_length; /* 0: not armed */
static enum mode mode;
static int failure;
static long point, calls;
static int trace = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, ...)                                                                                       \
    static __typeof__(name) *real;                                                                            \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static void must(int holds) {
    if (!holds) abort();
}

static void put(const void *data, size_t length) {
    while (length) {
        ssize_t done = syscall(SYS_write, trace, data, length);
        must(done > 0);
        data = (const char *)data + done;
        length -= done;
    }
}

static void note(enum operation operation, const char *path, const char *target, uint64_t offset, const void *data,
                 uint64_t length) {
    if (trace < 0) return;
    struct record record = {operation, 0, strlen(path), strlen(target), 0, offset, length};
    put(&record, sizeof record);
    put(path, record.path_length);
    put(target, record.target_length);
    if (data) put(data, length);
}

/* Whether a path lies below the folder; `found` is it without links and dots, its last part aside. */
static int is_watched(int at, const char *path, char *found) {
    if (!folder_length) return 0;
    char joined[PATH_MAX * 2], part[PATH_MAX];
    if (path[0] == '/') {
        snprintf(joined, sizeof joined, "%s", path);
    } else {
        if (at == AT_FDCWD) {
            if (!getcwd(part, sizeof part)) return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            ssize_t length = readlink(link, part, sizeof part - 1);
            if (length < 0) return 0;
            part[length] = 0;
        }
        snprintf(joined, sizeof joined, "%s/%s", part, path);
    }
    char *name = strrchr(joined, '/');
    *name++ = 0;
    char resolved[PATH_MAX];
    if (!realpath(*joined ? joined : "/", resolved)) return 0;
    if (snprintf(found, PATH_MAX, "%s/%s", resolved, name) >= PATH_MAX) return 0;
    return !strncmp(found, folder, folder_length) && (found[folder_length] == '/' || !found[folder_length]);
}

static int is_watched_file(int file, char *found) {
    if (!folder_length) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, found, PATH_MAX - 1);
    if (length < 0) return 0;
    found[length] = 0;
    return !strncmp(found, folder, folder_length) && (found[folder_length] == '/' || !found[folder_length]);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void finish(void) { pthread_mutex_unlock(&one_at_a_time); }

static int fail(void) {
    finish();
    errno = failure;
    return 1;
}

/* Count one call. Returns 1, with errno set, if it must fail; else 0, and no other call is made before `finish`.
 * Where it must be torn, `*tear` is set. */
static int strikes(enum operation operation, int *tear) {
    must(!pthread_mutex_lock(&one_at_a_time));
    long number = ++calls;
    if (number < point || mode == PASS || !point) return 0;
    if (number > point) {
        /* A full disk still lets files be shortened and removed. */
        int frees = operation == TRUNCATE || operation == UNLINK || operation == REMOVE_FOLDER;
        return mode == FAIL_ON && !(failure == ENOSPC && frees) ? fail() : 0;
    }
    if (mode == KILL || (mode == TEAR && !tear)) die();
    /* A disk that fills up takes a part of the write that fills it; the next one is refused. */
    if (mode == TEAR || (mode == FAIL_ON && failure == ENOSPC && tear)) {
        *tear = 1;
        return 0;
    }
    return fail();
}

/* What the tests call ------------------------------------------------------------------------- */

/* Watch `path` from now on; `trace_path` may be empty. Returns 0. */
int crash_arm(const char *path, long at, int how, int error, const char *trace_path) {
    must(realpath(path, folder) != NULL);
    point = at, mode = how, failure = error, calls = 0;
    if (trace_path[0]) {
        trace = syscall(SYS_openat, AT_FDCWD, trace_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        must(trace >= 0);
    }
    folder_length = strlen(folder);
    return 0;
}

/* How many calls were counted since. */
long crash_calls(void) { return calls; }

/* Let everything pass from now on, still without syncing. */
void crash_pass(void) { mode = PASS; }

/* Put a line of the test's own into the trace. */
void crash_mark(const char *text) {
    must(!pthread_mutex_lock(&one_at_a_time));
    note(MARK, "", "", 0, text, strlen(text));
    finish();
}

/* What the process calls ---------------------------------------------------------------------- */

static ssize_t positioned(ssize_t (*real)(int, const void *, size_t, off64_t), int file, const void *data,
                          size_t length, off64_t offset) {
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file, data, length, offset);
    int tear = 0;
    if (strikes(WRITE, &tear)) return -1;
    ssize_t done = real(file, data, tear ? (length + 1) / 2 : length, offset);
    must(done > 0);
    note(WRITE, path, "", offset, data, done);
    if (tear && mode == TEAR) die();
    finish();
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    REAL(pwrite64);
    return positioned(real, file, data, length, offset);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return pwrite64(file, data, length, offset); }

ssize_t write(int file, const void *data, size_t length) {
    REAL(write);
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file, data, length);
    int tear = 0;
    if (strikes(WRITE, &tear)) return -1;
    off_t offset = lseek(file, 0, fcntl(file, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t done = real(file, data, tear ? (length + 1) / 2 : length);
    must(done > 0);
    note(WRITE, path, "", offset, data, done);
    if (tear && mode == TEAR) die();
    finish();
    return done;
}

/* Gathered writes go out piece by piece: the caller must cope with a short count anyway. */
ssize_t writev(int file, const struct iovec *pieces, int count) {
    REAL(writev);
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file, pieces, count);
    for (; count; pieces++, count--)
        if (pieces->iov_len) return write(file, pieces->iov_base, pieces->iov_len);
    return 0;
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t offset) {
    REAL(pwritev);
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file, pieces, count, offset);
    for (; count; pieces++, count--)
        if (pieces->iov_len) return pwrite64(file, pieces->iov_base, pieces->iov_len, offset);
    return 0;
}

int ftruncate64(int file, off64_t length) {
    REAL(ftruncate64);
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file, length);
    if (strikes(TRUNCATE, NULL)) return -1;
    int result = real(file, length);
    if (!result) note(TRUNCATE, path, "", length, NULL, 0);
    finish();
    return result;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int synced(int (*real)(int), int file) {
    char path[PATH_MAX];
    if (!is_watched_file(file, path)) return real(file);
    if (strikes(SYNC, NULL)) return -1;
    note(SYNC, path, "", 0, NULL, 0);
    finish();
    return 0;
}

int fsync(int file) {
    REAL(fsync);
    return synced(real, file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return synced(real, file);
}

static int opened(int at, const char *name, int flags, mode_t permissions) {
    char path[PATH_MAX];
    struct stat before;
    int changes = 0;
    if ((flags & (O_CREAT | O_TRUNC)) && is_watched(at, name, path)) {
        int exists = !fstatat(at, name, &before, 0);
        changes = !exists && (flags & O_CREAT) ? CREATE : exists && (flags & O_TRUNC) ? TRUNCATE : 0;
    }
    if (changes && strikes(changes, NULL)) return -1;
    int file = syscall(SYS_openat, at, name, flags, permissions);
    if (changes && file >= 0) note(changes, path, "", 0, NULL, 0);
    if (changes) finish();
    return file;
}

#define PERMISSIONS(flags, permissions)                                                                       \
    mode_t permissions = 0;                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                    \
        va_list rest;                                                                                         \
        va_start(rest, flags);                                                                                \
        permissions = va_arg(rest, int);                                                                      \
        va_end(rest);                                                                                         \
    }

int open(const char *name, int flags, ...) {
    PERMISSIONS(flags, permissions)
    return opened(AT_FDCWD, name, flags, permissions);
}

int open64(const char *name, int flags, ...) {
    PERMISSIONS(flags, permissions)
    return opened(AT_FDCWD, name, flags | O_LARGEFILE, permissions);
}

int openat(int at, const char *name, int flags, ...) {
    PERMISSIONS(flags, permissions)
    return opened(at, name, flags, permissions);
}

int openat64(int at, const char *name, int flags, ...) {
    PERMISSIONS(flags, permissions)
    return opened(at, name, flags | O_LARGEFILE, permissions);
}

int renameat(int at, const char *name, int target_at, const char *target) {
    REAL(renameat);
    char path[PATH_MAX], target_path[PATH_MAX];
    if (!is_watched(at, name, path) || !is_watched(target_at, target, target_path))
        return real(at, name, target_at, target);
    if (strikes(RENAME, NULL)) return -1;
    int result = real(at, name, target_at, target);
    if (!result) note(RENAME, path, target_path, 0, NULL, 0);
    finish();
    return result;
}

int rename(const char *name, const char *target) { return renameat(AT_FDCWD, name, AT_FDCWD, target); }

int unlinkat(int at, const char *name, int flags) {
    REAL(unlinkat);
    char path[PATH_MAX];
    int operation = flags & AT_REMOVEDIR ? REMOVE_FOLDER : UNLINK;
    if (faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) || !is_watched(at, name, path)) return real(at, name, flags);
    if (strikes(operation, NULL)) return -1;
    int result = real(at, name, flags);
    if (!result) note(operation, path, "", 0, NULL, 0);
    finish();
    return result;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int at, const char *name, mode_t permissions) {
    REAL(mkdirat);
    char path[PATH_MAX];
    if (!faccessat(at, name, F_OK, 0) || !is_watched(at, name, path)) return real(at, name, permissions);
    if (strikes(MAKE_FOLDER, NULL)) return -1;
    int result = real(at, name, permissions);
    if (!result) note(MAKE_FOLDER, path, "", 0, NULL, 0);
    finish();
    return result;
}

int mkdir(const char *name, mode_t permissions) { return mkdirat(AT_FDCWD, name, permissions); }
