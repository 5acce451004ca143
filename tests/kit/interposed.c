/* What a process is told instead: another time of day, and slow files under one folder.
 *
 * Both are read anew each time from a file with one number in it, so that a test changes them while
 * the process runs: seconds that the clock is wrong by, milliseconds that each call takes longer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number_in(const char *variable)
{
    const char *path = getenv(variable);
    char text[32] = "";
    int kept = errno, file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        if (syscall(SYS_read, file, text, sizeof text - 1) < 0)
            text[0] = 0;
        syscall(SYS_close, file);
    }
    errno = kept;
    return atol(text);
}

static void hold_up(const char *path)
{
    const char *under = getenv("TESTS_SLOW_UNDER");
    if (!under || !path || strncmp(path, under, strlen(under)))
        return;
    long pause = number_in("TESTS_SLOW_FILE");
    struct timespec rest = {pause / 1000, pause % 1000 * 1000000};
    syscall(SYS_nanosleep, &rest, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = REAL(clock_gettime)(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += number_in("TESTS_CLOCK_FILE");
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int failed = REAL(gettimeofday)(now, zone);
    if (!failed)
        now->tv_sec += number_in("TESTS_CLOCK_FILE");
    return failed;
}

time_t time(time_t *now)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}

#define OPENING(name)                                                                              \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
            va_list rest;                                                                          \
            va_start(rest, flags);                                                                 \
            mode = va_arg(rest, mode_t);                                                           \
            va_end(rest);                                                                          \
        }                                                                                          \
        hold_up(path);                                                                             \
        return REAL(name)(path, flags, mode);                                                      \
    }
OPENING(open)
OPENING(open64)

int rename(const char *from, const char *to)
{
    hold_up(to);
    return REAL(rename)(from, to);
}
