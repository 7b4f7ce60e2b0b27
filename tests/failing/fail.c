/* The n-th write, rename or fsync below a folder fails, or every write from the n-th on, as on a full disk.
   For LD_PRELOAD; told what to do by fail_at(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, RENAME, FSYNC, KINDS, FULL = KINDS };

static char below[PATH_MAX];
static long calls[KINDS], at[KINDS];
static int full;

/* Count anew; let call number n of a kind fail (0: none) for files below a folder. */
void fail_at(const char *folder, int kind, long n)
{
    snprintf(below, sizeof below, "%s/", folder);
    memset(calls, 0, sizeof calls);
    memset(at, 0, sizeof at);
    full = kind == FULL;
    at[full ? WRITE : kind] = n;
}

long calls_of(int kind) { return calls[kind]; }

static int fails(int kind, const char *path)
{
    if (!below[0] || strncmp(path, below, strlen(below)))
        return 0;
    long call = __sync_add_and_fetch(&calls[kind], 1);
    if (!at[kind] || (full ? call < at[kind] : call != at[kind]))
        return 0;
    errno = kind == WRITE ? ENOSPC : EIO;
    return 1;
}

static int fails_fd(int kind, int fd)
{
    char link[64], path[PATH_MAX];
    if (!below[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(kind, path);
}

static int fails_at(int kind, int folder, const char *name)
{
    char link[64], path[PATH_MAX];
    if (name[0] == '/')
        return fails(kind, name);
    if (folder == -100) /* AT_FDCWD */
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, path, sizeof path - 2 - strlen(name));
    if (length < 0)
        return 0;
    path[length] = '/';
    strcpy(path + length + 1, name);
    return fails(kind, path);
}

#define REAL(type, name, ...)                          \
    static type (*real)(__VA_ARGS__);                  \
    if (!real)                                         \
        real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails_fd(WRITE, fd) ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return fails_fd(WRITE, fd) ? -1 : real(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t where)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return fails_fd(WRITE, fd) ? -1 : real(fd, data, size, where);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t where)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fails_fd(WRITE, fd) ? -1 : real(fd, data, size, where);
}

ssize_t sendfile(int out, int in, off_t *where, size_t size)
{
    REAL(ssize_t, "sendfile", int, int, off_t *, size_t);
    return fails_fd(WRITE, out) ? -1 : real(out, in, where, size);
}

ssize_t sendfile64(int out, int in, off64_t *where, size_t size)
{
    REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
    return fails_fd(WRITE, out) ? -1 : real(out, in, where, size);
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    return fails_at(RENAME, -100, to) ? -1 : real(from, to);
}

int renameat(int old, const char *from, int new, const char *to)
{
    REAL(int, "renameat", int, const char *, int, const char *);
    return fails_at(RENAME, new, to) ? -1 : real(old, from, new, to);
}

int fsync(int fd)
{
    REAL(int, "fsync", int);
    return fails_fd(FSYNC, fd) ? -1 : real(fd);
}

int syncfs(int fd)
{
    REAL(int, "syncfs", int);
    return fails_fd(FSYNC, fd) ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int);
    return fails_fd(FSYNC, fd) ? -1 : real(fd);
}
