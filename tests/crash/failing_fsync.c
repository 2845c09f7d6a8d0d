/* Loaded by LD_PRELOAD: while the file that GATEHOUSE_FAIL_FSYNC names exists, fsync and fdatasync
 * of a file whose path ends in what that file holds fail with EIO, as a disk does that has lost a
 * write. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_to_fail(int fd) {
  char suffix[64] = "", link[64], path[4096];
  const char* switch_file = getenv("GATEHOUSE_FAIL_FSYNC");
  if (switch_file == NULL) return 0;
  const int file = open(switch_file, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, suffix, sizeof(suffix) - 1);
  close(file);
  if (length <= 0) return 0;
  suffix[length] = '\0';
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t path_length = readlink(link, path, sizeof(path) - 1);
  if (path_length < length) return 0;
  path[path_length] = '\0';
  return strcmp(path + path_length - length, suffix) == 0;
}

static int forward(const char* name, int fd) {
  if (is_to_fail(fd)) {
    errno = EIO;
    return -1;
  }
  int (*next)(int);
  *(void**)&next = dlsym(RTLD_NEXT, name);
  return next(fd);
}

int fsync(int fd) { return forward("fsync", fd); }
int fdatasync(int fd) { return forward("fdatasync", fd); }
