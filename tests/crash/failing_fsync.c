/* Loaded by LD_PRELOAD: while the file that GATEHOUSE_FAIL_FSYNC names exists, fsync and fdatasync
 * of a file whose path ends in what that file holds fail with EIO, as a disk does that has lost a
 * write; or, where "~" comes before that, take a second and a half. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fate { FORWARD, FAIL, SLOW };

static enum fate fate_of(int fd) {
  char text[64] = "", *suffix = text, link[64], path[4096];
  const char* switch_file = getenv("GATEHOUSE_FAIL_FSYNC");
  if (switch_file == NULL) return FORWARD;
  const int file = open(switch_file, O_RDONLY | O_CLOEXEC);
  if (file < 0) return FORWARD;
  ssize_t length = read(file, text, sizeof(text) - 1);
  close(file);
  if (length <= 0) return FORWARD;
  text[length] = '\0';
  const enum fate fate = *text == '~' ? SLOW : FAIL;
  if (fate == SLOW) {
    ++suffix;
    --length;
  }
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t path_length = readlink(link, path, sizeof(path) - 1);
  if (path_length < length) return FORWARD;
  path[path_length] = '\0';
  return strcmp(path + path_length - length, suffix) == 0 ? fate : FORWARD;
}

static int forward(const char* name, int fd) {
  const enum fate fate = fate_of(fd);
  if (fate == FAIL) {
    errno = EIO;
    return -1;
  }
  if (fate == SLOW) usleep(1500 * 1000);
  int (*next)(int);
  *(void**)&next = dlsym(RTLD_NEXT, name);
  return next(fd);
}

int fsync(int fd) { return forward("fsync", fd); }
int fdatasync(int fd) { return forward("fdatasync", fd); }
