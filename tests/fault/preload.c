/*
 * Makes a disk fail for one process, for tests: loaded with LD_PRELOAD.
 *
 * KMIP_FAULT_DIRECTORY is the directory whose files fail, KMIP_FAULT_FILE a file outside it. While
 * that file exists, its first word says what fails:
 *
 *   full       writing, for want of room (ENOSPC)
 *   write      writing (EIO)
 *   read-only  writing, and opening to write (EROFS)
 *   sync       fsync and fdatasync (EIO)
 *   sync-once  the first fsync or fdatasync; those after it succeed, as on Linux
 *   sync-main  fsync and fdatasync of the database itself, not of its log
 *
 * Each sync after the first that failed adds a line to the file KMIP_FAULT_FILE.again.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int sync_failed;

static int real_open(const char *path, int flags) {
    static int (*open_)(const char *, int, ...);
    if (!open_) open_ = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    return open_(path, flags, 0);
}

/* Copies the mode; empty if nothing is to fail. */
static void read_mode(char *mode, size_t size) {
    const char *file = getenv("KMIP_FAULT_FILE");
    int saved = errno;
    mode[0] = 0;
    if (file) {
        int fd = real_open(file, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            ssize_t count = read(fd, mode, size - 1);
            mode[count > 0 ? count : 0] = 0;
            mode[strcspn(mode, " \n")] = 0;
            close(fd);
        }
    }
    errno = saved;
}

static int inside(const char *path) {
    const char *directory = getenv("KMIP_FAULT_DIRECTORY");
    return directory && *directory && strncmp(path, directory, strlen(directory)) == 0;
}

/* Finds the path of an open file; 0 if it is not one of those that fail. */
static int path_of(int fd, char *path, size_t size) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, size - 1);
    errno = saved;
    if (count <= 0) return 0;
    path[count] = 0;
    return inside(path);
}

/* Returns what writing to a file ends in; 0 if it works. */
static int write_error(int fd) {
    char mode[32], path[4096];
    read_mode(mode, sizeof mode);
    if (!mode[0] || !path_of(fd, path, sizeof path)) return 0;
    if (!strcmp(mode, "full")) return ENOSPC;
    if (!strcmp(mode, "write")) return EIO;
    if (!strcmp(mode, "read-only")) return EROFS;
    return 0;
}

static int sync_error(int fd) {
    char mode[32], path[4096];
    read_mode(mode, sizeof mode);
    if (!path_of(fd, path, sizeof path)) return 0;
    if (sync_failed) {
        char again[4096];
        const char *file = getenv("KMIP_FAULT_FILE");
        snprintf(again, sizeof again, "%s.again", file ? file : "/dev/null");
        FILE *out = fopen(again, "a");
        if (out) {
            fprintf(out, "%s\n", path);
            fclose(out);
        }
    }
    int fails = !strcmp(mode, "sync") || (!strcmp(mode, "sync-once") && !sync_failed);
    if (!strcmp(mode, "sync-main")) {
        size_t length = strlen(path);
        fails = length > 3 && !strcmp(path + length - 3, ".db");
    }
    if (!fails) return 0;
    sync_failed = 1;
    return EIO;
}

#define REAL(type, name, ...)                                   \
    static type (*real)(__VA_ARGS__);                           \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define FAIL(error)         \
    do {                    \
        int e = (error);    \
        if (e) {            \
            errno = e;      \
            return -1;      \
        }                   \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    FAIL(write_error(fd));
    return real(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    FAIL(write_error(fd));
    return real(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    FAIL(write_error(fd));
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    FAIL(write_error(fd));
    return real(fd, bytes, count, at);
}

int ftruncate(int fd, off_t length) {
    REAL(int, "ftruncate", int, off_t);
    FAIL(write_error(fd));
    return real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    FAIL(write_error(fd));
    return real(fd, length);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    FAIL(sync_error(fd));
    return real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    FAIL(sync_error(fd));
    return real(fd);
}

static int open_error(const char *path, int flags) {
    char mode[32];
    if ((flags & O_ACCMODE) == O_RDONLY || !inside(path)) return 0;
    read_mode(mode, sizeof mode);
    return strcmp(mode, "read-only") ? 0 : EROFS;
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...) {                \
        static int (*real)(const char *, int, ...);             \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                           \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        FAIL(open_error(path, flags));                          \
        return real(path, flags, mode);                         \
    }

OPEN(open)
OPEN(open64)
